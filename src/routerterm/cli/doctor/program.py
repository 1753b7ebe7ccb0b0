"""The program itself: its version, what it runs on, and which extras are here."""

from __future__ import annotations

import platform
from collections.abc import AsyncGenerator
from importlib.util import find_spec

from routerterm import __version__
from routerterm.cli.doctor import CheckContext, Finding
from routerterm.core.installing import how_to_add

_EXTRAS = {
    "local": ("xllamacpp", "a small model in process"),
    "images": ("PIL", "images in the transcript"),
    "pdf": ("pypdf", "the text of PDFs"),
    "serve": ("uvicorn", "the gateway"),
    "otel": ("opentelemetry.sdk", "the gateway's traces"),
}


async def look(_: CheckContext) -> AsyncGenerator[Finding]:
    """Versions first, then one line of the extras."""
    yield Finding(
        "good",
        f"routerterm {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}.",
    )
    missing = [f"{name} ({what})" for name, (module, what) in _EXTRAS.items() if not _is_here(module)]
    if missing:
        first = missing[0].partition(" ")[0]
        yield Finding("note", f"Extras not installed: {', '.join(missing)}.", how_to_add(first))


def _is_here(module: str) -> bool:
    """Whether a package could be imported, without importing it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False  # its parent is missing
