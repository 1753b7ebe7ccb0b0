"""Messages into lines: pure, no widget.  ``(parts, width) -> lines`` of styled runs, whole or as they stream in."""
