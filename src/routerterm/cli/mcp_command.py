"""`routerterm mcp`: MCP servers, whose tools models may call."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_json, print_line, write
from routerterm.core.errors import RoutertermError, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from routerterm.engine.tools.toolbox import Toolbox
    from routerterm.engine.tools.values import ToolInfo


@click.group("mcp")
def command() -> None:
    """Add, list, test and call the tools of MCP servers.

    \b
      routerterm mcp add files -- uvx mcp-server-files ~/notes
      routerterm mcp add wiki --url https://example.org/mcp
      routerterm mcp list
      routerterm mcp run files list_directory path=.
    """


@command.command("add", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
@click.option("--url", metavar="URL", help="The address of a server that is reached over HTTP.")
@click.option("--env", "variables", metavar="NAME=REF", multiple=True, help="A variable for the program.")
@click.option("--header", "headers", metavar="NAME=REF", multiple=True, help="A header for the address.")
@click.option(
    "--local", is_flag=True, help="It sends nothing out of your network: use it in private conversations too."
)
@click.option("--trust", "trusted", is_flag=True, help="Call tools that it says are read-only without asking.")
def add(
    name: str,
    program: tuple[str, ...],
    url: str | None,
    variables: tuple[str, ...],
    headers: tuple[str, ...],
    local: bool,
    trusted: bool,
) -> None:
    """Write the server NAME into config.toml: a PROGRAM with its arguments, or --url.

    REF is env:VARIABLE or cmd:COMMAND for a secret, text:VALUE for anything else.
    """
    if bool(program) == bool(url):
        raise click.UsageError("Give a program (after --) or --url.")
    from routerterm.config.paths import Paths

    entry: dict[str, Any] = {"url": url} if url else {"command": list(program)}
    pairs = {"env": _pairs(variables), "headers": _pairs(headers)}
    entry |= {key: value for key, value in pairs.items() if value}
    entry |= {key: True for key, given in (("local", local), ("trusted", trusted)) if given}
    _write(Paths.find(), {name: entry})
    print_line(f"{name} is added. Try it: routerterm mcp test {shlex.quote(name)}")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for other programs.")
def list_servers(as_json: bool) -> None:
    """List the servers of config.toml, without starting any."""
    asyncio.run(_list(as_json))


async def _list(as_json: bool) -> None:
    from routerterm.core.sanitise import one_line

    async with _opened() as box:
        views = box.views()
        for view in views:
            enabled = box.settings.mcp[view.name].enabled
            if as_json:
                print_json({"name": view.name, "way": view.way, "enabled": enabled, "local": view.local})
            else:
                marks = ["off"] * (not enabled) + ["local"] * view.local + ["changed"] * (not view.accepted)
                print_line(f"{view.name}  {one_line(view.way)}" + (f"  ({', '.join(marks)})" if marks else ""))
        if not views and not as_json:
            print_line("There is no MCP server yet. Add one with: routerterm mcp add", err=True)


@command.command("test")
@click.argument("name")
@click.option("--accept", is_flag=True, help="Accept the command and the descriptions of the tools as they are now.")
def test(name: str, accept: bool) -> None:
    """Start the server NAME and show its tools."""
    asyncio.run(_test(name, accept))


async def _test(name: str, accept: bool) -> None:
    from routerterm.core.sanitise import one_line

    async with _opened() as box:
        _known(box, name)
        tools = await (box.accept(name) if accept else box.learn(name))
        facts = box.facts(name)
        if facts is not None:
            print_line(f"{one_line(f'{facts.name or name} {facts.release}')} speaks MCP {facts.version}.", err=True)
        for tool in tools:
            changed = "" if tool.accepted else "  CHANGED: not offered until you accept it (--accept)"
            print_line(f"{one_line(tool.own_name)}  [{_may(tool)}]  {one_line(tool.description)[:200]}{changed}")
        if not tools:
            print_line("It offers no tools.", err=True)


@command.command("run")
@click.argument("name")
@click.argument("tool")
@click.argument("arguments", nargs=-1)
def run(name: str, tool: str, arguments: tuple[str, ...]) -> None:
    """Call TOOL of the server NAME, without a model.

    ARGUMENTS are NAME=VALUE (a VALUE that is JSON is taken as such), or one JSON object.  Exits with 1 if the tool
    failed.
    """
    sys.exit(asyncio.run(_run(name, tool, _arguments(arguments))))


async def _run(name: str, tool: str, arguments: Mapping[str, Any]) -> int:
    from routerterm.core.nearest import did_you_mean
    from routerterm.core.sanitise import sanitise

    async with _opened() as box:
        _known(box, name)
        tools = {each.own_name: each for each in await box.learn(name)}
        if tool not in tools:
            raise RoutertermError(f"{name} has no tool {tool!r}.", did_you_mean(tool, tools))
        if not tools[tool].accepted:
            hint = f"Look at it and accept it: routerterm mcp test {name} --accept"
            raise RoutertermError(f"The description of {tool} has changed since you accepted it.", hint)
        result = await box.call(tools[tool], arguments)
    text = sanitise(result.text)
    write(text if text.endswith("\n") or not text else text + "\n")
    return int(result.is_error)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
def import_servers(file: Path, dry_run: bool) -> None:
    """Read the servers of FILE, the JSON that other clients use (`mcpServers`), into config.toml.

    Values that look like secrets are not copied: each becomes env:NAME, and you are told which variables to set.
    """
    from routerterm.config.paths import Paths
    from routerterm.engine.tools.import_servers import imported

    paths = Paths.find()
    try:
        body = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise RoutertermError(f"{file} is not a JSON file.", "It is the file that holds `mcpServers`.") from None
    found = imported(body)
    for name, why in found.left_out:
        print_line(f"{name}: left out, {why}", err=True)
    for name in found.entries:
        print_line(f"{name}: {'would be ' if dry_run else ''}added")
    if found.entries and not dry_run:
        _write(paths, found.entries)
    for variable in found.variables:
        print_line(f"Set the variable {variable}: its value was not copied.", err=True)


@asynccontextmanager
async def _opened() -> AsyncIterator[Toolbox]:
    """The tools, without the history: nothing of it is needed here."""
    from routerterm.wiring.tools import open_toolbox

    box = await open_toolbox()
    try:
        yield box
    finally:
        await box.aclose()


def _known(box: Toolbox, name: str) -> None:
    if name not in box.names:
        there = name in box.settings.mcp
        message = f"{name} is switched off (enabled = false)." if there else f"There is no MCP server {name!r}."
        raise RoutertermError(message, "" if there else "routerterm mcp list shows those of config.toml.")


def _write(paths: Any, entries: Mapping[str, Mapping[str, Any]]) -> None:
    from routerterm.config.settings import load_settings
    from routerterm.config.write import set_values

    for name in entries:
        if name in load_settings(paths).mcp:
            raise SettingsError(f"There is already an MCP server {name!r}.", "Take it out of config.toml first.")
    values = {f'mcp."{name}".{key}': value for name, entry in entries.items() for key, value in entry.items()}
    set_values(paths, values)


def _pairs(written: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for pair in written:
        name, equals, reference = pair.partition("=")
        if not equals:
            raise click.UsageError(f"{name} needs a value, as in {name}=env:{name.upper().replace('-', '_')}.")
        pairs[name] = reference
    return pairs


def _arguments(written: tuple[str, ...]) -> dict[str, Any]:
    if len(written) == 1 and written[0].lstrip().startswith("{"):
        try:
            body = json.loads(written[0])
        except (ValueError, RecursionError):
            raise click.UsageError("The arguments are not valid JSON.") from None
        return dict(body)
    found = {}
    for pair in written:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{pair!r} is not NAME=VALUE.")
        try:
            found[name] = json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


def _may(tool: ToolInfo) -> str:
    return {"allow": "allowed", "ask": "asks you", "deny": "denied"}[tool.permission]
