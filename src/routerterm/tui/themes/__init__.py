"""Themes: a machine each, from TOML files."""
