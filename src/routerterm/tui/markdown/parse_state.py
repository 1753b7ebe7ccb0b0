"""What a streaming layout remembers of the text it is done with, and the few lines that stand in for it.

The rest of a document means what it means because of the containers, and sometimes the leaf, that are still
open where it begins.  A `ParseState` holds those; its `prefix` is a little document that opens them again, so that
markdown-it can parse the rest as if all that came before were still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from routerterm.tui.markdown.block_rules import HEADING_LINES

if TYPE_CHECKING:
    from routerterm.tui.markdown.code import Painter
    from routerterm.tui.markdown.lines import Run
    from routerterm.tui.markdown.tables import Plan

Open: TypeAlias = Literal["", "paragraph", "endless", "fence", "table"]
"""``endless``: in the middle of a paragraph's line that is too long to wait for its end."""
STAND_IN = "x"


class Container(Struct, frozen=True):
    """An open quote, alert or list item."""

    kind: Literal["quote", "alert", "item"]
    marker: str = ""
    """``-``, ``3.``: as written; an alert's kind."""
    column: int = 0
    """Where an item's content begins, counted from the innermost quote's."""
    number: int = 0
    empty: bool = False
    """Whether the item has nothing in it: a blank line has closed it, and what is indented after it is not its own."""


class ParseState(Struct, frozen=True):
    """Where the rest of a text stands."""

    containers: tuple[Container, ...] = ()
    leaf: Open = ""
    source: tuple[str, ...] = ()
    """The line or two that open the leaf: a fence's first, a table's header and rule."""
    painter: Painter | None = None
    plan: Plan | None = None
    rows: int = 0
    """Rows of the table already drawn."""
    runs: tuple[Run, ...] = ()
    """The runs of an endless line that do not fill a line of the screen yet."""
    join: str = ""
    hang: int = 0
    gap: bool = False
    """Whether the source has a blank line just before the rest."""
    block: int = -1
    fence: int = -1
    begun: bool = False
    """Whether anything was drawn before."""

    def prefix(self) -> list[str]:
        """The lines that open again what is open."""
        if not self.containers and not self.leaf:
            return []
        if self.containers and self.containers[-1].empty:
            *outer, item = self.containers
            _, _, inner = _opening(outer)
            column = outer[-1].column if outer else 0
            marker = " " * max(item.column - column - len(item.marker) - 1, 0) + item.marker
            return [*ParseState(tuple(outer)).prefix(), inner + marker, inner.rstrip()]
        lines, line, inner = _opening(self.containers)
        if self.leaf in ("paragraph", "endless"):
            return [*lines, line + STAND_IN, *[inner + STAND_IN] * HEADING_LINES]
        if self.containers:
            lines += [line + STAND_IN, inner.rstrip()]
        return lines + [inner + text for text in self.source]


def _opening(containers: Sequence[Container]) -> tuple[list[str], str, str]:
    """The lines of alerts, what stands before the first line in these containers, and before all later ones."""
    lines: list[str] = []
    line, inner, column = "", "", 0
    for container in containers:
        match container.kind:
            case "item":
                pad = max(container.column - column - len(container.marker), 1)
                after = min(pad, 4)
                if column and pad > after:  # blanks before it on the same line would widen the item around it
                    lines += [line + STAND_IN, inner.rstrip()]
                    line = inner
                line += " " * (pad - after) + container.marker + " " * after
                inner += " " * (container.column - column)
                column = container.column
            case "quote":
                line, inner, column = line + "> ", inner + "> ", 0
            case "alert":
                lines.append(f"{line}> [!{container.marker}]")
                inner, column = inner + "> ", 0
                line = inner
    return lines, line, inner
