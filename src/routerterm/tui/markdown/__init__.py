"""Markdown into styled lines, block by block, while it still arrives."""
