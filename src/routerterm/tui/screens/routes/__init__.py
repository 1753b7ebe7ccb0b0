"""Routes: the models of a route in order, and what the router would do now."""
