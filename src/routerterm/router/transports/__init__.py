"""Bytes to and from providers: HTTP, the local model in process, the demo."""
