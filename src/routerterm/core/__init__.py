"""The vocabulary: frozen values, standard library only, no clock, no chance, no disk, no socket."""
