"""Keys as a service: view, test, add, move."""
