"""The vocabulary: frozen values, the standard library and msgspec only, no clock, no chance, no disk, no socket."""
