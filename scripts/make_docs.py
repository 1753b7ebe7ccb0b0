"""Writes what the code itself knows: docs/settings.md, docs/keys.md, the man page, the table of providers; and the
providers once more as JSON, which a start reads sooner than their TOML.

`python scripts/make_docs.py` writes them, `--check` says whether they are current.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import Any, get_args, get_origin

import click
from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from routerterm import __version__
from routerterm.cli.root import COMMANDS, root
from routerterm.config.describe import sentence
from routerterm.config.schema import Settings
from routerterm.config.schema_base import Section
from routerterm.tui.commands.registry import COMMANDS as CHAT_COMMANDS

ROOT = Path(__file__).resolve().parent.parent
MADE = "made by `make docs`: change the code it is made from"
ENVIRONMENT = {
    "ROUTERTERM_HOME": "One folder for everything: settings, history, keys, logs.",
    "ROUTERTERM_MODEL_DIR": "Where the small local model's weights are.",
    "ROUTERTERM_GATEWAY_TOKEN": "A token that `routerterm serve` requires from every client.",
    "OPENAI_API_KEY and the like": "API keys, used where no key is stored: {PROVIDER}_API_KEY.",
    "AI_PROXY_URL, PROXY_URL": "The proxy of all providers; takes precedence over the settings and HTTPS_PROXY.",
    "NO_PROXY": "Hosts that are reached without the proxy.",
    "NO_COLOR": "Set to anything: no colours.",
    "COLORTERM": "`truecolor` if the terminal has 16 million colours.",
    "VISUAL, EDITOR": "The editor for long prompts.",
}


# -- settings -------------------------------------------------------------------------------------------------
def settings() -> Iterator[str]:
    """Every table and entry of config.toml."""
    yield f"<!-- {MADE} (src/routerterm/config/schema.py) -->"
    yield "# Settings"
    yield ""
    yield (
        "All settings of `config.toml`. `routerterm config path` prints its path. It need not exist: every setting "
        "has a default. `routerterm config check` names every mistake with its line, `routerterm config show` prints "
        "the current values, and the chat's settings screen (`/settings`) changes it while it runs."
    )
    yield ""
    yield "Times are seconds, money is US dollars. A setting without a default follows the built-in value."
    for field in fields(Settings):
        if field.name == "given":
            continue
        yield from _table(field.name, field, sentence(Settings, field.name))
    yield ""
    yield "## Environment"
    yield ""
    yield "| variable | what it does |"
    yield "|---|---|"
    yield from (f"| {name} | {what} |" for name, what in ENVIRONMENT.items())


def _table(way: str, field: FieldInfo, text: str) -> Iterator[str]:
    annotation: Any = field.type
    inner = _model_in(annotation)
    yield ""
    if inner is None:
        yield f"## [{way}]\n\n{text}"
        return
    title = f"[[{way}]]" if get_origin(annotation) is tuple else f"[{way}]"
    if get_origin(annotation) is dict:
        title = f'[{way}."provider/model"]' if way == "models" else f"[{way}.NAME]"
    yield f"## {title}\n\n{text}\n"
    yield "| setting | type | default | meaning |"
    yield "|---|---|---|---|"
    deeper = []
    for own in fields(inner):
        name = own.name
        if _model_in(own.type) is not None and own.type is not Any:
            deeper.append((name, own))
        yield f"| `{name}` | {_kind(own.type)} | {_default(own)} | {sentence(inner, name)} |"
    base = title.strip("[]")
    for name, own in deeper:
        yield from _table(f"{base}.{name}", own, sentence(inner, name))


def _model_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    found = (_model_in(each) for each in get_args(annotation))
    return next((each for each in found if each is not None), None)


def _kind(annotation: Any) -> str:
    names = {bool: "true or false", int: "whole number", float: "number", str: "text"}
    if annotation in names:
        return names[annotation]
    origin, inner = get_origin(annotation), [each for each in get_args(annotation) if each is not type(None)]
    if inner and all(isinstance(each, str) for each in inner):
        return " or ".join(f"`{each}`" for each in inner)
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    if origin is dict or _model_in(annotation) is not None:
        return "table"
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__)
    return _kind(inner[0]) if len(inner) == 1 else "number"


def _default(field: FieldInfo) -> str:
    if field.required:
        return "*required*"
    value = field.default if field.default_factory is NODEFAULT else field.default_factory()
    if value is None or isinstance(value, Section) or value in ((), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(repr(each).replace(chr(39), chr(34)) for each in value)}]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


# -- keys of the chat ---------------------------------------------------------------------------------------------
def keys() -> Iterator[str]:
    """Every command of the chat with its keys."""
    from routerterm.tui.keymap import letters

    by_name = {name: letter for letter, name in letters(CHAT_COMMANDS.values()).items()}
    yield f"<!-- {MADE} (src/routerterm/tui/commands/) -->"
    yield "# Keys and commands of the chat"
    yield ""
    yield (
        "F1 shows the same while the chat runs. Every command is in the palette (Ctrl+P), has a name after a slash in "
        "the composer or a letter after Ctrl+X, and can be given other keys in `[bindings]` by its name: "
        '`stats = "f4,alt+s"`; `none` takes its keys away.'
    )
    yield from _places()
    for group in dict.fromkeys(command.group for command in CHAT_COMMANDS.values()):
        yield f"\n## {group}\n"
        yield "| name | keys | after Ctrl+X | slash | what it does |"
        yield "|---|---|---|---|---|"
        for command in CHAT_COMMANDS.values():
            if command.group == group:
                words = f"/{command.slash} {command.argument}".strip().replace("|", "\\|")
                slash = f"`{words}`" if command.slash else ""
                pressed = ", ".join(_key(key) for key in command.keys)
                letter = by_name.get(command.name, "")
                yield f"| `{command.name}` | {pressed} | {letter} | {slash} | {command.help()} |"


def _places() -> Iterator[str]:
    """The three places of the chat with what keys do there, from the tables that bind them."""
    from routerterm.tui.transcript.widget import Transcript
    from routerterm.tui.widgets.composer import Composer
    from routerterm.tui.widgets.conversations import ConversationList

    for title, place in (
        ("Writing (WRITE)", Composer),
        ("Among the messages (MESSAGES)", Transcript),
        ("In the list of conversations (CHATS)", ConversationList),
    ):
        yield f"\n## {title}\n"
        yield "| keys | what they do |"
        yield "|---|---|"
        for action in place.ACTIONS:
            yield f"| {', '.join(_place_key(key) for key in action.keys.split(','))} | {action.label} |"


def _place_key(key: str) -> str:
    """A key of a place: letters as they are typed, special keys by the names on them."""
    from routerterm.tui.widgets.keybar import key_name

    return _key(key) if "+" in key else key_name(key).replace("|", "\\|")


def _key(key: str) -> str:
    said = {"underscore": "_", "right_square_bracket": "]", "left_square_bracket": "[", "escape": "Esc"}
    return "+".join(said.get(part, part.capitalize()) for part in key.split("+"))


# -- providers ----------------------------------------------------------------------------------------------------
def providers() -> Iterator[str]:
    """The page of providers with its table written again."""
    from routerterm.catalog import Catalog

    before, begins, rest = (ROOT / "docs/providers.md").read_text(encoding="utf-8").partition(TABLE_BEGINS)
    _, ends, after = rest.partition(TABLE_ENDS)
    if not (begins and ends):
        raise SystemExit("docs/providers.md has lost the marks of its table of providers.")
    rows = ["| provider | name | protocol | key |", "|---|---|---|---|"]
    for info in Catalog.builtin().providers():
        if info.name in ("local", "demo"):
            key, protocol = "none: in this program", ""
        else:
            key = f"`{info.env[0]}`" if info.needs_key and info.env else f"none: `{info.base_url}`"
            protocol = f"`{info.protocol}`"
        rows.append(f"| {info.title} | `{info.name}` | {protocol} | {key} |")
    yield f"{before}{begins}\n" + "\n".join(rows) + f"\n{ends}{after}".rstrip("\n")


TABLE_BEGINS = "<!-- providers: made by `make docs` -->"
TABLE_ENDS = "<!-- /providers -->"


# -- man page -----------------------------------------------------------------------------------------------------
def man() -> Iterator[str]:
    """The man page, from the commands' own help."""
    yield f'.\\" {MADE}'
    yield f'.TH ROUTERTERM 1 "" "routerterm {__version__}" "User Commands"'
    yield ".SH NAME\nrouterterm \\- chat client for the terminal with a multi-provider LLM router inside"
    yield ".SH SYNOPSIS\n.B routerterm\n[\\fICOMMAND\\fR [\\fIARGUMENTS\\fR]]"
    yield ".SH DESCRIPTION"
    yield "Without a command it opens the chat: F1 shows every key, F6 adds an API key, F10 or Ctrl+Q leaves."
    yield ".SH COMMANDS"
    with click.Context(root, info_name="routerterm") as context:
        for name in sorted(COMMANDS):
            command = import_module(f"routerterm.cli.{name.replace('-', '_')}_command").command
            yield from _man(command, click.Context(command, info_name=name, parent=context), f"routerterm {name}")
    yield ".SH ENVIRONMENT"
    for name, what in ENVIRONMENT.items():
        yield f".TP\n.B {_roff(name)}\n{_roff(what)}"
    yield ".SH FILES\nrouterterm config path, routerterm config path data and routerterm config path state print them."
    yield ".SH EXIT STATUS"
    for code, what in _EXITS.items():
        yield f".TP\n.B {code}\n{what}"


_EXITS = {
    0: "Good.",
    1: "The request failed, or something wants to be done.",
    2: "It was wrongly asked, or the settings are wrong.",
    3: "Budget or guard refused it.",
    4: "There is no key or model.",
    130: "Interrupted.",
}


def _man(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_roff(name)} {_roff(usage)}"
    for paragraph in cleandoc(command.help or "").split("\n\n"):  # Python 3.13 has done that, older ones have not
        lines = paragraph.replace("\b\n", "\b").strip().splitlines()
        if lines and lines[0].startswith("\b"):
            yield ".nf"
            yield from (_roff(line.lstrip("\b")) for line in lines)
            yield ".fi"
        elif lines:
            yield f".PP\n{_roff(' '.join(line.strip() for line in lines))}"
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record:
            yield f".TP\n.B {_roff(record[0])}\n{_roff(record[1])}"
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            inner = command.get_command(context, sub)
            assert inner is not None
            yield from _man(inner, click.Context(inner, info_name=sub, parent=context), f"{name} {sub}")


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


# -- what the catalogue reads ---------------------------------------------------------------------------------
def provider_rows() -> Iterator[str]:
    """`providers.toml` as JSON, a provider a line."""
    rows = tomllib.loads((ROOT / DATA / "providers.toml").read_text(encoding="utf-8"))
    yield "{"
    yield ",\n".join(f"{json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in rows.items())
    yield "}"


DATA = "src/routerterm/catalog/data"
PAGES = {
    f"{DATA}/providers.json": provider_rows,  # first: the table of providers is made from it
    "docs/settings.md": settings,
    "docs/keys.md": keys,
    "docs/routerterm.1": man,
    "docs/providers.md": providers,
}


def main() -> int:
    """Write the pages, or with --check say which are not current; 1 if any is not."""
    stale = []
    for name, make in PAGES.items():
        path, text = ROOT / name, "\n".join(make()) + "\n"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if "--check" in sys.argv[1:] and stale:
        print(f"not current: {', '.join(stale)}; run `make docs`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
