"""Tools that models may call: MCP servers, the built-in ones, and the loop that calls them within limits."""
