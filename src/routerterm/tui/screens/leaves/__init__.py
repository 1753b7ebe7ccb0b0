"""The sheet of what leaves with the next message."""
