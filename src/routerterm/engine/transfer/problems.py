"""What may be wrong with a file that is to be imported."""

from __future__ import annotations

from routerterm.core.errors import RoutertermError


class BadArchive(RoutertermError):
    """The file is not what it should be, or not fit to be read."""
