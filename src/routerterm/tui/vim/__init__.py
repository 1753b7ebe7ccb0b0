"""A vim mode for text: a pure engine that knows no widget (`engine`), and its motions and text objects (`motions`)."""
