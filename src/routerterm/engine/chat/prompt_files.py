"""Prompts as files: Markdown with a head that says what they are, what is filled in, and who answers how.

    ---
    description: Review a file
    fields: {file: , tone: friendly}
    model: smart
    temperature: 0.2
    ---
    Review {{file}} in a {{tone}} way.

The head is a small part of YAML: ``name: value``, lists and mappings on one line or indented.  Without a head it is
a template.  ``{{args}}``, or ``$ARGUMENTS`` as other programs have it, stands for all that is written after the name.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from routerterm.config.atomic_file import atomic_write, read_regular
from routerterm.core.errors import BadRequest, RoutertermError
from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.nearest import nearest
from routerterm.core.request import Params
from routerterm.engine.chat.templates import Field, MissingField, fields_of, fill, rewrite

if TYPE_CHECKING:
    from routerterm.store.prompts import Prompts

LARGEST = 200_000
"""Bytes of a prompt."""
MOST = 500
"""Prompts of one folder."""
ALL = "args"
"""The field that takes all that is written after the name."""
_NAME = LazyPattern(r"[\w][\w.-]*")
_HEAD = LazyPattern(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_ENTRY = LazyPattern(r"([A-Za-z_][\w -]*?)\s*:(?:\s+(.*))?\Z")

Value: TypeAlias = "str | tuple[str, ...] | dict[str, str]"
Kind: TypeAlias = Literal["template", "system"]


class FileExists(RoutertermError):
    """A prompt was to be written where a file lies already."""


class PromptFile(Struct, frozen=True):
    """A prompt of the person's.  ``name`` is what is written after the slash."""

    name: str
    text: str
    path: Path
    kind: Kind = "template"
    description: str = ""
    defaults: Mapping[str, str | None] = {}
    """What the head says of fields: what stands there otherwise, or None for one that must be filled in."""
    model: str = ""
    tools: tuple[str, ...] = ()
    temperature: float | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """The gaps of the text, in order, with what the head says of them."""
        found = {field.name: field for field in fields_of(self.text)}
        for name, default in self.defaults.items():
            if name in found and found[name].default is None:
                found[name] = Field(name, default)
        return tuple(found.values())

    def params(self, before: Params) -> Params:
        """How it wants to be answered, over what the conversation has."""
        if self.temperature is not None:
            before = replace(before, temperature=self.temperature)
        return replace(before, tools=True, tools_only=self.tools) if self.tools else before

    @property
    def usage(self) -> str:
        """``file tone=friendly``: what may stand after the name."""
        return " ".join(f.name if f.default is None else f"{f.name}={f.default}" for f in self.fields)

    def values(self, written: str) -> dict[str, str]:
        """What the words after the name fill in: ``field=value`` by name, the others in order, the rest in the last.

        Raises `RoutertermError` for a quotation mark that is not closed.
        """
        return arguments(self.fields, written)

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with its gaps filled.  Raises `MissingField`."""
        whole = {field.name: field.default for field in self.fields if field.default is not None} | dict(values)
        try:
            return fill(self.text, whole).strip()
        except MissingField as error:
            raise MissingField(error.message, f"/{self.name} {self.usage}") from None


def arguments(fields: Sequence[Field], written: str) -> dict[str, str]:
    """Values by the fields' names, of words as a shell has them.  Raises `RoutertermError`."""
    names = [field.name for field in fields]
    if ALL in names:
        return {ALL: written.strip()}
    try:
        words = shlex.split(written)
    except ValueError:
        raise RoutertermError("A quotation mark is not closed.", 'As in /name "two words" tone=friendly.') from None
    found: dict[str, str] = {}
    rest = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name in names:
            found[name] = value
        else:
            rest.append(word)
    free = [name for name in names if name not in found]
    for place, name in enumerate(free):
        taken = rest[place:] if place == len(free) - 1 else rest[place : place + 1]
        if taken:
            found[name] = " ".join(taken)
    return found


def prompt_folders(config_file: Path, working: Path) -> tuple[Path, ...]:
    """Where prompts lie: beside the settings, then in the working folder, whose own come before those of that name."""
    return (config_file.parent / "prompts", working / ".routerterm" / "prompts")


def read_prompts(folders: Iterable[Path]) -> tuple[dict[str, PromptFile], tuple[RoutertermError, ...]]:
    """The prompts by name, and what is wrong with the others.  A later folder's win over an earlier one's.  Blocks."""
    found: dict[str, PromptFile] = {}
    troubles: list[RoutertermError] = []
    for folder in folders:
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix == ".md")[:MOST]
        except OSError:
            continue  # there is no such folder, most often
        for path in files:
            try:
                prompt = read_prompt(path)
            except RoutertermError as error:
                troubles.append(error)
            else:
                found[prompt.name] = prompt
    return found, tuple(troubles)


def read_prompt(path: Path) -> PromptFile:
    """A prompt from its file; its name is the file's.  Blocks.  Raises `RoutertermError`."""
    name = path.stem
    if not _NAME.fullmatch(name):
        raise RoutertermError(f"{path.name} cannot be a prompt's name.", "Letters, digits, - and _, as in review.md.")
    try:
        text = read_regular(path, LARGEST).decode("utf-8-sig")
    except OSError as error:
        raise RoutertermError(f"The prompt {path.name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RoutertermError(f"The prompt {path.name} is not UTF-8 text.") from None
    return parse_prompt(text, path)


def parse_prompt(text: str, path: Path) -> PromptFile:
    """A prompt from its text.  Pure.  Raises `RoutertermError` that names file and line."""
    match = _HEAD.match(text)
    head = _head(match[1], path.name) if match else {}
    body = text[match.end() :] if match else text
    body = body.replace("$ARGUMENTS", "{{args=}}")
    kind = _one(head, "kind", path) or "template"
    if kind not in ("template", "system"):
        raise RoutertermError(f"{path.name}: kind is template or system, not {kind}.")
    temperature = _one(head, "temperature", path)
    try:
        number = float(temperature) if temperature else None
        Params(temperature=number)
    except (ValueError, BadRequest):
        raise RoutertermError(f"{path.name}: temperature is a number such as 0.2, not {temperature}.") from None
    tools = head.get("tools", ())
    return PromptFile(
        name=path.stem,
        text=body.strip("\r\n"),
        path=path,
        kind="system" if kind == "system" else "template",
        description=_one(head, "description", path),
        defaults=_defaults(head.get("fields", ())),
        model=_one(head, "model", path),
        tools=tuple(tools) if not isinstance(tools, str) else tuple(filter(None, re.split(r"[,\s]+", tools))),
        temperature=number,
    )


def _one(head: Mapping[str, Value], name: str, path: Path) -> str:
    value = head.get(name, "")
    if not isinstance(value, str):
        raise RoutertermError(f"{path.name}: {name} is one value, not several.")
    return value


def _defaults(value: Value) -> dict[str, str | None]:
    if isinstance(value, dict):
        return {name: default or None for name, default in value.items()}
    names = re.split(r"[,\s]+", value) if isinstance(value, str) else value
    return {name: None for name in names if name}


def _head(text: str, name: str) -> dict[str, Value]:
    """The entries between the two lines of dashes.  Raises `RoutertermError`."""
    found: dict[str, Value] = {}
    last = ""
    for number, line in enumerate(text.splitlines(), 2):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if line[0] in " \t-":
            _add(found, last, bare, f"{name}, line {number}")
            continue
        entry = _ENTRY.match(bare)
        if entry is None:
            raise RoutertermError(f"{name}, line {number}: a line of the head is written name: value.")
        last = entry[1]
        found[last] = _value(entry[2] or "")
    return found


def _add(found: dict[str, Value], last: str, bare: str, where: str) -> None:
    """An indented line: ``- word``, or ``name: value``, of the entry before it."""
    before = found.get(last)
    if last and bare.startswith("- ") and (before == "" or isinstance(before, tuple)):
        found[last] = (*(before or ()), _plain(bare[2:]))
        return
    entry = _ENTRY.match(bare)
    if not last or entry is None or not (before == "" or isinstance(before, dict)):
        raise RoutertermError(f"{where}: this line belongs to nothing.", "A line of the head is written name: value.")
    found[last] = {**(before if isinstance(before, dict) else {}), entry[1]: _plain(entry[2] or "")}


def _value(text: str) -> Value:
    text = text.strip()
    if text[:1] == "[" and text[-1:] == "]":
        return tuple(_plain(item) for item in text[1:-1].split(",") if item.strip())
    if text[:1] == "{" and text[-1:] == "}":
        pairs = (item.partition(":") for item in text[1:-1].split(",") if item.strip())
        return {_plain(name): _plain(value) for name, _, value in pairs}
    return _plain(text)


def _plain(text: str) -> str:
    """A value without its quotation marks, or without the comment behind it."""
    text = text.strip()
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return text[1:-1]
    return re.sub(r"\s+#.*\Z", "", text)


def write_prompt(folder: Path, name: str, kind: Kind, text: str) -> Path:
    """Write a prompt of the library as a file, in place of none.  Blocks.  Raises `RoutertermError`."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "prompt"
    path = folder / f"{stem}.md"
    if path.exists():
        raise FileExists(f"{path} is there already.", "Rename one of them first.")
    head = f"---\nkind: {kind}\n---\n" if kind == "system" or text.startswith("---") else ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(path, f"{head}{text.rstrip()}\n".encode())
    except OSError as error:
        raise RoutertermError(f"{path} cannot be written: {error.strerror}.") from None
    return path


async def find_prompt(name: str, folders: Iterable[Path], library: Prompts) -> PromptFile:
    """The prompt of that name: a file's, or the library's.  Raises `RoutertermError`, with the nearest names."""
    files, troubles = await asyncio.to_thread(read_prompts, folders)
    if name in files:
        return files[name]
    stored = {prompt.name: prompt for prompt in await library.all()}
    if name in stored:
        return of_library(name, stored[name].kind, stored[name].text)
    for trouble in troubles:
        if name in trouble.message:
            raise trouble
    near = nearest(name, [*files, *stored], 3)
    raise RoutertermError(
        f"There is no prompt {name!r}.", f"Nearest: {', '.join(near)}." if near else "Prompts lie in prompts/*.md."
    )


def of_library(name: str, kind: Kind, text: str) -> PromptFile:
    """A prompt of the library, to be used as one from a file is."""
    return PromptFile(name, text, Path(), kind)


def for_library(prompt: PromptFile) -> str:
    """The text with what the head says of its fields written into it: the library keeps no heads."""
    known = {field.name: field.default for field in prompt.fields}

    def gap(name: str) -> str:
        default = known.get(name)
        return f"{{{{{name}}}}}" if default is None else f"{{{{{name}={default}}}}}"

    return rewrite(prompt.text, gap)
