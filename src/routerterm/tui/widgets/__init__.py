"""Widgets: they are told and they tell; they never fetch."""
