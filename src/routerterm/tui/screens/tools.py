"""The tools: servers with their state, what each tool costs in every request, and which are on in this conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Protocol

from msgspec.structs import replace
from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Static

from routerterm.core.counting import counted
from routerterm.core.errors import RoutertermError
from routerterm.core.sanitise import one_line
from routerterm.tui.dialogs.table_box import TableBox
from routerterm.tui.widgets.fields import FieldLine, Span, Tone
from routerterm.tui.widgets.keybar import foot
from routerterm.tui.widgets.rows import Column, Row, RowList

if TYPE_CHECKING:
    from routerterm.core.request import Params
    from routerterm.engine.tools.toolbox import ServerView, Toolbox
    from routerterm.engine.tools.values import ToolInfo
    from routerterm.tui.app_context import AppContext
    from routerterm.wiring import Services

COLUMNS = (
    Column("", 0),
    Column("tool", 0, most=34),
    Column("permission", 1),
    Column("tokens", 2, right=True),
    Column("what it does", 3, grow=True),
)
PERMISSIONS = {"allow": "allowed", "ask": "asks first", "deny": "denied"}
_FOOT_ACTIONS = {
    "Space": "screen.switch",
    "t": "screen.toggle_all",
    "+": "screen.accept",
    "Esc": "screen.dismiss(None)",
}


class Switches(Protocol):
    """The conversation whose tools are switched."""

    @property
    def params(self) -> Params:
        """What it says of tools."""
        ...

    async def set(self, **fields: object) -> None:
        """Change that."""
        ...


class ToolsScreen(TableBox):
    """A server a heading, below it its tools."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "Switch the tool or server on or off here", priority=True),
        Binding("t", "toggle_all", "Switch tools on or off in this conversation"),
        Binding("plus", "accept", "Accept what has changed"),
    ]
    DEFAULT_CSS = """
    ToolsScreen > Box { width: 94%; max-width: 120; height: auto; max-height: 86%; }
    ToolsScreen RowList { height: auto; max-height: 30; }
    """

    def __init__(self, app: AppContext, switches: Switches, services: Services) -> None:
        super().__init__(app, "Tools", COLUMNS)
        self._switches = switches
        self._services = services

    def on_mount(self) -> None:
        """Show what is known, and ask the servers for the rest."""
        self.query_one(RowList).focus()
        self._show()
        self.run_worker(self._learn(), exit_on_error=False)

    @on(RowList.Chosen)
    async def action_switch(self) -> None:
        """Switch the row's tool, or its server, on or off in this conversation."""
        row = self.query_one(RowList).current
        if row is None:
            return
        from routerterm.engine.tools.values import is_on, switched

        params = self._switches.params
        tool = next((tool for tool in self._known() if tool.shown == row.id), None)
        on = is_on(tool, params) if tool is not None else row.id not in params.tools_off
        await self._switches.set(params=switched(params, row.id, on=not on))
        self._show()

    async def action_toggle_all(self) -> None:
        """Switch tools as a whole on or off in this conversation."""
        await self._switches.set(params=replace(self._switches.params, tools=not self._on, tools_only=()))
        self._show()

    def action_accept(self) -> None:
        """Accept the server of the row as it is now."""
        row = self.query_one(RowList).current
        if row is not None and (server := row.id.partition(".")[0]) in self._box.names:
            self.run_worker(self._accept(server), exit_on_error=False)

    @property
    def _box(self) -> Toolbox:
        return self._services.tools()

    @property
    def _on(self) -> bool:
        from routerterm.wiring.services import tools_on

        return tools_on(self._services.settings, self._switches.params)

    async def _learn(self) -> None:
        async def one(name: str) -> None:
            with suppress(RoutertermError):  # its row says why
                await self._box.learn(name)
            if self.is_running:
                self._show()

        await asyncio.gather(*map(one, self._box.names))

    async def _accept(self, server: str) -> None:
        try:
            await self._box.accept(server)
        except RoutertermError as error:
            self._of.show_error(error)
        self._show()

    def _show(self) -> None:
        listed = self.query_one(RowList)
        at = listed.current.id if listed.current is not None else None
        params = self._switches.params
        glyphs = self._of.active_theme.glyphs
        rows = [*self._tool_rows(params, glyphs.on, glyphs.off)]
        listed.show(rows, on=at)
        self.query_one("#state", Static).update(self._words(params))
        accept = " · + Accept the change" if self._changed() else ""
        hint = f"Space On/off · t All{accept} · Esc Close"
        self.query_one("#foot", FieldLine).fields = foot(hint, _FOOT_ACTIONS, self.app.active_theme.keys)

    def _words(self, params: Params) -> str:
        offered = [tool for tool in self._known() if _offered(tool, params)]
        state = "on" if self._on else "off"
        tokens = sum(map(_tokens, offered))
        said = f"Tools are {state} in this conversation: {len(offered)} of them, ~{tokens:,} tokens in each request."
        if not self._box.names:
            said += "\nNo MCP server yet. Add one: routerterm mcp add NAME -- PROGRAM"
        return said

    def _known(self) -> list[ToolInfo]:
        return [*self._box.built_in(), *(tool for view in self._box.views() for tool in view.tools)]

    def _changed(self) -> bool:
        """Whether a server or a tool is not what the person has accepted."""
        return not (all(tool.accepted for tool in self._known()) and all(view.accepted for view in self._box.views()))

    def _tool_rows(self, params: Params, on_sign: str, off_sign: str) -> Iterator[Row]:
        for tool in self._box.built_in():
            yield _tool_row(tool, params, on_sign, off_sign)
        for view in self._box.views():
            yield _server_row(view, params, on_sign, off_sign)
            for tool in view.tools:
                yield _tool_row(tool, params, on_sign, off_sign, indent="  ")


def _offered(tool: ToolInfo, params: Params) -> bool:
    from routerterm.engine.tools.values import is_on

    return tool.accepted and tool.permission != "deny" and is_on(tool, params)


def _tokens(tool: ToolInfo) -> int:
    """What the tool takes in each request, estimated: four bytes to a token."""
    from routerterm.protocols.json_utils import dumps

    return -(-len(dumps([tool.name, tool.description, tool.schema])) // 4)


def _server_row(view: ServerView, params: Params, on_sign: str, off_sign: str) -> Row:
    sign = off_sign if view.name in params.tools_off or view.state == "failed" else on_sign
    said = one_line(view.way)
    tone: Tone = "dim"
    state = {
        "off": "not started",
        "starting": "starting…",
        "ready": counted(len(view.tools), "tool"),
        "failed": "failed",
    }
    if view.trouble:
        said, tone = one_line(view.trouble), "error"
    elif not view.accepted:
        said, tone = "Its command or address has changed. Look at it in config.toml; + accepts it.", "warning"
    words: tuple[Span, ...] = (Span(said, tone),)
    return Row(view.name, ((Span(sign),), (Span(view.name, "bright"),), state[view.state], "", words))


def _tool_row(tool: ToolInfo, params: Params, on_sign: str, off_sign: str, indent: str = "") -> Row:
    sign = on_sign if _offered(tool, params) else off_sign
    said = one_line(tool.description)
    tone: Tone = "text"
    if not tool.accepted:
        said, tone = f"changed, + accepts it: {said}", "warning"
    name, may = f"{indent}{one_line(tool.own_name)}", PERMISSIONS[tool.permission]
    return Row(tool.shown, ((Span(sign),), name, may, f"~{_tokens(tool)}", (Span(said, tone),)))
