"""Answers that called tools: calls and results among the words of one message, and what models are sent of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from routerterm.core.messages import Message, Part, Text, ToolCall, ToolResult

NOT_FINISHED = "This call was not finished: its result never came. It may have taken effect or not."
"""What a model is told of a call that was cut off: it is never made again by itself."""


def split_steps(message: Message) -> tuple[Message, ...]:
    """The message as providers want it: each run of calls in an answer, with its results behind it."""
    if message.role != "assistant" or not any(isinstance(part, ToolResult) for part in message.parts):
        return (message,)
    steps: list[Message] = []
    run: list[Part] = []
    for part in message.parts:
        if run and isinstance(part, ToolResult) != isinstance(run[-1], ToolResult):
            steps.append(_step(run))
            run = []
        run.append(part)
    return (*steps, _step(run))


def finished_calls(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, with a result for every call that has none: that it was not finished."""
    known = {part.call_id for part in parts if isinstance(part, ToolResult)}
    found: list[Part] = []
    waiting: list[ToolCall] = []
    for part in parts:
        if waiting and not isinstance(part, ToolCall | ToolResult):
            found += _unfinished(waiting)
            waiting = []
        if isinstance(part, ToolCall) and part.id not in known:
            waiting.append(part)
        found.append(part)
    return (*found, *_unfinished(waiting))


def cut_last_words(parts: Sequence[Part]) -> tuple[tuple[Part, ...], str]:
    """The parts up to the last result, and the words that were begun after it."""
    last = max((n for n, part in enumerate(parts) if isinstance(part, ToolResult)), default=-1)
    words = "".join(part.text for part in parts[last + 1 :] if isinstance(part, Text))
    return tuple(parts[: last + 1]), words


def _unfinished(calls: Iterable[ToolCall]) -> list[Part]:
    return [ToolResult(call.id, NOT_FINISHED, call.name, is_error=True) for call in calls]


def _step(run: Sequence[Part]) -> Message:
    return Message("tool" if isinstance(run[-1], ToolResult) else "assistant", tuple(run))
