"""What a command is, and the chat on which it acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from routerterm.tui.chat.screen import ChatScreen

Group: TypeAlias = Literal["Screens", "Conversation", "Message", "Writing", "Program"]


class Choice(Struct, frozen=True):
    """Something that may stand after a slash name, with a few words about it."""

    value: str
    about: str = ""
    more: bool = False
    """Whether it is only the beginning, as a folder is of a path."""


class Command:
    """One thing that the person can do.

    The class's docstring is its line in help and palette.  ``keys`` are the defaults: the first is shown,
    the F-keys have a twin that tmux and phones let through.  ``rank`` gives it a place in the key bar,
    the highest leave it first.  ``slash`` is its name after a ``/`` in the composer.  ``letter`` is its key
    after the leader; one without gets a letter that is free.  ``everywhere``: its keys work on every screen.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    group: ClassVar[Group]
    keys: ClassVar[tuple[str, ...]] = ()
    rank: ClassVar[int | None] = None
    letter: ClassVar[str] = ""
    everywhere: ClassVar[bool] = False
    slash: ClassVar[str] = ""
    argument: ClassVar[str] = ""
    """What may follow the slash name, for the help: ``MODEL``."""

    @classmethod
    def help(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or cls.title).strip().splitlines()[0]

    @classmethod
    async def choices(cls, chat: ChatScreen, argument: str) -> Sequence[Choice]:
        """What may stand after the slash name, for completion; ``argument`` is what stands there so far."""
        return ()

    async def run(self, chat: ChatScreen, argument: str = "") -> None:
        """Do it.  Raises `RoutertermError`, which becomes a notice."""
        raise NotImplementedError
