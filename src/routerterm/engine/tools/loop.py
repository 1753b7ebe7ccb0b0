"""One answer with tools: ask, carry out the calls, ask again with their results, until there is an answer in words.

Every step is a request of its own to the router, so each is decided, reserved and entered in the ledger before it is
sent; it takes every call and result so far along, in a form that whichever provider answers next accepts.  A call
that is finished is on disk before the next step leaves, and is never made again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from routerterm.core.errors import GuardBlocked, NoCandidate, RoutertermError
from routerterm.core.events import (
    Event,
    Failed,
    StepEnded,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
)
from routerterm.core.ledger import ONE_ANSWER, Cap
from routerterm.core.messages import Message, ToolCall, ToolResult
from routerterm.core.request import ChatRequest, Tool
from routerterm.core.targets import Target
from routerterm.engine.chat.router_port import ChatRouter
from routerterm.engine.tools.connection import Fill
from routerterm.engine.tools.search import found_tools, is_searched, meta_tools
from routerterm.engine.tools.step import Heard, Sums
from routerterm.engine.tools.values import Answer, Ask, CallResult, Form, ToolInfo
from routerterm.protocols.json_utils import scrub
from routerterm.protocols.mcp import McpForm

Approve: TypeAlias = Callable[[Ask], Awaitable[Answer]]
"""Asks the person about a call.  Without anybody to ask it says no."""
FillIn: TypeAlias = Callable[[Form], Awaitable[Mapping[str, Any] | None]]
"""Lets the person fill in a form of a server: the values, or None where they say no."""
REPEATS = 3
"""The same call for this many times in one answer is asked about, whatever the rules say."""
OUT_OF_STEPS = "This call was not run: the limit of steps of one answer is reached (`steps` of [tools])."
MOST_CALLS = 32
"""Calls of one step that are run: without a limit one answer could call an allowed tool thousands of times."""
TOO_MANY = f"This call was not run: one step runs at most {MOST_CALLS} calls."
DECLINED = "The user declined this call."


class Limits(Struct, frozen=True):
    """What one answer may take."""

    steps: int = 8
    usd_nano: int | None = None


class Caller(Protocol):
    """Carries calls out; `routerterm.engine.tools.toolbox.Toolbox` is one."""

    async def call(self, tool: ToolInfo, arguments: Mapping[str, Any], fill: Fill | None = None) -> CallResult:
        """Carry a call out, once, and let forms be filled in meanwhile; a failure is a result that says so."""
        ...


class Screen(Protocol):
    """Holds what goes to a tool, and what comes from one, against the guard's rules."""

    def arguments(self, call: ToolCall, *, local: bool) -> str:
        """The arguments as they may leave.  Raises `GuardBlocked`."""
        ...

    def result(self, result: ToolResult) -> None:
        """Raises `GuardBlocked` where it may not go to a model."""
        ...


class ToolLoop:
    """The tools of one answer."""

    def __init__(
        self,
        tools: Sequence[ToolInfo],
        caller: Caller,
        approve: Approve,
        screen: Screen,
        limits: Limits,
        allowed: set[str],
        fill: FillIn | None = None,
    ) -> None:
        """``allowed`` are the tools that the person has allowed for this conversation; it grows here.

        ``fill`` None: there is nobody to fill in a form.
        """
        self._fill = fill
        self._tools = {tool.name: tool for tool in tools}
        self._searched = is_searched(tools)
        self._caller = caller
        self._approve = approve
        self._screen = screen
        self._limits = limits
        self._allowed = allowed
        self._ids: dict[str, int] = {}
        """The step in which each id of a call was first seen."""
        self._seen: Counter[tuple[str, str]] = Counter()

    @property
    def offered(self) -> tuple[Tool, ...]:
        """What the model is told of them."""
        return offered(tuple(self._tools.values()))

    async def events(
        self, router: ChatRouter, request: ChatRequest, keep: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Event]:
        """The events of all steps, ended by one `Finished` or `Failed` with the sums of all.

        The request's own tools are the business of whoever asks: a step that calls one is the last, and no other call
        of it is run.  ``keep`` writes what there is so far to disk; what it has written survives a power cut.
        """
        sums, history, names = Sums(), request.messages, ""
        step, broken = 1, None
        while True:
            heard = Heard()
            async with aclosing(
                router.stream(self._asked(replace(request, messages=history), step, sums, names))
            ) as all_:
                async for event in all_:
                    if (shown := heard.take(self._unique(event, step))) is not None:
                        yield shown
            if heard.end is None:
                return
            sums.add(heard.end)
            if isinstance(heard.end, Failed):
                if broken is None and heard.broken_by is not None:
                    # No model can take up another's half call, and none of it has run: the step is asked once more.
                    broken, request = heard.end, _without(request, heard.broken_by)
                    yield StepEnded(step, kept=False)
                    continue
                yield sums.failed(_first_cause(heard.end, broken))
                return
            theirs = {tool.name for tool in request.tools}
            if not heard.calls or any(call.name in theirs for call in heard.calls):
                yield sums.finished(heard.end)
                return
            yield StepEnded(step)
            await keep()
            results: list[ToolResult] = []
            async with aclosing(self._carry_out(heard.calls, step, results, keep)) as ran:
                async for told in ran:
                    yield told
            if step >= self._limits.steps:
                yield sums.finished(heard.end)
                return
            history = (*history, Message("assistant", heard.said.parts()), Message("tool", tuple(results)))
            names = ",".join(dict.fromkeys(self._shown(call) for call in heard.calls))
            step, broken = step + 1, None

    async def _carry_out(
        self, calls: Sequence[ToolCall], step: int, results: list[ToolResult], keep: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[ToolStarted | ToolFinished]:
        """Run the calls of a step, one after the other, and put what came of each into ``results``."""
        if step >= self._limits.steps:  # it was told to answer in words, and calls all the same
            for call in calls:
                yield ToolFinished(ToolResult(call.id, OUT_OF_STEPS, self._shown(call), is_error=True))
            return
        for number, call in enumerate(calls):
            yield ToolStarted(call.id, self._shown(call), call.arguments)
            if number < MOST_CALLS:
                result = await self._result(call)
            else:
                result = ToolResult(call.id, TOO_MANY, self._shown(call), is_error=True)
            results.append(result)
            yield ToolFinished(result)
            await keep()

    def first(self, request: ChatRequest) -> ChatRequest:
        """What the first step asks."""
        return self._asked(request, 1, Sums())

    def _asked(self, request: ChatRequest, step: int, sums: Sums, names: str = "") -> ChatRequest:
        """What a step asks; ``names`` are the tools whose results it takes along."""
        choice = request.tool_choice if step == 1 or request.tool_choice == "none" else None
        return replace(
            request,
            tools=(*request.tools, *self.offered),
            step=step,
            tool=names or None,
            tool_choice="none" if step >= self._limits.steps else choice,
            continues=request.continues and step == 1,
            caps=(*request.caps, *self._caps(sums)),
        )

    def _unique(self, event: Event, step: int) -> Event:
        """A piece of a call gets an id that no earlier step has used: some providers count from 0 each time."""
        if not isinstance(event, ToolCallDelta) or not event.id or self._ids.setdefault(event.id, step) == step:
            return event
        return replace(event, id=f"{event.id}-{step}")

    def _caps(self, sums: Sums) -> tuple[Cap, ...]:
        """What this answer may still cost."""
        most = self._limits.usd_nano
        return () if most is None else (Cap("request", "usd", max(0, most - sums.spent), value=ONE_ANSWER),)

    async def _result(self, call: ToolCall) -> ToolResult:
        """Decide, ask where it must be asked, carry out; whatever happens is a result."""
        took: int | None = None
        try:
            outcome, took = await self._outcome(call)
        except RoutertermError as error:
            outcome = CallResult(error.message, is_error=True)
        result = ToolResult(call.id, outcome.text, self._shown(call), outcome.is_error)
        try:
            await asyncio.to_thread(self._screen.result, result)
        except GuardBlocked as error:
            result = replace(result, text=f"The result is withheld. {error.message}", is_error=True)
        return replace(result, duration_ms=took)

    async def _outcome(self, call: ToolCall) -> tuple[CallResult, int | None]:
        """The result, and where the tool ran how long that took: milliseconds, without the wait for the person."""
        if self._searched and call.name == "find_tools":
            return CallResult(found_tools(self._tools.values(), _object(call.arguments).get("query"))), None
        tool, arguments = self._meant(call)
        if tool is None:
            return CallResult(f"There is no tool {call.name!r}.", is_error=True), None
        text = json.dumps(arguments, ensure_ascii=False, sort_keys=True)
        self._seen[tool.name, text] += 1
        reason = reason_to_ask(tool, self._seen[tool.name, text], self._allowed)
        if reason is not None:
            answer = await self._approve(Ask(call.id, tool, text, reason))
            if answer.verdict == "no":
                return CallResult(DECLINED, is_error=True), None
            if answer.verdict in ("conversation", "always"):
                self._allowed.add(_allowed_as(tool))
            arguments = _object(answer.arguments) if answer.arguments is not None else arguments
        sent = ToolCall(call.id, tool.name, json.dumps(arguments, ensure_ascii=False))
        allowed = await asyncio.to_thread(lambda: self._screen.arguments(sent, local=tool.local))
        begun = time.monotonic()
        outcome = await self._caller.call(tool, _object(allowed), self._form_filler(tool))
        return outcome, round((time.monotonic() - begun) * 1000)

    def _form_filler(self, tool: ToolInfo) -> Fill | None:
        """Asks the person, and lets leave what the guard lets leave.  Raises `GuardBlocked`."""
        if (ask := self._fill) is None:
            return None

        async def fill(form: McpForm) -> Mapping[str, Any] | None:
            content = await ask(Form(tool, form))
            if content is None:
                return None
            written = ToolCall("", tool.name, json.dumps(content, ensure_ascii=False))
            return _object(await asyncio.to_thread(lambda: self._screen.arguments(written, local=tool.local)))

        return fill

    def _meant(self, call: ToolCall) -> tuple[ToolInfo | None, dict[str, Any]]:
        """The tool that is called, also by way of `call_tool`, and its arguments.  Raises `RoutertermError`."""
        arguments = _object(call.arguments)
        if self._searched and call.name == "call_tool":
            inner = arguments.get("arguments", {})
            return self._tools.get(str(arguments.get("name", ""))), inner if isinstance(inner, dict) else {}
        return self._tools.get(call.name), arguments

    def _shown(self, call: ToolCall) -> str:
        """What a person calls the tool."""
        try:
            tool, _ = self._meant(call)
        except RoutertermError:
            tool = self._tools.get(call.name)
        return tool.shown if tool is not None else call.name


def offered(tools: Sequence[ToolInfo]) -> tuple[Tool, ...]:
    """What a model is told of these tools: all, or where they are many a search in their place."""
    infos = meta_tools(tools) if is_searched(tools) else tools
    return tuple(Tool(info.name, info.description, info.schema) for info in infos)


def reason_to_ask(tool: ToolInfo, repeats: int, allowed_here: Collection[str]) -> str | None:
    """Why a person must decide on a call; None where it may run.  ``repeats`` counts this call, itself included."""
    if repeats >= REPEATS:
        return f"called {repeats} times with the same arguments"
    return None if tool.permission == "allow" or _allowed_as(tool) in allowed_here else ""


def _allowed_as(tool: ToolInfo) -> str:
    """What an allowance for a conversation is kept under: the tool as it was described then."""
    return f"{tool.shown} {tool.fingerprint}"


def _first_cause(failed: Failed, before: Failed | None) -> Failed:
    """Where there was nobody else to ask, what went wrong first is what is wrong."""
    return before if before is not None and isinstance(failed.error, NoCandidate) else failed


def _without(request: ChatRequest, target: Target) -> ChatRequest:
    """The request, past a model that failed."""
    controls = request.controls
    return replace(request, controls=replace(controls, ignore=(*controls.ignore, str(target))))


def _object(arguments: str) -> dict[str, Any]:
    """The arguments of a call.  Raises `RoutertermError` where they are none."""
    if not arguments.strip():
        return {}
    try:
        value = json.loads(arguments)
        plain = json.dumps(value, ensure_ascii=False, allow_nan=False)  # refuses NaN, and 1e999
        value = value if (sound := scrub(plain)) == plain else json.loads(sound)
    except (ValueError, RecursionError):
        raise RoutertermError("The arguments are not valid JSON.") from None
    if not isinstance(value, dict):
        raise RoutertermError("The arguments are not a JSON object.")
    return value
