"""What ``/commands`` do in the plain chat, each a function of the chat and the words after its name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.core.money import show_usd, with_unknown
from routerterm.core.request import Effort
from routerterm.core.sanitise import one_line
from routerterm.tui.chat.last_model import remember
from routerterm.tui.plain.text import said

if TYPE_CHECKING:
    from routerterm.tui.plain.plain_chat import PlainChat

Command = Callable[["PlainChat", str], Awaitable[None]]
LISTED = 15
"""Conversations, hits or models that are named at a time."""


async def _help(chat: PlainChat, _: str) -> None:
    """list the commands"""
    for name, command in COMMANDS.items():
        chat.say(f"/{name}: {(command.__doc__ or '').strip()}")
    chat.say("End a line with a backslash to continue it on the next one. Ctrl+C stops an answer.")


async def _model(chat: PlainChat, argument: str) -> None:
    """NAME: use this model or route; without NAME, show the current one"""
    from routerterm.wiring.preview import abilities

    if argument:
        if not (await abilities(chat.services)).models(argument):
            raise RoutertermError(f"{argument} is neither a model nor a route.", "/models WORD lists models.")
        chat.conversation.model = argument
        await remember(chat.services, argument)
        await chat.conversation.keep_model()
    chat.say(f"{chat.conversation.model} answers.")


async def _models(chat: PlainChat, argument: str) -> None:
    """WORD: list the models whose name contains it"""
    found = [str(model.target) for model in chat.services.catalog.models() if argument.lower() in str(model.target)]
    for name in found[:LISTED]:
        chat.say(name)
    chat.say(f"{len(found)} in total." if len(found) > LISTED or not found else "")


async def _system(chat: PlainChat, argument: str) -> None:
    """TEXT: set the system prompt"""
    await chat.conversation.change(system=argument or None)
    chat.say("The system prompt is set." if argument else "The system prompt is removed.")


async def _temperature(chat: PlainChat, argument: str) -> None:
    """0 to 2: set the temperature"""
    try:
        value = None if argument == "default" else float(argument)
    except ValueError:
        value = -1.0
    if value is not None and not 0 <= value <= 2:
        raise RoutertermError(f"{argument or 'Nothing'} is not a temperature.", "Use 0 to 2.")
    await chat.conversation.change(params=replace(chat.conversation.params, temperature=value))
    chat.say(f"The temperature is {argument}.")
    await chat.say_unheeded()


async def _reasoning(chat: PlainChat, argument: str) -> None:
    """low, medium, high or none: set the reasoning effort"""
    if argument not in ("none", "low", "medium", "high", "default"):
        raise RoutertermError(
            f"{argument or 'Nothing'} is not a reasoning effort.", "Use low, medium, high, none or default."
        )
    effort = None if argument == "default" else cast(Effort, argument)
    await chat.conversation.change(params=replace(chat.conversation.params, effort=effort))
    chat.say(f"Reasoning is {argument}.")
    await chat.say_unheeded()


async def _attach(chat: PlainChat, argument: str) -> None:
    """FILE: attach it to the next question"""
    from routerterm.tui.chat.attachment_files import load, named

    for path in named(argument):
        file = await asyncio.to_thread(load, path)
        chat.files.append(file)
        chat.say(f"{one_line(file.name)}, {file.shown_size}, is attached to the next question.")
    await chat.say_unheeded()


async def _private(chat: PlainChat, _: str) -> None:
    """turn private mode (local models only) on or off"""
    await chat.conversation.change(private=not chat.conversation.private)
    chat.say("Only local models may answer." if chat.conversation.private else "Any model may answer.")
    await chat.say_unheeded()


async def _new(chat: PlainChat, _: str) -> None:
    """start a new conversation"""
    await chat.open(None)
    chat.say("A new conversation.")


async def _list(chat: PlainChat, _: str) -> None:
    """list recent conversations; /open NUMBER opens one"""
    rows = await chat.services.store.conversations.page(LISTED)
    chat.listed = [row.id for row in rows]
    for number, row in enumerate(rows, 1):
        chat.say(f"{number}. {one_line(row.title) or 'Untitled'}")
    if not rows:
        chat.say("There is no conversation yet.")


async def _open(chat: PlainChat, argument: str) -> None:
    """NUMBER: open a conversation of /list or /find"""
    if not argument.isdigit() or not 0 < int(argument) <= len(chat.listed):
        raise NotNow(
            "There is no conversation with that number.", "/list or /find WORDS names conversations by number."
        )
    await chat.open(chat.listed[int(argument) - 1])
    for message in (await chat.conversation.session.page(20)).messages:
        chat.say(said(message))


async def _find(chat: PlainChat, argument: str) -> None:
    """WORDS: search all conversations; /open NUMBER opens one"""
    from routerterm.store.query import parse
    from routerterm.tui.clock import now_ms

    found = await chat.services.store.search.find(parse(argument, now_ms()), LISTED)
    chat.listed = [hit.conversation_id for hit in found.hits]
    for number, hit in enumerate(found.hits, 1):
        chat.say(f"{number}. {one_line(hit.title) or 'Untitled'}: {one_line(hit.snippet.text)}")
    if not found.hits:
        chat.say("Nothing found.")


async def _retry(chat: PlainChat, argument: str) -> None:
    """MODEL: ask the last question again, with MODEL if given"""
    await chat.unlock(argument or chat.conversation.model)
    await chat.hear(chat.conversation.session.regenerate(model=argument or chat.conversation.model))


async def _undo(chat: PlainChat, _: str) -> None:
    """undo the last turn"""
    question = await chat.conversation.session.undo()
    if question is None:
        raise NotNow("There is no turn to undo.")
    chat.say(f"Undone: {one_line(question.message.said)}")


async def _why(chat: PlainChat, _: str) -> None:
    """explain why the last model answered"""
    reply = chat.conversation.session.reply
    if reply is None:
        raise NotNow("There is no answer in this session yet.")
    record = reply.record
    chat.say(f"You asked for {record.asked}.")
    for attempt in record.attempts:
        end = f"failed: {attempt.error.message} {attempt.next}" if attempt.error else "answered"
        chat.say(f"Attempt {attempt.n}: {attempt.target}, {attempt.why}; {end}")
    for passed in record.decision.passed_over if record.decision else ():
        chat.say(f"Not used: {passed.target}, {passed.reason}")


async def _stats(chat: PlainChat, _: str) -> None:
    """show today's cost"""
    cap = chat.services.settings.budget.day
    spent = with_unknown(*await chat.services.spent_today())
    chat.say(f"Today {spent}{f' of {show_usd(cap)}' if cap else ''}. `routerterm stats` shows more.")


async def _quit(chat: PlainChat, _: str) -> None:
    """quit; so does Ctrl+D"""
    chat.over = True


COMMANDS: Mapping[str, Command] = {
    "help": _help, "model": _model, "models": _models, "system": _system, "temp": _temperature,
    "reasoning": _reasoning, "attach": _attach, "private": _private, "new": _new, "list": _list, "open": _open,
    "find": _find, "retry": _retry, "undo": _undo, "why": _why, "stats": _stats, "quit": _quit,
}  # fmt: skip
