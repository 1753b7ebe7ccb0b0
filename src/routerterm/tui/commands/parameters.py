"""Commands on how answers are given: temperature, reasoning, length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec.structs import replace

from routerterm.core.errors import RoutertermError
from routerterm.core.request import Effort, Params
from routerterm.tui.chat.turn import Asked
from routerterm.tui.commands.base import Choice, Command, CommandContext

EFFORTS = {
    "low": "a little",
    "medium": "a while",
    "high": "as long as it takes; reasoning tokens cost as much as answer tokens",
    "none": "answer at once, where the model can",
    "default": "the model's default",
}


class Temperature(Command):
    """Set the temperature: 0 is deterministic, 1 is usual, 2 is wild."""

    name, title, group, slash, argument = "temperature", "Temperature", "Conversation", "temp", "0–2"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """Some that are usual."""
        return [
            Choice("0", "the most likely words: facts, code"),
            Choice("0.7", "a little freedom"),
            Choice("1", "the default of most models"),
            Choice("default", "the model's default"),
        ]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Set it, or say what it is."""
        if not argument:
            now = chat.conversation.params.temperature
            chat.app.notify(f"The temperature is {'the model’s own' if now is None else now}.", markup=False)
            return
        await _set(chat, replace(chat.conversation.params, temperature=_temperature(argument)))


class Reasoning(Command):
    """Set how long the model reasons before it answers, where it can."""

    name, title, group, slash, argument = "reasoning", "Reasoning", "Conversation", "reasoning", "low|medium|high"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The efforts."""
        return [Choice(value, about) for value, about in EFFORTS.items() if value.startswith(argument)]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Set it, or say what it is."""
        if not argument:
            chat.app.notify(f"Reasoning is {chat.conversation.params.effort or 'the model’s default'}.", markup=False)
            return
        if argument not in EFFORTS:
            raise RoutertermError(f"{argument!r} is not a reasoning effort.", f"Use {', '.join(EFFORTS)}.")
        effort = None if argument == "default" else cast(Effort, argument)
        await _set(chat, replace(chat.conversation.params, effort=effort))


class Length(Command):
    """Limit the tokens of an answer, and with them its cost."""

    name, title, group, slash, argument = "length", "Max answer length", "Conversation", "length", "TOKENS"

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Set it, or say what it is."""
        if not argument:
            now = chat.conversation.params.max_output
            chat.app.notify(f"The maximum answer length is {f'{now:,} tokens' if now else 'the model’s own'}.")
            return
        if argument != "default" and not (argument.isascii() and argument.isdigit() and int(argument) > 0):
            raise RoutertermError(f"{argument!r} is not a number of tokens.", "Write /length 500, or /length default.")
        most = None if argument == "default" else int(argument)
        await _set(chat, replace(chat.conversation.params, max_output=most))


class Web(Command):
    """Let the provider search the web and name its sources: on, off, or for one question."""

    name, title, group, slash, argument = "web", "Web search", "Conversation", "web", "QUESTION|on|off"

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """On and off; a question is written behind it."""
        ways = (Choice("on", "for this conversation; each search has a fee"), Choice("off", "no longer"))
        return [choice for choice in ways if choice.value.startswith(argument)]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Turn it over, or send one question with it."""
        params, word = chat.conversation.params, argument.lower()
        if argument and word not in ("on", "off"):
            asked = Asked(argument, chat.attachments.take(), params=replace(params, web=True))
            chat.turns.send(asked)
            return
        wanted = word == "on" if argument else not params.web
        await chat.conversation.set(params=replace(params, web=True if wanted else None))
        said = "Web search is on: the provider searches, names its sources and charges a fee for it."
        chat.app.notify(said if wanted else "Web search is off.", timeout=4, markup=False)
        await chat.attachments.say_unheeded()


def _temperature(argument: str) -> float | None:
    if argument == "default":
        return None
    try:
        value = float(argument)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 2:
        raise RoutertermError(f"{argument!r} is not a temperature.", "Use 0 to 2, or `default` for the model's own.")
    return value


async def _set(chat: CommandContext, params: Params) -> None:
    await chat.conversation.set(params=params)
    said = [
        f"temperature {params.temperature}" if params.temperature is not None else "",
        f"reasoning {params.effort}" if params.effort else "",
        f"at most {params.max_output:,} tokens" if params.max_output else "",
    ]
    chat.app.notify(", ".join(filter(None, said)).capitalize() or "The model's defaults.", timeout=3, markup=False)
    await chat.attachments.say_unheeded()
