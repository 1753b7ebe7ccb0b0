"""Questions that are sent later."""
