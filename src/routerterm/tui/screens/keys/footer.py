"""What can be done on the keys screen with the key under the cursor, as fields of its foot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.config.keys.values import KeyLocation
from routerterm.tui.widgets.fields import Field, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routerterm.config.keys.values import KeyRecord, PlaceStatus


def deeds_now(record: KeyRecord | None, places: Iterable[PlaceStatus]) -> tuple[Field, ...]:
    """What can be done here and now; each is a key, and can be clicked."""
    actions = [("N", "New", "add")]
    if record is not None:
        actions += [
            ("T", "Test", "test"),
            ("Space", "Off" if record.enabled else "On", "switch"),
            ("E", "Edit", "edit"),
        ]
        if record.stored:
            actions += [
                ("M", "Move", "move"),
                ("K", "Up", "shift(-1)"),
                ("J", "Down", "shift(1)"),
                ("D", "Remove", "remove"),
            ]
        else:
            actions += [("A", "Adopt", "adopt")]
    states = {status.place: status.state for status in places}
    if "locked" in states.values():
        actions.append(("U", "Unlock", "unlock"))
    if states.get(KeyLocation.VAULT) == "ready":
        actions.append(("L", "Lock", "lock"))
    actions.append(("Esc", "Back", "leave"))
    return tuple(
        Field(
            (Span(f" {key} ", "key"), Span(f" {title}", "text")),
            rank=rank,
            action=f"screen.{action}" if "(" in action else f"screen.{action}()",
        )
        for rank, (key, title, action) in enumerate(actions)
    )
