"""The history database: the only room that speaks SQL."""
