"""What a chat is, with no widget: sessions, branches, context, traces."""
