"""Importing a package without something that it only takes if it is there, for the time that costs at every start."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast


@contextmanager
def import_without(*names: str) -> Iterator[None]:
    """Have modules that are not loaded yet be missing meanwhile; afterwards whoever wants one gets it.

    A None in `sys.modules` is Python's documented way to say that a module is not to be had (The import system, "The
    module cache").  No other thread may import one of them meanwhile.
    """
    modules = cast("dict[str, Any]", sys.modules)
    missing = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(missing))
    try:
        yield
    finally:
        for name in missing:
            modules.pop(name, None)
