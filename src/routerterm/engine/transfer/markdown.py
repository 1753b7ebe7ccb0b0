"""A branch as Markdown that reads well, with front matter that says which models answered and what it cost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING

from routerterm.core.messages import Image, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.money import exact_usd, from_nano
from routerterm.engine.chat.trace import ReplyTrace

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle
    from routerterm.store.values import StoredMessage


def write(carried: ConversationBundle, branch: Sequence[StoredMessage], zone: tzinfo | None = None) -> Iterator[str]:
    """The file, a piece at a time."""
    conversation = carried.conversation
    yield "---\n"
    yield f"title: {json.dumps(conversation.title, ensure_ascii=False)}\n"
    yield f"date: {day(conversation.created_at, zone)}\n"
    models = list(dict.fromkeys(message.model for message in branch if message.model))
    yield f"models: {json.dumps(models, ensure_ascii=False)}\n"
    cost = exact_usd(*cost_of(carried, branch))
    yield f"cost_usd: {cost if cost[-1] != '?' else json.dumps(cost)}\n"
    if conversation.tags:
        yield f"tags: {json.dumps(list(conversation.tags), ensure_ascii=False)}\n"
    yield f"id: {conversation.id}\n---\n\n# {one_line(conversation.title) or 'Untitled'}\n"
    if conversation.system:
        yield f"\n## System\n\n{quoted(conversation.system)}\n"
    for message in branch:
        yield f"\n## {heading(message)}\n\n{body(message)}\n"


def heading(message: StoredMessage) -> str:
    """Who speaks, and how it ended if not well."""
    who = {"user": "You", "system": "System"}.get(message.role) or message.model or "Answer"
    return who + ("" if message.status == "done" else f" ({message.status})")


def body(message: StoredMessage) -> str:
    """The parts of a message."""
    pieces = []
    for part in message.parts:
        match part:
            case Text(text):
                pieces.append(nested(text))
            case Reasoning(text):
                pieces.append(quoted(text) if text else "")
            case Image():
                pieces.append(f"*[image: {one_line(part.name or part.url or part.media_type)}]*")
            case ToolCall():
                pieces.append(f"`{part.name}({part.arguments})`")
            case ToolResult():
                pieces.append(quoted(part.text))
    return "\n\n".join(piece for piece in pieces if piece)


def nested(text: str, below: int = 2) -> str:
    """The text with its headings below those of the document, which go down to level ``below``.

    Only headings of the text itself are moved: not those in quotes and lists, nor what looks like one in code.
    """
    if "#" not in text and not _UNDERLINED.search(text):
        return text
    from markdown_it import MarkdownIt

    lines = text.split("\n")
    for token in reversed(MarkdownIt("commonmark").parse(text)):
        if token.type == "heading_open" and token.level == 0 and token.map:
            start, end = token.map
            level = min(6, int(token.tag[1]) + below)
            if token.markup.startswith("#"):
                lines[start] = "#" * level + lines[start].lstrip().lstrip("#")
            else:
                lines[start:end] = ["#" * level + " " + " ".join(line.strip() for line in lines[start : end - 1])]
    return "\n".join(lines)


_UNDERLINED = re.compile(r"^ {0,3}(?:=+|-+)\s*$", re.MULTILINE)


def quoted(text: str) -> str:
    """A block quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def one_line(text: str) -> str:
    """Without breaks."""
    return " ".join(text.split())


def day(at: int, zone: tzinfo | None) -> str:
    """A moment as ISO 8601 in the person's time."""
    moment = datetime.fromtimestamp(at / 1000, zone)
    return moment.isoformat(timespec="seconds")


def cost_of(carried: ConversationBundle, branch: Sequence[StoredMessage]) -> tuple[Decimal, bool]:
    """What the branch cost in dollars, and whether a part of it is not known."""
    ids = {message.id for message in branch}
    attempts = [attempt for attempt in carried.attempts if attempt.message_id in ids]
    costs = [None if a.cost_nanousd is None else from_nano(a.cost_nanousd) for a in attempts]
    if not attempts:
        records = [ReplyTrace.of(message.params).cost for message in branch if message.role == "assistant"]
        costs = [cost.usd if cost else None for cost in records]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)), len(known) < len(costs)
