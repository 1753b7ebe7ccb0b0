"""Imports that do no more than the start of a program asks of them.

A third of what is imported on the way to the first picture is imported for nothing: modules that are only named at
the top of others (`asyncio` names `ssl`, which loads OpenSSL), and patterns compiled for what an ordinary start never
meets.  Within `lightly` such modules run when something of them is first asked for, as Python's own `lazy import` of
PEP 810 will have it, and such patterns are compiled when they are first used.

It is for the beginning, before any thread is started: another one would see the stand-in of `re.compile` meanwhile.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Any

LATER = frozenset((
    "ast", "asyncio.sslproto", "ipaddress", "locale", "msgspec.inspect", "ssl", "tempfile", "textwrap", "tokenize",
))  # fmt: skip
"""Modules that others name at their top and use in what they do later, if at all."""
PATTERNS_OF = frozenset((
    "difflib", "fractions", "locale", "logging", "platform", "platformdirs", "rich", "shlex", "textual", "tomllib",
    "urllib",
))  # fmt: skip
"""Packages whose patterns are compiled when they are first used."""


class LaterModule(ModuleType):
    """A module that has been found and has not been run."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _LOCK:  # a second thread waits until all of it is there; what is run may ask for something of itself
            if self.__name__ not in _RUNNING:
                _run(self)
        return ModuleType.__getattribute__(self, name)


_LOCK = RLock()
_RUNNING: set[str] = set()


def _run(module: ModuleType) -> None:
    """Run it, as importing it would have done, unless another thread did.  Raises what that would have raised."""
    if type(module) is ModuleType:
        return
    loader = getattr(module.__loader__, "true")  # noqa: B009 - the types know no loader of ours
    _RUNNING.add(module.__name__)
    try:
        loader.exec_module(module)
    finally:
        _RUNNING.discard(module.__name__)
    module.__loader__ = loader
    if module.__spec__ is not None:
        module.__spec__.loader = loader
    module.__class__ = ModuleType


class _LaterLoader:
    """Stands for the true one until the module is run."""

    def __init__(self, true: Any) -> None:
        self.true = true

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return LaterModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing, for now."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.true, name)


class _LaterFinder:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in LATER or (name == "ssl" and PathFinder.find_spec("_ssl") is None):
            return None  # asyncio lives without `ssl` where there is none: then it must not look as if there were
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _LaterLoader(spec.loader)  # type: ignore[assignment]
        return spec


class LaterPattern:
    """A pattern that is compiled when something is asked of it."""

    _pattern: re.Pattern[str] | None = None

    def __init__(self, make: Callable[..., re.Pattern[str]], *given: Any) -> None:
        self._make = make
        self._given = given

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


@contextmanager
def lightly() -> Iterator[None]:
    """Whatever is imported meanwhile is imported so; within another it changes nothing."""
    if _LaterFinder in sys.meta_path:
        yield
        return
    compile = re.compile

    def later(pattern: Any, flags: Any = 0) -> Any:
        package = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0]
        return LaterPattern(compile, pattern, flags) if package in PATTERNS_OF else compile(pattern, flags)

    sys.meta_path.insert(0, _LaterFinder)
    re.compile = later
    try:
        yield
    finally:
        re.compile = compile
        sys.meta_path.remove(_LaterFinder)
