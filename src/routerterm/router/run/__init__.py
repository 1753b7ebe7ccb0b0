"""A request on its way: attempts, hedging, assembly of one answer."""
