"""API keys: what there is, in which state, and everything one does with them."""
