"""References in what is written: ``@path``, ``@"path with blanks"`` and ``@https://…``.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from routerterm.core.lazy_pattern import LazyPattern

_BEFORE = r"(?<![\w@./:\\-])"
"""What may not stand before the sign: with a letter there it is an e-mail address, with a slash a part of a path."""
_REFERENCE = LazyPattern(_BEFORE + r"@(?:\"([^\"\n]+)\"|([^\s@\"]\S*))")
_BEGUN = LazyPattern(_BEFORE + r"@(?:\"([^\"\n]*)|([^\s@\"]\S*|))\Z")
_ADDRESS = LazyPattern(r"https?://[^\s/]", re.IGNORECASE)
_CLOSING = ".,;:!?)]}>'\"…"
"""What ends a sentence and no path."""


_FILE = LazyPattern(
    r"(?:\.{0,2}|~)/.*|(?:.*/)?[^/]*\.(?:avif|bash|bat|c|cc|cfg|conf|cpp|cs|diff|docx?|env|gif|go|h|hpp|html?|ini|"
    r"ipynb|java|jpe?g|jsonl?|[cm]?[jt]sx?|kt|lock|log|lua|md|patch|pdf|php|png|pptx?|ps1|pyi?|r|rb|rs|rst|s?css|sass|sh|"
    r"sql|svg|swift|tex|toml|[ct]sv|txt|vue|webp|xlsx?|xml|ya?ml|zip|zsh)",
    re.IGNORECASE,
)
"""A path that begins as one, or ends as files do: neither ``nobody`` nor ``types/node`` nor ``app.route``."""


class Reference(Struct, frozen=True):
    """A reference in a text, from ``start`` to ``end``; ``target`` is what stands after the sign."""

    start: int
    end: int
    target: str

    @property
    def is_address(self) -> bool:
        """Whether it is the address of a page, and not of a file."""
        return bool(_ADDRESS.match(self.target))


def reads_as_file(target: str) -> bool:
    """Whether a target is written as the path of a file, whether or not there is one."""
    return _FILE.fullmatch(target) is not None


def references(text: str) -> Iterator[Reference]:
    """The references that are written out.  Whether there is anything at their targets, nobody has looked yet."""
    for match in _REFERENCE.finditer(text):
        target = match[1] or match[2].rstrip(_CLOSING)
        if target:
            end = match.end() if match[1] else match.start(2) + len(target)
            yield Reference(match.start(), end, target)


def begun_at(text: str, cursor: int) -> Reference | None:
    """The reference that is being written before the cursor, perhaps still without a target."""
    match = _BEGUN.search(text, text.rfind("\n", 0, cursor) + 1, cursor)
    return Reference(match.start(), cursor, match[1] or match[2] or "") if match else None


def written(target: str) -> str:
    """The reference to this target, as it stands in a text."""
    plain = re.fullmatch(r"[^\s@\"]\S*", target) and target[-1] not in _CLOSING
    return f"@{target}" if plain else f'@"{target}"'
