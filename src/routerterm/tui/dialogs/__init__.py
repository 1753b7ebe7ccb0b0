"""Dialogs: one at a time, above whatever screen is there."""
