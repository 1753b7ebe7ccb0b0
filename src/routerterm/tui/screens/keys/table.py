"""What keys do on the keys screen, and when each is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from routerterm.config.keys.values import KeyLocation
from routerterm.tui.actions import Action

if TYPE_CHECKING:
    from routerterm.config.keys.values import KeyRecord
    from routerterm.engine.keys.view import KeysView


class KeysState(Protocol):
    """What the screen shows now."""

    view: KeysView

    @property
    def record(self) -> KeyRecord | None:
        """The key under the cursor."""
        ...


def has_key(screen: KeysState) -> bool:
    """Whether a key is under the cursor."""
    return screen.record is not None


def has_stored_key(screen: KeysState) -> bool:
    """Whether it is one that we store."""
    return screen.record is not None and screen.record.stored


def has_foreign_key(screen: KeysState) -> bool:
    """Whether it comes from a variable or a command."""
    return screen.record is not None and not screen.record.stored


def on_or_off(screen: KeysState) -> str:
    """What switching the key under the cursor does."""
    return "Disable" if screen.record is not None and screen.record.enabled else "Enable"


def has_locked_place(screen: KeysState) -> bool:
    """Whether a place for keys is locked."""
    return any(status.state == "locked" for status in screen.view.places)


def has_open_vault(screen: KeysState) -> bool:
    """Whether the vault can be locked."""
    return any(status.place is KeyLocation.VAULT and status.state == "ready" for status in screen.view.places)


ACTIONS: tuple[Action, ...] = (
    Action("n,insert", "Add a key", "add", rank=0, short="Add"),
    Action("t", "Test the key", "test", rank=1, short="Test", when=has_key),
    Action("T", "Test all keys", "test_all"),
    Action("space", "Disable or enable the key", "switch", rank=2, short=on_or_off, when=has_key),
    Action("e", "Edit label, quota and notes", "edit", rank=3, short="Edit", when=has_key),
    Action("m", "Move the key to the other place", "move", rank=4, short="Move", when=has_stored_key),
    Action("K,shift+up,ctrl+up", "Use the key earlier", "shift(-1)", rank=5, short="Earlier", when=has_stored_key),
    Action(
        "J,shift+down,ctrl+down",
        "Use the key later",
        "shift(1)",
        rank=6,
        short="Later",
        when=has_stored_key,
    ),
    Action("d,delete", "Remove the key", "remove", rank=7, short="Remove", when=has_stored_key),
    Action("a", "Store a copy of the key", "adopt", rank=8, short="Store", when=has_foreign_key),
    Action("u", "Unlock what is locked", "unlock", rank=9, short="Unlock", when=has_locked_place),
    Action("l", "Lock the vault", "lock", rank=10, short="Lock", when=has_open_vault),
    Action("escape,q,f6", "Back to the chat", "leave", rank=11, short="Back"),
)
