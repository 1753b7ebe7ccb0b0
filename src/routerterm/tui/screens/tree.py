"""The tree of a conversation: its branches with the cost of each; walk in it, show one, go on from any message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from routerterm.core.money import from_nano, with_unknown
from routerterm.core.sanitise import one_line
from routerterm.engine.chat.tree import Branch, stretches
from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.clock import local
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.fields import FieldLine, Span, Tone
from routerterm.tui.widgets.keybar import action_fields
from routerterm.tui.widgets.rows import Column, ManyRows, Row, RowList

if TYPE_CHECKING:
    from routerterm.tui.themes.values import Glyphs

COLUMNS = (
    Column("", 0, grow=True),
    Column("model", 3, most=28),
    Column("messages", 4, right=True),
    Column("cost", 1, right=True),
    Column("when", 5, right=True),
)
DEEPEST = 10
"""Forks after which rows are set in no further."""


class TreeScreen(Modal[tuple[str, str] | None]):
    """Answers with what is to be done, ``show``, ``fork``, ``clone`` or ``keep``, and with which message."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("enter", "Show this branch", "take('show')", rank=0, short="Show"),
        Action("f", "Continue from here", "take('fork')", rank=1, short="Fork"),
        Action("c", "Copy down to here", "take('clone')", rank=2, short="Copy"),
        Action("p", "Always send this message", "take('keep')", rank=3, short="Keep"),
        Action("a", "Show all messages, or only forks", "all", rank=4, short="All"),
        Action("escape,q,alt+t", "Close", "dismiss(None)", rank=5),
        Action("left,left_square_bracket", "Branch above", "fork(-1)"),
        Action("right,right_square_bracket", "Branch below", "fork(1)"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)
    DEFAULT_CSS = """
    TreeScreen { align: center middle; background: $t-background 60%; }
    TreeScreen > Box {
        width: 94%; max-width: 130; height: 90%;
        background: $t-panel;
    }
    TreeScreen RowList { height: 1fr; }
    TreeScreen FieldLine { background: $t-panel; margin: 0 1; }
    """

    def __init__(self, title: str, tree: Sequence[Branch], head: str | None, glyphs: Glyphs) -> None:
        super().__init__()
        self._title = title
        self._tree = tree
        self._head = head
        self._glyphs = glyphs
        self._stretches = stretches(tree, head)
        self._all = False

    def compose(self) -> ComposeResult:
        """The rows, and what can be done with them."""
        with Box(one_line(self._title) or "Tree", self.app.active_theme):
            yield RowList(COLUMNS)
            bar = FieldLine(gap=2, more=self.app.active_theme.glyphs.ellipsis)
            bar.fields = action_fields(self.ACTIONS, self, form=self.app.active_theme.keys)
            yield bar

    def on_mount(self) -> None:
        """Stand on the branch that is shown."""
        here = next((s.first.node.id for s in self._stretches if s.has_head), None)
        self._fill(here)
        self.query_one(RowList).focus()

    def action_take(self, what: str) -> None:
        """Answer with the row under the cursor."""
        row = self.query_one(RowList).current
        if row is not None:
            self.dismiss((what, row.id))

    def action_all(self) -> None:
        """Every message, or only where branches begin."""
        row = self.query_one(RowList).current
        self._all = not self._all
        at = row.id if row is not None else None
        self._fill(self._head if self._all and at is None else at)

    def action_fork(self, step: int) -> None:
        """To the next place where a branch begins."""
        rows = self.query_one(RowList)
        begins = {stretch.first.node.id for stretch in self._stretches}
        ids = [branch.node.id for branch in self._shown()]
        at = rows.cursor + step
        while 0 <= at < len(ids) and ids[at] not in begins:
            at += step
        if 0 <= at < len(ids):
            rows.action_move(at - rows.cursor)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.dismiss(("show", event.id))

    def _shown(self) -> list[Branch]:
        """The branch of each row, in order."""
        return list(self._tree) if self._all else [stretch.first for stretch in self._stretches]

    def _fill(self, on: str | None) -> None:
        ids = [branch.node.id for branch in self._shown()]
        if on is not None and on not in ids:  # it lies inside a stretch that is one row now
            on = _begin_of(self._tree, set(ids), on)
        self.query_one(RowList).show(ManyRows(ids, self._message_row if self._all else self._stretch_row), on=on)
        total = sum(branch.subtree_nanousd for branch in self._tree if branch.node.parent_id is None)
        unknown = any(branch.unknown for branch in self._tree if branch.node.parent_id is None)
        forks = sum(1 for stretch in self._stretches if stretch.first.siblings > 1 and stretch.first.sibling > 1)
        branches = f"{forks + 1:,} branches" if forks else "1 branch"
        words = f"{len(self._tree):,} messages · {branches} · {amount(total, unknown=unknown)}"
        self.query_one(Box).footing = words

    def _stretch_row(self, number: int) -> Row:
        """A branch from where it begins to where it ends or forks."""
        stretch = self._stretches[number]
        return _row(stretch.first, self._glyphs, count=stretch.first.messages, here=stretch.has_head)

    def _message_row(self, number: int) -> Row:
        branch = self._tree[number]
        return _row(branch, self._glyphs, count=None, here=branch.node.id == self._head)


def _begin_of(tree: Sequence[Branch], begins: set[str], id: str) -> str | None:
    last = None
    for branch in tree:
        last = branch.node.id if branch.node.id in begins else last
        if branch.node.id == id:
            return last
    return None


def _row(branch: Branch, glyphs: Glyphs, *, count: int | None, here: bool) -> Row:
    node = branch.node
    tone: Tone = "bright" if branch.on_path else "text"
    place = f"{branch.sibling}/{branch.siblings} " if branch.siblings > 1 else ""
    if node.role == "user":
        who = "you"
    elif node.role != "assistant":
        who = node.role
    else:
        who = "answer"
    if here:
        sign = glyphs.cursor
    elif branch.on_path:
        sign = glyphs.pointer
    else:
        sign = " "
    words = (
        Span(f"{sign} ", "accent" if here else "dim"),
        Span("  " * min(branch.indent, DEEPEST), "faint"),
        Span(f"{glyphs.branch} {place}" if place else "", "dim"),
        Span(f"{who}  ", "dim"),
        Span(one_line(node.preview) or f"({node.status})", tone),
    )
    cost = amount(branch.subtree_nanousd, unknown=branch.unknown)
    when = local(node.created_at).strftime("%m-%d %H:%M")
    model = (node.model or "") if node.role == "assistant" else ""
    return Row(node.id, (words, one_line(model), "" if count is None else f"{count:,}", cost, when), tone)


def amount(nano: int, *, unknown: bool) -> str:
    """What a branch and all below it has cost, with a ``?`` for what has no known price."""
    return with_unknown(from_nano(nano), unknown)
