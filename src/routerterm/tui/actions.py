"""What keys do on a part of the screen: one table gives its bindings, its key bar, and its part of F1."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType

Words: TypeAlias = str | Callable[[Any], str]
"""Words that may depend on the part that the action belongs to, which is given."""


class Action(msgspec.Struct, frozen=True):
    """One thing that keys do here."""

    keys: str
    """Keys as Textual names them, with commas between; the first is the one that is shown."""
    label: str
    """What it does, for F1: a verb first."""
    method: str
    """The Textual action that is run."""
    id: str = ""
    """The name under which a contract or a test speaks of it."""
    when: Callable[[Any], bool] | None = None
    """Whether the bar offers it now, asked of the part; a key that is pressed all the same says why it cannot be."""
    rank: int | None = None
    """Its place in the key bar, where the highest leave first; None where it has none."""
    short: Words = ""
    """One word for the key bar, where ``label`` is longer."""
    shown_key: Words = ""
    """What the key bar shows in place of the first key, where others do nearly the same, such as ``1–4``."""
    priority: bool = False
    """Whether the key is taken before whatever has the focus sees it."""

    @property
    def first_key(self) -> str:
        """The key that is shown."""
        return self.keys.partition(",")[0]

    def name(self, part: object = None) -> str:
        """What the key bar calls it."""
        return _words(self.short, part) or self.label

    def key(self, part: object = None) -> str:
        """The key that the bar shows, by Textual's name unless it says otherwise."""
        return _words(self.shown_key, part) or self.first_key


def _words(words: Words, part: object) -> str:
    return words if isinstance(words, str) else words(part)


def bindings_of(actions: Iterable[Action]) -> list[BindingType]:
    """Textual's bindings for them."""
    return [
        Binding(
            action.keys,
            action.method,
            action.label,
            show=action.rank is not None,
            id=action.id or None,
            priority=action.priority,
        )
        for action in actions
    ]


def offered(actions: Iterable[Action], part: object) -> list[Action]:
    """What the key bar of a part offers now, in the table's order."""
    return [action for action in actions if action.rank is not None and (action.when is None or action.when(part))]
