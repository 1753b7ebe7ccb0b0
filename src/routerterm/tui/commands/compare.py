"""The command that lets several models answer at once."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from routerterm.tui.commands.base import Choice, Command, CommandContext


class Compare(Command):
    """Send the next question to two to four models, side by side; one of the answers becomes the branch."""

    name, title, group, slash, argument = "compare", "Compare models", "Message", "compare", "MODEL MODEL"
    keys = ("alt+c",)

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """Models for the last of the names."""
        from routerterm.tui.screens.models.choices import model_choices

        head, blank, last = argument.rpartition(" ")
        found = await model_choices(chat.services, last)
        return [replace(choice, value=f"{head}{blank}{choice.value}", more=head.count(" ") < 1) for choice in found]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Take the named ones, or let the person pick them."""
        if argument == "off":
            chat.compare.give_up()
        elif argument:
            await chat.compare.choose(argument.replace(",", " ").split())
        else:
            chat.compare.pick()
        chat.composer.focus()
