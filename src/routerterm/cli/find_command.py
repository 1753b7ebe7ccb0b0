"""`routerterm find`: search all conversations from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from routerterm.cli.output import Styled, print_json, print_line

if TYPE_CHECKING:
    from routerterm.store.search import Hit, Results


@click.command("find")
@click.argument("words", nargs=-1, required=True)
@click.option(
    "-n", "--limit", default=20, show_default=True, type=click.IntRange(1, 300), help="How many hits to show."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per hit, for other programs.")
def command(words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find words in all conversations.

    WORDS may be words, prefixes (wal*), "exact phrases" and -excluded words, with filters model:,
    provider:, tag:, role:, title:, before: or after: (2026-11-21, today, 7d), cost: (">0.1"), is:pinned, is:archived.

    \b
      routerterm find wal checkpoint
      routerterm find '"write-ahead log" role:assistant after:30d'
    """
    results = asyncio.run(_find(" ".join(_quoted(word) for word in words), limit))
    for hit in results.hits:
        if as_json:
            print_json(_as_json(hit))
        else:
            print_line(*_as_lines(hit))
    if not results.hits:
        print_line("Nothing found.", err=True)
    for typed, used in results.instead:
        print_line(f"Nothing found for {typed!r}; these are for {used!r}.", err=True)
    if results.more and not as_json:
        print_line("There is more: ask for more words, or raise --limit.", err=True)


async def _find(text: str, limit: int) -> Results:
    from routerterm.cli.history import open_history
    from routerterm.config.paths import Paths
    from routerterm.store.database import milliseconds
    from routerterm.store.query import parse
    from routerterm.store.search import Results

    query = parse(text, milliseconds())
    path = Paths.find().database
    if not path.exists():
        return Results()
    async with open_history(path) as store:
        return await store.search.find(query, limit)


def _quoted(word: str) -> str:
    """An argument with spaces was quoted in the shell: its words stand side by side, unless it is a whole query."""
    from routerterm.store.query import FILTERS

    pieces = word.split()
    whole = any(piece.startswith(("-", *(f"{name}:" for name in FILTERS))) or piece.endswith("*") for piece in pieces)
    return word if len(pieces) < 2 or '"' in word or whole else f'"{word}"'


def _as_lines(hit: Hit) -> Iterator[str | Styled]:
    """Who said it where and when, and the piece of it below, with what was found marked."""
    from routerterm.core.sanitise import one_line

    day = datetime.fromtimestamp(hit.created_at / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
    who = {"user": "you", None: "title"}.get(hit.role, hit.model or hit.role)
    yield Styled(one_line(hit.title) or "Untitled", bold=True)
    yield f"  {day}  {one_line(str(who))}  {hit.conversation_id}\n    "
    at = 0
    for start, end in hit.snippet.marks:
        yield _flat(hit.snippet.text[at:start])
        yield Styled(_flat(hit.snippet.text[start:end]), bold=True, fg="yellow")
        at = end
    yield _flat(hit.snippet.text[at:])


def _flat(text: str) -> str:
    """A piece of a line, with its blanks at both ends."""
    return text.replace("\n", " ").replace("\r", " ")


def _as_json(hit: Hit) -> dict[str, object]:
    return {
        "conversation_id": hit.conversation_id,
        "message_id": hit.message_id,
        "title": hit.title,
        "role": hit.role,
        "model": hit.model,
        "created_at": hit.created_at,
        "excerpt": hit.snippet.text,
        "marks": [list(mark) for mark in hit.snippet.marks],
    }
