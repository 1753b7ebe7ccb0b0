"""Walks: what a stranger does in the first minutes, at every size, by keys alone and by mouse alone."""
