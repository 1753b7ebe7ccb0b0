"""The chat screen and its helpers."""
