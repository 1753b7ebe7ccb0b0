"""Histories of programs that work on code: opencode, crush and gptme."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routerterm.core.messages import Part, Reasoning, Text
from routerterm.engine.transfer.common import (
    ImportedMessage,
    Skipped,
    carry,
    fenced,
    image_of,
    milliseconds,
    text_of,
    texts,
)
from routerterm.engine.transfer.problems import BadArchive
from routerterm.engine.transfer.sources import opened

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle

_MOST = 16 << 20
"""Bytes of one of opencode's small files."""


def is_opencode(body: Any) -> bool:
    """Whether a JSON object is what ``opencode export`` prints."""
    return isinstance(body, dict) and isinstance(body.get("info"), dict) and isinstance(body.get("messages"), list)


def read_opencode(body: Mapping[str, Any], skipped: Skipped) -> ConversationBundle | None:
    """One conversation: ``info``, and ``messages`` of an ``info`` and ``parts`` each."""
    info = body["info"]
    said: list[ImportedMessage] = []
    for n, message in enumerate(body["messages"]):
        if not isinstance(message, dict) or not isinstance(about := message.get("info"), dict):
            skipped.note("messages in an unknown format")
            continue
        parts = tuple(p for each in message.get("parts") or () for p in _opencode_part(each, skipped))
        if parts:
            asked = about.get("role") == "user"
            at = _time(about, "created")
            names = [text_of(about.get("providerID")), text_of(about.get("modelID"))]
            model = "/".join(name for name in names if name) or None
            above = said[-1].id if said else None
            id = text_of(about.get("id")) or str(n)
            said.append(
                ImportedMessage(
                    id, above, "user" if asked else "assistant", parts=parts, at=at, model=None if asked else model
                )
            )
    model = next((one.model for one in reversed(said) if one.model), None)
    title = text_of(info.get("title"))
    created, updated = _time(info, "created"), _time(info, "updated")
    return carry("opencode", text_of(info.get("id")), title, said, model=model, created=created, updated=updated)


def opencode_storage(folder: Path) -> Iterator[Mapping[str, Any] | BadArchive]:
    """The conversations in opencode's folder ``storage`` of earlier versions, as `read_opencode` takes them."""
    first = (folder / "session" / "info").is_dir()
    for session in sorted(folder.glob("session/info/*.json" if first else "session/**/*.json")):
        try:
            yield _opencode_session(folder / "session" if first else folder, session, first=first)
        except BadArchive as error:
            yield error


def _opencode_session(folder: Path, session: Path, *, first: bool) -> Mapping[str, Any]:
    """One session from its small files.  In the first versions a message held its parts, or they lay by session."""
    messages = []
    for path in sorted(folder.glob(f"message/{glob.escape(session.stem)}/*.json")):
        about = _json(path)
        below = folder / "part" / (session.stem if first else "")
        parts = [_json(part) for part in sorted(below.glob(f"{glob.escape(path.stem)}/*.json"))]
        within = about.get("parts")
        messages.append({"info": about, "parts": parts or (within if isinstance(within, list) else [])})
    return {"info": _json(session), "messages": messages}


def opencode_storages(folder: Path) -> list[Path]:
    """The folders ``storage`` of opencode in a folder: itself, one in it, or one for each project."""
    places = [folder, folder / "storage", *sorted(folder.glob("project/*/storage"))]
    return [place for place in places if (place / "session").is_dir() and _has_messages(place)]


def _has_messages(folder: Path) -> bool:
    return (folder / "message").is_dir() or (folder / "session" / "message").is_dir()


def read_crush(
    chat: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], skipped: Skipped
) -> ConversationBundle | None:
    """One session of crush; its messages hold their parts as JSON."""
    said: list[ImportedMessage] = []
    for row in rows:
        try:
            listed = json.loads(text_of(row.get("parts")) or "[]")
        except (ValueError, RecursionError):
            skipped.note("messages in an unknown format")
            continue
        pieces = listed if isinstance(listed, list) else []
        parts = tuple(part for piece in pieces for part in _crush_part(piece, skipped))
        if parts:
            asked = row.get("role") == "user"
            names = [text_of(row.get("provider")), text_of(row.get("model"))]
            model = "/".join(name for name in names if name) or None
            above = said[-1].id if said else None
            at = milliseconds(row.get("created_at"))
            said.append(
                ImportedMessage(
                    str(row.get("id")),
                    above,
                    "user" if asked else "assistant",
                    parts=parts,
                    at=at,
                    model=None if asked else model,
                )
            )
    model = next((one.model for one in reversed(said) if one.model), None)
    created, updated = milliseconds(chat.get("created_at")), milliseconds(chat.get("updated_at"))
    return carry(
        "crush", str(chat["id"]), text_of(chat.get("title")), said, model=model, created=created, updated=updated
    )


def _opencode_part(part: Any, skipped: Skipped) -> tuple[Part, ...]:
    if not isinstance(part, dict):
        return ()
    text = text_of(part.get("text"))
    match part.get("type"):
        case "text":
            return texts(text) if not part.get("synthetic") else ()
        case "reasoning":
            return (Reasoning(text),) if text else ()
        case "tool":
            state = part.get("state")
            return _tool(text_of(part.get("tool")), state if isinstance(state, dict) else {})
        case "file":
            skipped.note("attached files", text_of(part.get("filename")))
        case "step-start" | "step-finish" | "snapshot" | "patch":
            pass
        case other:
            skipped.note(f"content of type {str(other)[:40]}")
    return ()


def _tool(name: str, state: Mapping[str, Any]) -> tuple[Part, ...]:
    """A call of a tool with its output, as text: what was done is a part of the answer."""
    given = state.get("input")
    call = f"{name}({json.dumps(given, ensure_ascii=False)[:2000] if given else ''})"
    output = text_of(state.get("output")) or text_of(state.get("error"))
    return (Text(f"\n\n{fenced(call + chr(10) + output if output else call)}\n\n"),)


def _crush_part(piece: Any, skipped: Skipped) -> tuple[Part, ...]:
    data = piece.get("data") if isinstance(piece, dict) else None
    if not isinstance(data, dict):
        return ()
    match piece.get("type"):
        case "text":
            return texts(text_of(data.get("text")))
        case "reasoning":
            thought = text_of(data.get("thinking"))
            return (Reasoning(thought),) if thought else ()
        case "tool_call":
            return (Text(f"\n\n{fenced(text_of(data.get('name')) + '(' + text_of(data.get('input')) + ')')}\n\n"),)
        case "tool_result":
            output = text_of(data.get("content"))
            return (Text(f"\n\n{fenced(output)}\n\n"),) if output else ()
        case "finish":
            pass
        case "binary" if image := image_of(
            {"media_type": data.get("MIMEType") or data.get("mime_type"), "data": data.get("Data") or data.get("data")}
        ):
            return (image,)
        case "binary" | "image_url":
            skipped.note("attached files", text_of(data.get("Path")) or text_of(data.get("path")))
        case other:
            skipped.note(f"content of type {str(other)[:40]}")
    return ()


def _time(about: Mapping[str, Any], name: str) -> int:
    time = about.get("time")
    return milliseconds(time.get(name)) if isinstance(time, dict) else 0


def _json(path: Path) -> dict[str, Any]:
    with opened(path) as file:
        data = file.read(_MOST + 1)
    try:
        body = json.loads(data) if len(data) <= _MOST else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise BadArchive(f"{path.name} is not a readable JSON file.")
    return body
