"""What ``/commands`` do in the plain talk, each a function of the talk and the words after its name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from routerterm.core.errors import RoutertermError
from routerterm.core.money import show_usd
from routerterm.core.request import Effort
from routerterm.core.sanitise import one_line
from routerterm.tui.chat.last_model import remember
from routerterm.tui.plain.text import said

if TYPE_CHECKING:
    from routerterm.tui.plain.plain_chat import PlainChat

Command = Callable[["PlainChat", str], Awaitable[None]]
LISTED = 15
"""Conversations, hits or models that are named at a time."""


async def _help(talk: PlainChat, _: str) -> None:
    """list the commands"""
    for name, deed in COMMANDS.items():
        talk.say(f"/{name}: {(deed.__doc__ or '').strip()}")
    talk.say("End a line with a backslash to continue it on the next one. Ctrl+C stops an answer.")


async def _model(talk: PlainChat, argument: str) -> None:
    """NAME: use this model or route; without NAME, show the current one"""
    from routerterm.wiring.preview import abilities

    if argument:
        if not (await abilities(talk.services)).models(argument):
            raise RoutertermError(f"{argument} is neither a model nor a route.", "/models WORD lists models.")
        talk.conversation.model = argument
        await remember(talk.services, argument)
        await talk.conversation.keep_model()
    talk.say(f"{talk.conversation.model} answers.")


async def _models(talk: PlainChat, argument: str) -> None:
    """WORD: list the models whose name contains it"""
    found = [str(model.target) for model in talk.services.catalog.models() if argument.lower() in str(model.target)]
    for name in found[:LISTED]:
        talk.say(name)
    talk.say(f"{len(found)} in total." if len(found) > LISTED or not found else "")


async def _system(talk: PlainChat, argument: str) -> None:
    """TEXT: set the system prompt"""
    await talk.conversation.change(system=argument or None)
    talk.say("The system prompt is set." if argument else "The system prompt is removed.")


async def _temperature(talk: PlainChat, argument: str) -> None:
    """0 to 2: set the temperature"""
    try:
        value = None if argument == "default" else float(argument)
    except ValueError:
        value = -1.0
    if value is not None and not 0 <= value <= 2:
        raise RoutertermError(f"{argument or 'Nothing'} is not a temperature.", "Use 0 to 2.")
    await talk.conversation.change(params=replace(talk.conversation.params, temperature=value))
    talk.say(f"The temperature is {argument}.")
    await talk.say_unheeded()


async def _reasoning(talk: PlainChat, argument: str) -> None:
    """low, medium, high or none: set the reasoning effort"""
    if argument not in ("none", "low", "medium", "high", "default"):
        raise RoutertermError(
            f"{argument or 'Nothing'} is not a reasoning effort.", "Use low, medium, high, none or default."
        )
    effort = None if argument == "default" else cast(Effort, argument)
    await talk.conversation.change(params=replace(talk.conversation.params, effort=effort))
    talk.say(f"Reasoning is {argument}.")
    await talk.say_unheeded()


async def _attach(talk: PlainChat, argument: str) -> None:
    """FILE: attach it to the next question"""
    from routerterm.tui.chat.attachment_files import load, named

    for path in named(argument):
        file = await asyncio.to_thread(load, path)
        talk.files.append(file)
        talk.say(f"{one_line(file.name)}, {file.shown_size}, is attached to the next question.")
    await talk.say_unheeded()


async def _private(talk: PlainChat, _: str) -> None:
    """turn private mode (local models only) on or off"""
    await talk.conversation.change(private=not talk.conversation.private)
    talk.say("Only local models may answer." if talk.conversation.private else "Any model may answer.")
    await talk.say_unheeded()


async def _new(talk: PlainChat, _: str) -> None:
    """start a new conversation"""
    await talk.open(None)
    talk.say("A new conversation.")


async def _list(talk: PlainChat, _: str) -> None:
    """list recent conversations; /open NUMBER opens one"""
    rows = await talk.services.store.conversations.page(LISTED)
    talk.listed = [row.id for row in rows]
    for number, row in enumerate(rows, 1):
        talk.say(f"{number}. {one_line(row.title) or 'Untitled'}")
    if not rows:
        talk.say("There is no conversation yet.")


async def _open(talk: PlainChat, argument: str) -> None:
    """NUMBER: open a conversation of /list or /find"""
    if not argument.isdigit() or not 0 < int(argument) <= len(talk.listed):
        raise RoutertermError(
            "There is no conversation with that number.", "/list or /find WORDS names conversations by number."
        )
    await talk.open(talk.listed[int(argument) - 1])
    for message in (await talk.conversation.session.page(20)).messages:
        talk.say(said(message))


async def _find(talk: PlainChat, argument: str) -> None:
    """WORDS: search all conversations; /open NUMBER opens one"""
    from routerterm.store.query import parse
    from routerterm.tui.clock import now_ms

    found = await talk.services.store.search.find(parse(argument, now_ms()), LISTED)
    talk.listed = [hit.conversation_id for hit in found.hits]
    for number, hit in enumerate(found.hits, 1):
        talk.say(f"{number}. {one_line(hit.title) or 'Untitled'}: {one_line(hit.excerpt.text)}")
    if not found.hits:
        talk.say("Nothing found.")


async def _retry(talk: PlainChat, argument: str) -> None:
    """MODEL: ask the last question again, with MODEL if given"""
    await talk.unlock(argument or talk.conversation.model)
    await talk.hear(talk.conversation.session.regenerate(model=argument or talk.conversation.model))


async def _undo(talk: PlainChat, _: str) -> None:
    """undo the last turn"""
    question = await talk.conversation.session.undo()
    if question is None:
        raise RoutertermError("There is no turn to undo.")
    talk.say(f"Undone: {one_line(question.message.said)}")


async def _why(talk: PlainChat, _: str) -> None:
    """explain why the last model answered"""
    reply = talk.conversation.session.reply
    if reply is None:
        raise RoutertermError("There is no answer in this session yet.")
    record = reply.record
    talk.say(f"You asked for {record.asked}.")
    for attempt in record.attempts:
        end = f"failed: {attempt.error.message} {attempt.next}" if attempt.error else "answered"
        talk.say(f"Attempt {attempt.n}: {attempt.target}, {attempt.why}; {end}")
    for passed in record.decision.passed_over if record.decision else ():
        talk.say(f"Not used: {passed.target}, {passed.reason}")


async def _cost(talk: PlainChat, _: str) -> None:
    """show today's cost"""
    today, cap = await talk.services.spent_today()
    talk.say(f"Today {show_usd(today)}{f' of {show_usd(cap)}' if cap else ''}. `routerterm stats` shows more.")


async def _quit(talk: PlainChat, _: str) -> None:
    """quit; so does Ctrl+D"""
    talk.over = True


COMMANDS: Mapping[str, Command] = {
    "help": _help, "model": _model, "models": _models, "system": _system, "temp": _temperature,
    "reasoning": _reasoning, "attach": _attach, "private": _private, "new": _new, "list": _list, "open": _open,
    "find": _find, "retry": _retry, "undo": _undo, "why": _why, "cost": _cost, "quit": _quit,
}  # fmt: skip
