"""Sessions of aichat: YAML files of one known form, for which no YAML library is needed.

model: openai:gpt-4o
messages:
- role: user
  content: |-
    several lines
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from routerterm.engine.transfer.problems import BadArchive, Skipped

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

MOST = 16 << 20
"""Bytes of one session."""
_DEEPEST = 20
_ENTRY = re.compile(r"([\w.-]+|\"[^\"]*\"|'[^']*'):(?:\s+(.*))?$")
_BLOCK = re.compile(r"([|>])([+-]?)\d*([+-]?)\s*$")


def read(text: str, name: str, skipped: Skipped) -> ConversationBundle | None:
    """The conversation in a session file.  Raises `BadArchive` where it is none."""
    from routerterm.engine.transfer.web_chats import is_plain, read_plain

    body = parse(text)
    messages = body.get("messages") if isinstance(body, dict) else None
    rows = [*_list(body.get("compressed_messages")), *_list(messages)] if isinstance(body, dict) else []
    plain = [row for row in rows if is_plain(row)]
    if not isinstance(messages, list) or not plain:
        raise BadArchive(f"{name} holds no conversations in a known format.")
    for _ in range(len(rows) - len(plain)):
        skipped.note("messages in an unknown format")
    model = str(body.get("model") or "").replace(":", "/", 1)
    answers = [{**row, "model": model} if row["role"] == "assistant" and model else row for row in plain]
    prompt = str(body.get("role_prompt") or "")
    if prompt and not any(row["role"] == "system" for row in plain):
        answers.insert(0, {"role": "system", "content": prompt})
    return read_plain(answers, name.rpartition(".")[0] or name, "aichat", skipped)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def parse(text: str) -> Any:
    """The YAML that aichat writes: maps and lists in block style, scalars plain, quoted or as blocks.

    Raises `BadArchive` for anything else.
    """
    lines = [line.rstrip("\r") for line in text.split("\n") if line.rstrip("\r") not in ("---", "...")]
    value, _ = _node(lines, _skip(lines, 0), 0, 0)
    return value


def _skip(lines: Sequence[str], at: int) -> int:
    while at < len(lines) and (not lines[at].strip() or lines[at].lstrip().startswith("#")):
        at += 1
    return at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _node(lines: list[str], at: int, indent: int, level: int) -> tuple[Any, int]:
    """The map, list or scalar that begins on line ``at``, and the line after it."""
    if level > _DEEPEST:
        raise BadArchive("The file is nested deeper than any conversation.")
    if at >= len(lines) or _indent(lines[at]) < indent:
        return None, at
    indent = _indent(lines[at])
    if lines[at].lstrip().startswith(("- ", "-\t")) or lines[at].strip() == "-":
        return _sequence(lines, at, indent, level)
    if _ENTRY.match(lines[at].strip()):
        return _mapping(lines, at, indent, level)
    return _scalar(lines[at].strip()), at + 1


def _sequence(lines: list[str], at: int, indent: int, level: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while at < len(lines) and _indent(lines[at]) == indent and lines[at].lstrip().startswith("-"):
        # The item begins after its dash: with the dash a space, it is a block like any other.
        lines[at] = lines[at][:indent] + " " + lines[at][indent + 1 :]
        if lines[at].strip():
            value, at = _node(lines, at, indent + 1, level + 1)
        else:
            value, at = _node(lines, _skip(lines, at + 1), indent + 1, level + 1)
        found.append(value)
        at = _skip(lines, at)
    return found, at


def _mapping(lines: list[str], at: int, indent: int, level: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while at < len(lines) and _indent(lines[at]) == indent:
        entry = _ENTRY.match(lines[at].strip())
        if entry is None:
            raise BadArchive("The file is not YAML in a known format.")
        name, rest = str(_scalar(entry[1])), (entry[2] or "").strip()
        if block := _BLOCK.match(rest):
            found[name], at = _block(lines, at + 1, indent, block)
        elif not rest:
            below = _skip(lines, at + 1)
            dashed = below < len(lines) and _indent(lines[below]) == indent and lines[below].lstrip().startswith("-")
            if dashed:
                found[name], at = _sequence(lines, below, indent, level + 1)
            else:
                found[name], at = _node(lines, below, indent + 1, level + 1)
        else:
            found[name], at = _folded(lines, at, indent, rest)
        at = _skip(lines, at)
    return found, at


def _block(lines: Sequence[str], at: int, indent: int, sign: re.Match[str]) -> tuple[str, int]:
    """A text over several lines, which stand deeper than their name."""
    taken: list[str] = []
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) > indent):
        taken.append(lines[at])
        at += 1
    deep = next((_indent(line) for line in taken if line.strip()), 0)
    text = ("\n" if sign[1] == "|" else " ").join(line[deep:] for line in taken)
    keep = (sign[2] or sign[3]) == "+"
    return (text if keep else text.rstrip("\n")), at


def _folded(lines: Sequence[str], at: int, indent: int, rest: str) -> tuple[Any, int]:
    """A plain or quoted scalar, which may go on in deeper lines."""
    at += 1
    quote = rest[0] if rest[0] in "\"'" else ""
    while at < len(lines) and _indent(lines[at]) > indent and lines[at].strip():
        if quote and len(rest) > 1 and rest.endswith(quote):
            break
        rest += " " + lines[at].strip()
        at += 1
    return _scalar(rest), at


def _scalar(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return {"null": None, "~": None, "true": True, "false": False, "[]": [], "{}": {}}.get(text, text)
