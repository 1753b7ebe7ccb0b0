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

from routerterm.core.errors import GuardBlocked, NoCandidate, OverBudget, ProviderError, RoutertermError
from routerterm.core.events import (
    AttemptStarted,
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Recovered,
    StepEnded,
    TextDelta,
    Timing,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
)
from routerterm.core.ledger import Cap
from routerterm.core.messages import Message, ToolCall, ToolResult
from routerterm.core.money import Cost, to_nano
from routerterm.core.reply import ReplyBuilder
from routerterm.core.request import ChatRequest, Tool
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.engine.chat.router_port import ChatRouter
from routerterm.engine.tools.search import SEARCH_ABOVE, found_tools, meta_tools
from routerterm.engine.tools.values import Answer, Ask, CallResult, ToolInfo
from routerterm.protocols.json_utils import scrub
from routerterm.router.accounting.rows import total_cost, total_usage

Approve: TypeAlias = Callable[[Ask], Awaitable[Answer]]
"""Asks the person about a call.  Without anybody to ask it says no."""
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

    async def call(self, tool: ToolInfo, arguments: Mapping[str, Any]) -> CallResult:
        """Carry a call out, once; a failure is a result that says so."""
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
    ) -> None:
        """``allowed`` are the names that the person has allowed for this conversation; it grows here."""
        self._tools = {tool.name: tool for tool in tools}
        self._searched = len(tools) > SEARCH_ABOVE
        self._caller, self._approve, self._screen = caller, approve, screen
        self._limits, self._allowed = limits, allowed
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

        ``keep`` writes what there is so far to disk; what it has written survives a power cut.
        """
        sums, history, names = _Sums(), request.messages, ""
        step, broken = 1, None
        while True:
            last = step >= self._limits.steps
            asked = self._asked(replace(request, messages=history), step, sums, names)
            said, end, target = ReplyBuilder(), None, None
            async with aclosing(router.stream(asked)) as events:
                async for event in events:
                    if isinstance(event, Finished | Failed):
                        end = event
                        continue
                    if isinstance(event, ToolCallDelta):
                        event = self._unique(event, step)
                    said = _folded(said, event)
                    target = event.target if isinstance(event, AttemptStarted) else target
                    yield event
            if end is None:
                return
            sums.add(end)
            calls = [part for part in said.parts() if isinstance(part, ToolCall)]
            if isinstance(end, Failed):
                if calls and broken is None and isinstance(end.error, ProviderError) and target is not None:
                    # No model can take up another's half call, and none of it has run: the step is asked once more.
                    broken, request = end, _without(request, target)
                    yield StepEnded(step, kept=False)
                    continue
                if broken is not None and isinstance(end.error, NoCandidate):
                    end = broken  # there was nobody else: what went wrong first is what is wrong
                yield sums.failed(self._explained(end, step))
                return
            if not calls:
                yield sums.finished(end)
                return
            yield StepEnded(step)
            await keep()
            if last:  # it was told to answer in words, and calls all the same
                for call in calls:
                    yield ToolFinished(ToolResult(call.id, OUT_OF_STEPS, self._shown(call), is_error=True))
                yield sums.finished(end)
                return
            results: list[ToolResult] = []
            for number, call in enumerate(calls):
                yield ToolStarted(call.id, self._shown(call), call.arguments)
                if number < MOST_CALLS:
                    result = await self._result(call)
                else:
                    result = ToolResult(call.id, TOO_MANY, self._shown(call), is_error=True)
                results.append(result)
                yield ToolFinished(result)
                await keep()
            history = (*history, Message("assistant", said.parts()), Message("tool", tuple(results)))
            names = ",".join(dict.fromkeys(self._shown(call) for call in calls))
            step, broken = step + 1, None

    def first(self, request: ChatRequest) -> ChatRequest:
        """What the first step asks."""
        return self._asked(request, 1, _Sums())

    def _asked(self, request: ChatRequest, step: int, sums: _Sums, names: str = "") -> ChatRequest:
        """What a step asks; ``names`` are the tools whose results it takes along."""
        return replace(
            request,
            tools=self.offered,
            step=step,
            tool=names or None,
            tool_choice="none" if step >= self._limits.steps else None,
            continues=request.continues and step == 1,
            caps=(*request.caps, *self._caps(sums)),
        )

    def _unique(self, delta: ToolCallDelta, step: int) -> ToolCallDelta:
        """The piece of a call, with an id that no earlier step has used: some providers count from 0 each time."""
        if not delta.id or self._ids.setdefault(delta.id, step) == step:
            return delta
        return replace(delta, id=f"{delta.id}-{step}")

    def _caps(self, sums: _Sums) -> tuple[Cap, ...]:
        """What this answer may still cost."""
        most = self._limits.usd_nano
        return () if most is None else (Cap("request", "usd", max(0, most - sums.spent)),)

    def _explained(self, failed: Failed, step: int) -> Failed:
        """A cap that stops the loop in its middle is named as what it is."""
        if step == 1 or not isinstance(failed.error, OverBudget):
            return failed
        hint = f"{failed.error.hint} One answer with tools may cost at most `usd` of [tools]."
        return replace(failed, error=OverBudget(failed.error.message, hint))

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
                self._allowed.add(tool.name)
            arguments = _object(answer.arguments) if answer.arguments is not None else arguments
        sent = ToolCall(call.id, tool.name, json.dumps(arguments, ensure_ascii=False))
        allowed = await asyncio.to_thread(lambda: self._screen.arguments(sent, local=tool.local))
        begun = time.monotonic()
        outcome = await self._caller.call(tool, _object(allowed))
        return outcome, round((time.monotonic() - begun) * 1000)

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
    infos = meta_tools(tools) if len(tools) > SEARCH_ABOVE else tools
    return tuple(Tool(info.name, info.description, info.schema) for info in infos)


def reason_to_ask(tool: ToolInfo, repeats: int, allowed_here: Collection[str]) -> str | None:
    """Why a person must decide on a call; None where it may run.  ``repeats`` counts this call, itself included."""
    if repeats >= REPEATS:
        return f"called {repeats} times with the same arguments"
    return None if tool.permission == "allow" or tool.name in allowed_here else ""


def _folded(said: ReplyBuilder, event: Event) -> ReplyBuilder:
    """What the step has said, with one more event."""
    if isinstance(event, Recovered) and event.how == "restart":
        return ReplyBuilder()
    if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
        said.add(event)
    return said


def _without(request: ChatRequest, target: Target) -> ChatRequest:
    """The request, past a model that failed."""
    controls = request.controls
    return replace(request, controls=replace(controls, ignore=(*controls.ignore, str(target))))


class _Sums:
    """Usage, cost and attempts of all steps so far."""

    def __init__(self) -> None:
        self._usages: list[Usage] = []
        self._costs: list[Cost] = []
        self._attempts = 0
        self._first_ms: int | None = None
        self._total_ms = 0

    @property
    def spent(self) -> int:
        """Nano-USD, as far as prices are known."""
        return sum(to_nano(cost.usd) for cost in self._costs if cost.usd is not None)

    def add(self, end: Finished | Failed) -> None:
        """One step more."""
        if end.attempts:
            self._usages.append(end.usage)
            self._costs.append(end.cost)
        self._attempts += end.attempts
        if isinstance(end, Finished):
            self._first_ms = end.timing.ttft_ms if self._first_ms is None else self._first_ms
            self._total_ms += end.timing.total_ms

    def finished(self, end: Finished) -> Finished:
        """The last step's end, with the sums of all."""
        sums = {"usage": total_usage(self._usages), "cost": total_cost(self._costs), "attempts": self._attempts}
        return replace(end, **sums, timing=Timing(self._first_ms, self._total_ms))

    def failed(self, end: Failed) -> Failed:
        """The same of one that failed."""
        usage = total_usage(self._usages) if self._usages else Usage()
        return replace(end, usage=usage, cost=total_cost(self._costs), attempts=self._attempts)


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
