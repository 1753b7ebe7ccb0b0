"""`routerterm what-leaves`: exactly what a question would send, without sending it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.options import attach_option, conversation_option, model_option, system_option
from routerterm.cli.output import Styled, is_terminal, print_json, print_line, width, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from routerterm.core.messages import Part
    from routerterm.engine.chat.leaves import OutgoingLine, Sheet

WORDS = 60
"""Characters of a line that are shown where no terminal says how much room there is."""


@click.command("what-leaves")
@click.argument("prompt", required=False, default="")
@model_option
@system_option
@conversation_option
@attach_option
@click.option("--tools", is_flag=True, help="With the tools that the chat would offer, and their schemas.")
@click.option("--web", is_flag=True, help="With the provider's own web search.")
@click.option("--raw", is_flag=True, help="Print the body of the request, byte for byte.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as JSON.")
def command(
    prompt: str,
    model: str | None,
    system: str | None,
    conversation: str | None,
    files: tuple[Path, ...],
    tools: bool,
    web: bool,
    raw: bool,
    as_json: bool,
) -> None:
    """Show exactly what a question would send: every line with its tokens and price.  Nothing is sent.

    What the guard takes out is struck through on a terminal, and left out everywhere else.

    \b
      routerterm what-leaves "Summarise this" -a notes.md
      routerterm what-leaves -c last --raw | jq .

    Exits with 3 if a budget or the guard refuses it, 4 without a key or model.
    """
    from routerterm.engine.chat.attachments import attachment

    if raw and as_json:
        raise click.UsageError("--raw prints the body, --json the lines: use only one of them.")
    if not prompt and not files and conversation is None:
        raise click.UsageError("Name what would be sent: a question, a file with -a, or a conversation with -c.")
    parts = [attachment(file) for file in files]
    sheet = asyncio.run(_look(prompt, model, system, conversation, parts, tools=tools, web=web))
    if raw:
        write(sheet.body.decode())
    elif as_json:
        print_json(as_object(sheet), indent=2)
    else:
        for line in in_words(sheet):
            print_line(*line)


async def _look(
    prompt: str,
    model: str | None,
    system: str | None,
    conversation: str | None,
    files: list[Part],
    *,
    tools: bool,
    web: bool,
) -> Sheet:
    from msgspec.structs import replace

    from routerterm.cli.ask_command import conversation_id
    from routerterm.cli.keys_prompts import open_locked
    from routerterm.core.messages import Message, Text
    from routerterm.core.request import Params
    from routerterm.engine.chat.params import params_from_json
    from routerterm.wiring import open_app
    from routerterm.wiring.leaves import what_leaves

    async with open_app(loading="now") as app:
        id = await conversation_id(app, conversation)
        session = app.session(id) if tools else app.session(id, tools=None)
        known = await session.load()
        name = model or (known.model if known else None) or app.default_model
        await open_locked(app.keys, name)
        parts: tuple[Part, ...] = (*((Text(prompt),) if prompt else ()), *files)
        message = Message("user", parts) if parts else None
        params = params_from_json(known.params) if known else Params()
        params = replace(params, web=True) if web else params
        return await what_leaves(app, session, message, name, params=params, system=system)


def in_words(sheet: Sheet) -> Iterator[tuple[str | Styled, ...]]:
    """The sheet for a person: where it goes, its lines, and how the provider is told to answer."""
    from routerterm.core.money import show_usd
    from routerterm.core.sanitise import one_line

    yield (f"to {sheet.target} at {sheet.host}, {len(sheet.body):,} bytes",)
    room = max(20, width(WORDS + 52) - 52)
    for line in sheet.lines:
        count = f"~{line.tokens:,}" if line.is_sent else ""
        price = f"{'~' if line.usd else ''}{show_usd(line.usd)}" if line.is_sent else ""
        text = one_line(line.text)
        text = text if len(text) <= room else f"{text[: room - 1]}…"
        yield (
            f"  {one_line(line.who)[:14]:<14}  {count:>8}  {price:>10}  ",
            *_struck(text, sheet.redacted),
            f"  {_note(line)}".rstrip(),
        )
    yield (f"  settings        {one_line(' · '.join(sheet.settings))}",)
    if sheet.left_out:
        yield (f"  {sheet.left_out} earlier messages have no room in this model's context window.",)
    yield (f"about {sheet.tokens:,} tokens, {_price(sheet)} with the answer",)


def _price(sheet: Sheet) -> str:
    from routerterm.core.money import show_range, show_usd

    forecast = sheet.forecast
    if forecast is None or not forecast.high:
        return show_usd(None if forecast is None else forecast.high)
    return f"~{show_range(forecast.low, forecast.high)}"


def _note(line: OutgoingLine) -> str:
    said = ["" if line.is_sent else line.state, "cached" if line.cached else "", "always sent" if line.pinned else ""]
    return f"({', '.join(filter(None, said))})" if any(said) else ""


def _struck(text: str, redacted: Mapping[str, str]) -> Iterator[str | Styled]:
    """What was taken out stands, struck through, before its placeholder, for a person alone."""
    from routerterm.core.sanitise import one_line

    if not is_terminal():
        yield text
        return
    for placeholder, thing in redacted.items():
        before, found, text = text.partition(placeholder)
        if not found:
            text = before
            continue
        yield before
        yield Styled(one_line(thing), dim=True, struck=True)
        yield found
    yield text


def as_object(sheet: Sheet) -> dict[str, Any]:
    """The sheet for a script; what was taken out is not in it."""
    forecast = sheet.forecast
    return {
        "target": str(sheet.target),
        "host": sheet.host,
        "why": sheet.why,
        "lines": [
            {
                "id": line.id,
                "kind": line.kind,
                "who": line.who,
                "text": line.text,
                "state": line.state,
                "tokens": line.tokens,
                "usd": None if line.usd is None else format(line.usd, "f"),
                "cached": line.cached,
                "pinned": line.pinned,
            }
            for line in sheet.lines
        ],
        "settings": list(sheet.settings),
        "tokens": sheet.tokens,
        "low": None if forecast is None or forecast.low is None else str(forecast.low),
        "high": None if forecast is None or forecast.high is None else str(forecast.high),
        "bytes": len(sheet.body),
        "cache_marks": sheet.marks,
        "left_out": sheet.left_out,
        "summed_up": sheet.summed_up,
    }
