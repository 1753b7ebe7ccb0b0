"""Reads files of conversations, whoever wrote them, and carries what is new into the store.

A report names everything that was left out, and why; one bad conversation never ends the rest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, field

from routerterm.core.errors import StoreError
from routerterm.engine.transfer import chatgpt, claude, coding_agents, native_format, web_chats
from routerterm.engine.transfer.common import dated, salted
from routerterm.engine.transfer.export_files import NO_FILES
from routerterm.engine.transfer.json_stream import JsonStream
from routerterm.engine.transfer.problems import BadArchive, Skipped
from routerterm.engine.transfer.sources import Source, sources
from routerterm.store.transfer import ConversationBundle

if TYPE_CHECKING:
    from routerterm.store.database import Store

Progress: TypeAlias = Callable[[int, int | None], None]
"""Told how many conversations are done, and of how many where that is known."""
Found: TypeAlias = ConversationBundle | BadArchive | None
"""A conversation; what was wrong with one; or None for one in which nothing was said."""
Reader: TypeAlias = Callable[[Any, Skipped], ConversationBundle | None]

KNOWN = (
    "routerterm's own JSON, ChatGPT, Claude, Open WebUI, LibreChat, opencode, crush, gptme, aichat, llm, elia, oterm"
)
_CHATGPT = "ChatGPT"
_READERS: tuple[tuple[str, Callable[[Any], bool], Reader], ...] = (
    (_CHATGPT, chatgpt.is_one, chatgpt.read),
    ("Claude", claude.is_one, claude.read),
    ("Open WebUI", web_chats.is_open_webui, web_chats.read_open_webui),
    ("LibreChat", web_chats.is_librechat, web_chats.read_librechat),
    ("opencode", coding_agents.is_opencode, coding_agents.read_opencode),
)
_MOST_FAILED = 1_000
"""Entries in a row that are no conversations, after which the rest of a file is left."""
_DEEPEST_WRAPPER = 3


class Report(Struct):
    """What an import did, or (dry) would do."""

    kinds: Counter[str] = field(default_factory=Counter)
    """How many conversations each program's export had."""
    new: int = 0
    grown: int = 0
    known: int = 0
    empty: int = 0
    messages: int = 0
    skipped: Skipped = field(default_factory=Skipped)
    failed: list[str] = field(default_factory=list)
    """Conversations that could not be read, and why."""

    @property
    def kind(self) -> str:
        """Whose export it was."""
        return ", ".join(sorted(self.kinds)) or "the file"


def lines_of(report: Report, *, dry: bool) -> list[str]:
    """The report in words; a title or a reason in it may hold anything and must be sanitised before it is shown."""
    done = "would be imported" if dry else "imported"
    lines = [f"From {report.kind}: {report.new:,} conversations {done}, with {report.messages:,} messages."]
    if not (report.new or report.grown):
        lines[0] = f"From {report.kind}: nothing new."
    if report.grown:
        lines.append(f"{report.grown:,} existed already and {'would get' if dry else 'got'} missing messages.")
    if report.known:
        lines.append(f"{report.known:,} existed already.")
    if report.empty:
        lines.append(f"{report.empty:,} were empty.")
    lines += report.skipped.lines()
    lines += [f"Not imported: {why}" for why in report.failed[:20]]
    if len(report.failed) > 20:
        lines.append(f"… and {len(report.failed) - 20:,} more.")
    return lines


class Opened(Struct, frozen=True):
    """An import on its way; its conversations come one at a time, an error in the place of a bad one."""

    kinds: Counter[str]
    """Grows as conversations come."""
    conversations: Iterator[Found]
    count: int | None = None


async def import_file(store: Store, path: Path, *, dry: bool = False, progress: Progress | None = None) -> Report:
    """Import a file or a folder; what was imported before is known and stays as it is.

    When this returns it is safe on disk.  Raises `BadArchive` where nothing in it can be read.
    """
    report = Report()
    opened = open_archive(path, report.skipped)
    report.kinds, done = opened.kinds, 0
    while True:
        carried = await asyncio.to_thread(next, opened.conversations, _END)
        if carried is _END:
            if report.messages and not dry:
                await store.flush()
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
        if carried.foreign:
            carried = dated(carried, store.now())
            first = carried.messages[0]
            there = await store.transfer.first_message(carried.conversation.id)
            if there is not None and first.id == there.id and first.text != there.text:
                carried = salted(carried, first.text)  # two databases that both count from 1
        landing = await store.transfer.import_conversation(carried, dry=dry)
    except StoreError as error:
        if type(error) is not StoreError:  # the disk, not the conversation
            raise
        report.failed.append(f"{carried.conversation.title[:60] or 'Untitled'}: {error.message}")
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
    """Prepare to read a file or a folder; it is looked at when the first conversation is asked for."""
    kinds: Counter[str] = Counter()
    return Opened(kinds, _Archive(path, kinds, skipped).conversations())


class _Archive:
    """Walks the files of an import.  What is wrong with the first of all is raised, with a later one reported."""

    def __init__(self, path: Path, kinds: Counter[str], skipped: Skipped) -> None:
        self._path = path
        self._kinds = kinds
        self._skipped = skipped
        self._files = NO_FILES

    def conversations(self) -> Iterator[Found]:
        """Every conversation.  Raises `BadArchive` where there is none."""
        strangers: list[str] = []
        problem: BadArchive | None = None
        single = not self._path.is_dir()
        try:
            if not single and (storages := coding_agents.opencode_storages(self._path)):
                for body in chain.from_iterable(map(coding_agents.opencode_storage, storages)):
                    yield body if isinstance(body, BadArchive) else self._read(coding_agents.read_opencode, body)
                    self._kinds["opencode"] += 1
                return
            for source in sources(self._path, self._skipped):
                before = self._kinds.total()
                try:
                    yield from self._file(source)
                except BadArchive as error:
                    problem = problem or error
                    if self._kinds.total() > before or not single:
                        yield BadArchive(f"{source.name}: {error.message}")
                if self._kinds.total() == before:
                    strangers.append(source.name)
        except BadArchive as error:
            if not self._kinds:
                raise
            yield error
        if not self._kinds:
            raise problem or BadArchive(
                f"{self._path.name} holds no conversations in a known format.", f"Known formats: {KNOWN}."
            )
        for name in strangers:
            self._skipped.note("files that hold no conversations", name)

    def _file(self, source: Source) -> Iterator[Found]:
        if source.path is not None:
            with closing(source.open()) as file:
                head = file.read(16)
            if head == b"SQLite format 3\0":
                yield from self._database(source.path)
                return
        with closing(source.open()) as file:
            if source.suffix in (".yaml", ".yml"):
                yield self._aichat(file.read(_aichat_most() + 1), source.name)
                return
            yield from self._json(JsonStream(file), source)

    def _database(self, path: Path) -> Iterator[Found]:
        from routerterm.engine.transfer.other_clients import read

        for kind, found in read(path, self._skipped):
            self._kinds[kind] += 1
            yield found

    def _aichat(self, data: bytes, name: str) -> Found:
        from routerterm.engine.transfer import aichat

        if len(data) > aichat.MOST:
            raise BadArchive(f"{name} is larger than {aichat.MOST >> 20} MB.")
        carried = _tried(lambda text, skipped: aichat.read(text, name, skipped), data.decode("utf-8-sig", "replace"),
                         self._skipped)  # fmt: skip
        if isinstance(carried, BadArchive):
            raise carried
        self._kinds["aichat"] += 1
        return carried

    def _json(self, stream: JsonStream, source: Source) -> Iterator[Found]:
        self._files = source.files
        rows: list[Mapping[str, Any]] = []
        logged: list[Mapping[str, Any]] = []
        strangers, before, lists = 0, self._kinds.total(), 0
        for value in stream.values():
            if isinstance(value, BadArchive):
                yield value
                continue
            if stream.head.get("format") == "routerterm" or _is_own_file(value):
                yield from self._own(value, stream.head)
                continue
            if (names := claude.files_to_fetch(value)) and not self._kinds:
                named = [name for name in names if "conversation" in name] or names
                raise BadArchive(
                    "This file is the index of an export, not the export itself.",
                    f"Download and import {', '.join(named[:5])}.",
                )
            if web_chats.is_plain(value):
                if rows and stream.lists != lists:  # a conversation each
                    yield self._rows(rows, source)
                    rows = []
                lists = stream.lists
                rows.append(value)
                continue
            if web_chats.is_logged_by_llm(value):
                logged.append(value)
                continue
            found = list(self._unwrapped(value, 0))
            strangers += not found
            yield from found
            if strangers > _MOST_FAILED:
                raise BadArchive(f"{source.name} holds mostly other data than conversations.")
        if rows:
            yield self._rows(rows, source)
        if logged:
            yield from self._logged(logged)
        if stream.head.get("format") == "routerterm":
            yield from self._own({"format": "routerterm", **stream.head, "conversations": ()}, {})
        strangers += stream.passed_over
        if strangers and self._kinds.total() > before:
            self._skipped.reasons["entries that are not conversations"] += strangers

    def _rows(self, rows: list[Mapping[str, Any]], source: Source) -> Found:
        """A file of bare messages: gptme's, or one of the many programs that write them so."""
        gptme = source.name == "conversation.jsonl"
        self._kinds["gptme" if gptme else "a list of messages"] += 1
        title = source.folder if gptme else source.name.rpartition(".")[0]
        program = "gptme" if gptme else "messages"
        return _tried(lambda each, skipped: web_chats.read_plain(each, title, program, skipped), rows, self._skipped)

    def _logged(self, rows: list[Mapping[str, Any]]) -> Iterator[Found]:
        from routerterm.engine.transfer.other_clients import read_llm

        talks: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            talks.setdefault(str(row.get("conversation_id") or row.get("id")), []).append(row)
        for id, turns in talks.items():
            self._kinds["llm"] += 1
            yield _tried(partial(read_llm, id), turns, self._skipped)

    def _own(self, value: Any, head: Mapping[str, Any]) -> Iterator[Found]:
        about = value if _is_own_file(value) else head
        if about.get("version") != native_format.VERSION:
            raise BadArchive("The file was written by a later version of routerterm.", "Update routerterm.")
        bodies = value.get("conversations", ()) if _is_own_file(value) else (value,)
        if not isinstance(bodies, list | tuple):
            raise BadArchive("The file's conversations are not a list.")
        for body in bodies:
            self._kinds["routerterm"] += 1
            yield _tried(native_format.from_json, body, self._skipped)
        if _is_own_file(value):
            self._kinds["routerterm"] += 0

    def _unwrapped(self, value: Any, level: int) -> Iterator[Found]:
        """The conversations in a decoded value: itself, or those in the lists and objects that wrap them."""
        if isinstance(value, dict):
            for kind, is_one, reader in _READERS:
                if is_one(value):
                    self._kinds[kind] += 1
                    reader = partial(chatgpt.read, files=self._files) if kind == _CHATGPT else reader
                    yield self._read(reader, value)
                    return
            messages = value.get("messages")
            if isinstance(messages, list) and messages and all(web_chats.is_plain(each) for each in messages):
                self._kinds["a list of messages"] += 1
                title = str(value.get("title") or value.get("name") or "")
                yield _tried(
                    lambda rows, skipped: web_chats.read_plain(rows, title, "messages", skipped),
                    messages,
                    self._skipped,
                )
                return
        if level < _DEEPEST_WRAPPER and isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                if isinstance(inner, dict | list):
                    yield from self._unwrapped(inner, level + 1)

    def _read(self, reader: Reader, body: Any) -> Found:
        return _tried(reader, body, self._skipped)


def _is_own_file(value: Any) -> bool:
    return isinstance(value, dict) and value.get("format") == "routerterm"


def _aichat_most() -> int:
    from routerterm.engine.transfer.aichat import MOST

    return MOST


def _tried(reader: Reader, body: Any, skipped: Skipped) -> Found:
    try:
        return reader(body, skipped)
    except BadArchive as error:
        return error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        return BadArchive(f"A conversation in the file is malformed: {type(error).__name__}.")
