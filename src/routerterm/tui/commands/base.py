"""What a command is, and the stage on which it acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from routerterm.tui.screens.chat import ChatScreen

Group: TypeAlias = Literal["Screens", "Conversation", "Message", "Writing", "Program"]


class Command:
    """One thing that the person can do.

    The class's docstring is its line in help and palette.  ``keys`` are the defaults: the first is shown,
    the F-keys have a twin that tmux and phones let through.  ``rank`` gives it a place in the key bar,
    the highest leave it first.  ``slash`` is its name after a ``/`` in the composer.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    group: ClassVar[Group]
    keys: ClassVar[tuple[str, ...]] = ()
    rank: ClassVar[int | None] = None
    slash: ClassVar[str] = ""
    argument: ClassVar[str] = ""
    """What may follow the slash name, for the help: ``MODEL``."""

    @classmethod
    def help(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or cls.title).strip().splitlines()[0]

    async def run(self, stage: ChatScreen, argument: str = "") -> None:
        """Do it.  Raises `RoutertermError`, which becomes a notice."""
        raise NotImplementedError
