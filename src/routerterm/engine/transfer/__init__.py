"""Conversations on the move: export as Markdown, JSON and HTML, import from here and elsewhere."""
