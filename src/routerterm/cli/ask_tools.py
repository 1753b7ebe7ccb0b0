"""The tools of `routerterm ask`: which are offered, and who approves their calls."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from routerterm.cli.output import is_terminal, print_line
from routerterm.core.sanitise import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from routerterm.core.request import Params
    from routerterm.engine.tools.loop import ToolLoop
    from routerterm.engine.tools.values import Answer, Ask, Form, Verdict
    from routerterm.store.values import Conversation
    from routerterm.wiring import Services
    from routerterm.wiring.tools import TurnTools

Policy: TypeAlias = Literal["read-only", "all", "none"]
NOT_APPROVED = 5
"""The exit code where a call was not run because no one approved it."""


class ToolOptions(Struct, frozen=True):
    """What was said of tools on the command line."""

    names: tuple[str, ...] = ()
    """Globs of the tools or servers that are offered."""
    which: Literal["all", "none"] | None = None
    approve: Policy | None = None


class Approval:
    """Decides on calls by the policy; without one, the person at the terminal does."""

    def __init__(self, policy: Policy | None, services: Services) -> None:
        self._policy = policy
        self._services = services
        self.refused = False
        """Whether a call was not run because it needed an answer and there was none."""

    async def __call__(self, ask: Ask) -> Answer:
        """See `routerterm.engine.tools.loop.Approve`."""
        from routerterm.engine.tools.values import Answer

        if self._policy == "all" or (self._policy == "read-only" and ask.tool.is_read_only):
            return Answer("once")
        if self._policy is None and sys.stdin is not None and sys.stdin.isatty() and is_terminal(err=True):
            verdict = await asyncio.to_thread(self._asked, ask)
            if verdict == "always":
                from routerterm.wiring.tools import allow_always

                await allow_always(self._services, ask.tool)
            return Answer(verdict)
        self.refused = True
        print_line(f"{one_line(ask.tool.shown)} was not run: no one approved it.", err=True)
        if self._policy == "read-only" and ask.tool.read_only:
            server = one_line(ask.tool.server)
            print_line(
                f"Its server says that it is read-only; trusted = true under [mcp.{server}] believes it.", err=True
            )
        return Answer("no")

    async def fill(self, form: Form) -> Mapping[str, Any] | None:
        """See `routerterm.engine.tools.loop.FillIn`."""
        if sys.stdin is not None and sys.stdin.isatty() and is_terminal(err=True):
            return await asyncio.to_thread(_filled_in, form)
        return None

    def _asked(self, ask: Ask) -> Verdict:
        reason = f" ({ask.reason})" if ask.reason else ""
        print_line(f"Run {one_line(ask.tool.shown)} {one_line(ask.arguments)}{reason}?", err=True)
        _forget_typed()
        print_line("y once, a for this conversation, s always, n no: ", err=True, end="")
        verdicts: dict[str, Verdict] = {"y": "once", "a": "conversation", "s": "always"}
        return verdicts.get(sys.stdin.readline().strip().lower()[:1], "no")


def _filled_in(form: Form) -> Mapping[str, Any] | None:
    """The values, asked for line by line; None where the person leaves."""
    from routerterm.protocols.mcp import McpInvalid

    server, wanted = one_line(form.tool.server), form.form
    print_line(f"{server} asks: {one_line(wanted.message)}", err=True)
    print_line(
        f"What you write goes to {server}. Never write a password or a key. Fill it in? y or n: ", err=True, end=""
    )
    _forget_typed()
    if sys.stdin.readline().strip().lower()[:1] != "y":
        return None
    written: dict[str, str] = {}
    for field in wanted.fields:
        while True:
            default = f" [{one_line(field.default)}]" if field.default else ""
            print_line(f"{one_line(field.words)}{default}: ", err=True, end="")
            if not (line := sys.stdin.readline()):
                return None
            said = line.rstrip("\n") or field.default
            try:
                replace(wanted, fields=(field,)).content({field.name: said})
            except McpInvalid as error:
                print_line(one_line(error.message), err=True)
                continue
            written[field.name] = said
            break
    return wanted.content(written)


def _forget_typed() -> None:
    """What was typed before the question was shown is no answer to it."""
    if sys.platform != "win32":
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


class AskTools:
    """A `ToolSource` for one question."""

    def __init__(self, services: Services, options: ToolOptions, most: Decimal | None) -> None:
        self._services = services
        self._options = options
        self._most = most
        self.approval = Approval(options.approve, services)

    async def loop(self, conversation: Conversation, model: str, params: Params) -> ToolLoop | None:
        """See `ToolSource.loop`.  Raises `RoutertermError` where a tool that was named does not exist."""
        from routerterm.wiring.services import tools_on

        options = self._options
        if options.which == "none":
            return None
        if options.which is None and not options.names and not tools_on(self._services.settings, params):
            return None
        return await self._source().loop(conversation, model, params)

    def _source(self) -> TurnTools:
        from routerterm.wiring.tools import TurnTools

        only = self._options.names or (("*",) if self._options.which == "all" else ())
        return TurnTools(self._services, self.approval, only, self._most, self.approval.fill)
