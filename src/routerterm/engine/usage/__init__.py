"""Usage and cost, counted and grouped."""
