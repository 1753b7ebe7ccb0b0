"""Commands: each one small class, from which keys, palette, help, footer and slash commands follow."""
