"""Themes, each from a TOML file."""
