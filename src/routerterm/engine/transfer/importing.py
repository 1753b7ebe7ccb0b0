"""Reads a file of conversations, whoever wrote it, and carries what is new into the store.

Nothing in an archive is ever unpacked to disk; what is too big, too deep or not what it says is refused in words.
"""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from routerterm.core.errors import StoreError
from routerterm.engine.transfer import chatgpt, claude, native_format, other_clients
from routerterm.engine.transfer.common import Skipped
from routerterm.engine.transfer.problems import BadArchive
from routerterm.store.foreign_files import count, peer_of
from routerterm.store.transfer import ConversationBundle

if TYPE_CHECKING:
    from routerterm.store.database import Store

MOST = 256 * 1024 * 1024
"""Bytes of JSON that are read at once: it takes some ten times as much memory."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one conversation in a file of our own."""
_NAME = "conversations.json"

Kind: TypeAlias = Literal["routerterm", "ChatGPT", "Claude", "llm", "elia", "oterm"]
Progress: TypeAlias = Callable[[int, int | None], None]
"""Told how many conversations are done, and of how many where that is known."""


@dataclass(slots=True)
class Report:
    """What an import did, or (dry) would do."""

    kind: Kind | None = None
    new: int = 0
    grown: int = 0
    known: int = 0
    empty: int = 0
    messages: int = 0
    skipped: Skipped = field(default_factory=Skipped)
    failed: list[str] = field(default_factory=list)
    """Conversations that could not be read, and why."""


def lines_of(report: Report, *, dry: bool) -> list[str]:
    """The report in words; a title or a reason in it may hold anything and must be sanitised before it is shown."""
    done = "would be imported" if dry else "imported"
    lines = [f"From {report.kind}: {report.new:,} conversations {done}, with {report.messages:,} messages."]
    if report.grown:
        lines.append(f"{report.grown:,} were there and {'would get' if dry else 'got'} messages that they lacked.")
    if report.known:
        lines.append(f"{report.known:,} were there already.")
    if report.empty:
        lines.append(f"{report.empty:,} were empty.")
    lines += [f"Left out: {n:,} {reason}." for reason, n in sorted(report.skipped.reasons.items())]
    lines += [f"Not imported: {why}" for why in report.failed[:20]]
    if len(report.failed) > 20:
        lines.append(f"… and {len(report.failed) - 20:,} more.")
    return lines


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose kind is known; its conversations come one at a time, an error in the place of a bad one."""

    kind: Kind
    conversations: Iterator[ConversationBundle | BadArchive | None]
    count: int | None


async def import_file(store: Store, path: Path, *, dry: bool = False, progress: Progress | None = None) -> Report:
    """Import a file; what was imported before is known and stays as it is.  When this returns it is safe on disk.

    Raises `BadArchive` where the file as a whole cannot be read; one bad conversation is reported, the rest goes on.
    """
    report = Report()
    opened = await asyncio.to_thread(open_archive, path, report.skipped)
    report.kind, done = opened.kind, 0
    while True:
        carried = await asyncio.to_thread(next, opened.conversations, _END)
        if carried is _END:
            if report.messages and not dry:
                await store.settle()
            return report
        if isinstance(carried, BadArchive):
            report.failed.append(carried.message)
        elif isinstance(carried, ConversationBundle):
            await _store(store, carried, report, dry=dry)
        else:
            report.empty += 1
        done += 1
        if progress is not None:
            progress(done, opened.count)


_END = object()


async def _store(store: Store, carried: ConversationBundle, report: Report, *, dry: bool) -> None:
    try:
        landing = await store.transfer.carry_in(carried, dry=dry)
    except StoreError as error:
        if type(error) is not StoreError:  # the disk, not the conversation
            raise
        report.failed.append(error.message)
        return
    report.messages += landing.messages
    match landing.how:
        case "new":
            report.new += 1
        case "grown":
            report.grown += 1
        case "known":
            report.known += 1


def open_archive(path: Path, skipped: Skipped) -> Opened:
    """Find out what the file is.  Raises `BadArchive`."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
        if head.startswith(b"SQLite format 3\0"):
            return _database(path, skipped)
        if head.startswith(b"PK"):
            return _json(_from_zip(path), skipped)
        if head.lstrip(b"\xef\xbb\xbf").startswith(native_format.HEAD.encode() + b"\n"):
            return Opened("routerterm", _own_lines(path), _lines_in(path) - 2)
        return _json(_at_most(path), skipped)
    except IsADirectoryError:
        raise BadArchive(f"{path} is a folder.", "Name the file to be imported.") from None
    except OSError as error:
        raise BadArchive(f"{path} cannot be read: {error.strerror}.") from None


def _at_most(path: Path) -> bytes:
    """The whole file, unless it is too large; a device has no size and no end."""
    body = b""
    if path.stat().st_size <= MOST:
        with path.open("rb") as file:
            body = file.read(MOST + 1)
    if path.stat().st_size > MOST or len(body) > MOST:
        raise BadArchive(f"{path.name} is larger than {MOST >> 20} MB.", "Export it in several files.")
    return body


def _database(path: Path, skipped: Skipped) -> Opened:
    peer = peer_of(path)
    if peer is None:
        raise BadArchive(f"{path.name} is a database, but not of llm, elia or oterm.")
    return Opened(peer, other_clients.read(path, peer, skipped), count(path, peer))


def _from_zip(path: Path) -> bytes:
    """The one file in the archive that matters, in memory, as much of it as is allowed."""
    try:
        with zipfile.ZipFile(path) as archive:
            if any(_escapes(name) for name in archive.namelist()):
                raise BadArchive(f"{path.name} holds names that point outside of it.", "It was made to do harm.")
            found = [info for info in archive.infolist() if PurePosixPath(info.filename).name == _NAME]
            if len(found) != 1:
                raise BadArchive(
                    f"{path.name} holds no {_NAME}." if not found else f"{path.name} holds several {_NAME}."
                )
            if found[0].file_size > MOST:
                raise BadArchive(f"{_NAME} in {path.name} is larger than {MOST >> 20} MB.")
            with archive.open(found[0]) as file:  # what is said of its size may be a lie
                body = file.read(MOST + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BadArchive(f"{path.name} is no archive that can be read: {error}.") from None
    if len(body) > MOST:
        raise BadArchive(f"{_NAME} in {path.name} is larger than {MOST >> 20} MB.")
    return body


def _escapes(name: str) -> bool:
    return name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or ":" in name[:2]


def _json(data: bytes, skipped: Skipped) -> Opened:
    body = _parsed(data)
    if isinstance(body, dict) and body.get("format") == "routerterm":
        if body.get("version") != native_format.VERSION:
            raise BadArchive("The file is of a later routerterm.", "Update routerterm.")
        listed = body.get("conversations")
        conversations = listed if isinstance(listed, list) else []
        return Opened("routerterm", (_try(native_format.from_json, one) for one in conversations), len(conversations))
    listed = body if isinstance(body, list) else [body]
    for kind, module in (("ChatGPT", chatgpt), ("Claude", claude)):
        if any(module.is_one(one) for one in listed[:100]):
            return Opened(kind, _each(listed, module, skipped), len(listed))  # type: ignore[arg-type]
    raise BadArchive(
        "The file holds no conversations that are known.",
        "Known are our own JSON, ChatGPT, Claude, llm, elia and oterm.",
    )


def _each(listed: list[Any], module: Any, skipped: Skipped) -> Iterator[ConversationBundle | BadArchive | None]:
    for one in listed:
        if module.is_one(one):
            yield _try(lambda body: module.read(body, skipped), one)
        else:
            yield BadArchive("An entry of the file is no conversation.")


def _lines_in(path: Path) -> int:
    """For the progress bar: a line is a conversation, but for the first and the last."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _own_lines(path: Path) -> Iterator[ConversationBundle | BadArchive | None]:
    """Our own file a line at a time, whatever its size."""
    with path.open("rb") as file:
        file.readline(len(native_format.HEAD) + 8)
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                yield BadArchive(f"A conversation is larger than {LONGEST_LINE >> 20} MB.")
                return
            if (text := line.strip().rstrip(b",")) and text != native_format.TAIL.encode():
                yield _try(lambda data: native_format.from_json(_parsed(data)), text)


def _try(read: Callable[[Any], ConversationBundle | None], body: Any) -> ConversationBundle | BadArchive | None:
    try:
        return read(body)
    except BadArchive as error:
        return error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return BadArchive(f"A conversation in the file is malformed: {type(error).__name__}.")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise BadArchive("The file is nested deeper than any conversation.") from None
    except ValueError:
        raise BadArchive("The file is no JSON.", "Give the zip, or the conversations.json in it.") from None
