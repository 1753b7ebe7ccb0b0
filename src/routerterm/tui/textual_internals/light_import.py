"""Textual imported without what this program never shows, and with its patterns compiled when they are first used.

Its command palette and the table of its colours bring a dozen modules along, its style sheets and Rich's markup some
hundred patterns, of which a start needs ten.  Together that is a tenth of what Textual takes to be imported.
It is done before any thread is started: another one would see the stand-ins meanwhile.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

BLANKS = {
    "textual.command": (
        "CommandListItem", "CommandPalette", "DiscoveryHit", "Hit", "Hits", "Provider", "SimpleProvider",
    ),
    "rich.table": ("Table",),
}  # fmt: skip
"""Modules that are only named while Textual is imported, with the names that are asked for."""
PACKAGES = ("textual", "rich")


class _Pattern:
    """A pattern that is compiled when something is asked of it."""

    _pattern: re.Pattern[str] | None = None

    def __init__(self, make: Callable[..., re.Pattern[str]], *given: Any) -> None:
        self._make, self._given = make, given

    @property
    def compiled(self) -> re.Pattern[str]:
        """The pattern itself."""
        if self._pattern is None:
            self._pattern = self._make(*self._given)
        return self._pattern

    def __getattr__(self, name: str) -> Any:
        return getattr(self.compiled, name)

    def match(self, *given: Any) -> re.Match[str] | None:
        """As of a pattern.  Textual's style sheets keep this method and the next before they use them."""
        return (self._pattern or self.compiled).match(*given)

    def search(self, *given: Any) -> re.Match[str] | None:
        """As of a pattern."""
        return (self._pattern or self.compiled).search(*given)


def import_app() -> None:
    """Import `textual.app`, unless it is there already."""
    if "textual.app" not in sys.modules:
        with _blanks(), _lazy_patterns():
            import textual.app  # noqa: F401 - for whoever imports it next


@contextmanager
def _blanks() -> Iterator[None]:
    """Stand-ins in place of the `BLANKS`: whoever wants one of these afterwards gets the true one."""
    made = {name: ModuleType(name) for name in BLANKS if name not in sys.modules}
    for name, module in made.items():
        vars(module).update({each: type(each, (), {}) for each in BLANKS[name]})
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            del sys.modules[name]


@contextmanager
def _lazy_patterns() -> Iterator[None]:
    compile = re.compile

    def later(pattern: Any, flags: Any = 0) -> Any:
        package = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0]
        return _Pattern(compile, pattern, flags) if package in PACKAGES else compile(pattern, flags)

    re.compile = later
    try:
        yield
    finally:
        re.compile = compile
