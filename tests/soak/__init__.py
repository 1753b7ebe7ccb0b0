"""Hours of chat against the wall of faults, compressed into minutes; see ``__main__``."""
