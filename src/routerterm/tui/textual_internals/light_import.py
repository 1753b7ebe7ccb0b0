"""Textual imported without what this program never shows, and with its classes made in a third of the time.

Its command palette and the table of its colours bring a dozen modules along; `config.light_import` sees to patterns.
It is done before any thread is started: another one would see the stand-ins meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from routerterm.config.light_import import lightly

BLANKS = {
    "textual.command": (
        "CommandListItem", "CommandPalette", "DiscoveryHit", "Hit", "Hits", "Provider", "SimpleProvider",
    ),
    "rich.table": ("Table",),
}  # fmt: skip
"""Modules that are only named while Textual is imported, with the names that are asked for."""
CALLED_LATER = {"platformdirs": "user_downloads_path"}
"""Modules that it takes one function from, for what we never ask of it: imported when that is called."""


def import_app() -> None:
    """Import `textual.app`, unless it is there already."""
    if "textual.app" not in sys.modules:
        with lightly(), _stand_ins():
            from routerterm.tui.textual_internals.quick_classes import make_classes_quickly

            make_classes_quickly()
            import textual.app  # noqa: F401 - for whoever imports it next


@contextmanager
def _stand_ins() -> Iterator[None]:
    """In place of `BLANKS` and `CALLED_LATER`: whoever wants one of these afterwards gets the true one."""
    made = {name: ModuleType(name) for name in (*BLANKS, *CALLED_LATER) if name not in sys.modules}
    for name, module in made.items():
        if name in BLANKS:
            vars(module).update({each: type(each, (), {}) for each in BLANKS[name]})
        else:
            setattr(module, CALLED_LATER[name], _called_later(name, CALLED_LATER[name]))
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            del sys.modules[name]


def _called_later(module: str, name: str) -> Any:
    def call(*given: Any, **named: Any) -> Any:
        return getattr(import_module(module), name)(*given, **named)

    return call
