"""A regular expression that is compiled when it is first used.

Compiling took more than a tenth of the processor time of ``routerterm ask``: most patterns guard against what an
ordinary run never meets (failures, keys in a prompt, titles), so their modules hold them in this form.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any


class LazyPattern:
    """The methods of `re.Pattern` that we use, on a pattern of text."""

    def __init__(self, source: str, flags: int = 0, *, needs: tuple[str, ...] = ()) -> None:
        """``needs``: texts without any of which nothing can match; `sub` is then not worth compiling for."""
        self.source = source
        self.flags = flags
        self.needs = needs

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern itself.  Raises `re.error` where the source is wrong."""
        return re.compile(self.source, self.flags)

    @property
    def pattern(self) -> str:
        """The source, as of a compiled one."""
        return self.source

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """The first match at or after ``start``, as if the text ended at ``end``."""
        return self.compiled.search(text, start, end)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """The match that begins at ``start``."""
        return self.compiled.match(text, start)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """The match of the whole text."""
        return self.compiled.fullmatch(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """All matches, in order, without overlap."""
        return self.compiled.finditer(text)

    def findall(self, text: str) -> list[Any]:
        """What matched, or its groups where the pattern has some."""
        return self.compiled.findall(text)

    def sub(self, replacement: str | Callable[[re.Match[str]], str], text: str, count: int = 0) -> str:
        """The text with every match replaced, or the first ``count``."""
        if self.needs and not any(part in text for part in self.needs):
            return text
        return self.compiled.sub(replacement, text, count=count)

    def split(self, text: str, maxsplit: int = 0) -> list[Any]:
        """The text cut at the matches, at most ``maxsplit`` times where that is given."""
        return self.compiled.split(text, maxsplit=maxsplit)
