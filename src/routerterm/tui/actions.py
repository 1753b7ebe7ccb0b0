"""What keys do on a part of the screen: one table gives its bindings, its share of the key bar, and its part of F1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType


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
    rank: int | None = None
    """Its place in the key bar, where the highest leave first; None where it has none."""
    short: str = ""
    """One word for the key bar, where ``label`` is longer."""

    @property
    def first_key(self) -> str:
        """The key that is shown."""
        return self.keys.partition(",")[0]


def bindings_of(actions: Iterable[Action]) -> list[BindingType]:
    """Textual's bindings for them."""
    return [
        Binding(action.keys, action.method, action.label, show=action.rank is not None, id=action.id or None)
        for action in actions
    ]
