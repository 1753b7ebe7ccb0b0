"""The recorded provider traffic: where it is, how it is read, what the official SDKs made of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from routerterm.core.events import (
    PlanDelta,
    RefusalDelta,
    SourcesDelta,
    StreamEnd,
    StreamError,
    UsageReported,
    WireEvent,
)
from routerterm.core.messages import Reasoning, ToolCall
from routerterm.core.reply import ReplyBuilder
from routerterm.core.usage import Usage
from tests.conftest import CORPUS

WIRES = ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "mistral", "ollama-chat", "cohere-v2")


@dataclass(frozen=True)
class Recording:
    """One exchange."""

    name: str
    wire: str
    provider: str
    kind: str
    streaming: bool
    status: int
    headers: dict[str, str]
    body: bytes
    expected: dict[str, Any]

    def __str__(self) -> str:
        return self.name


def recordings() -> Iterator[Recording]:
    """Every recording of a wire that is ours."""
    for path in sorted((CORPUS / "recordings").glob("*/*.json")) if (CORPUS / "recordings").is_dir() else ():
        data = json.loads(path.read_text("utf-8"))
        if data["wire"] not in WIRES:
            continue
        answer = data["response"]
        raw = answer.get("body_b64")
        body = base64.b64decode(raw) if raw else (answer.get("body_text") or "").encode("utf-8", "surrogatepass")
        yield Recording(
            f"{path.parent.name}/{path.stem}",
            data["wire"],
            data["protocol"],
            data["kind"],
            data["streaming"],
            answer["status"],
            answer["headers"],
            body,
            data["expected"] or {},
        )


@dataclass
class Heard:
    """What our decoder made of an answer."""

    text: str
    reasoning: str
    refusal: str
    plan: str
    calls: list[ToolCall]
    finish: str | None
    raw_finish: str | None
    usage: Usage | None
    failure: str
    """The class and message of a failure; errors themselves do not compare."""
    broke: StreamError | None = field(compare=False)


def hear(events: list[WireEvent]) -> Heard:
    """Fold events the way a reply is built."""
    builder = ReplyBuilder()
    refusal, plan, stopped, usage, broke = "", "", None, None, None
    for event in events:
        match event:
            case RefusalDelta(text):
                refusal += text
            case SourcesDelta():
                pass  # the list below the text is ours, no SDK has it
            case PlanDelta(text):
                plan += text
            case StreamEnd():
                stopped = event
            case UsageReported(usage):
                pass
            case StreamError():
                broke = event
            case _:
                builder.add(event)
    parts = builder.parts()
    return Heard(
        builder.text,
        "".join(part.text for part in parts if isinstance(part, Reasoning)),
        refusal,
        plan,
        [part for part in parts if isinstance(part, ToolCall)],
        stopped.reason if stopped else None,
        stopped.raw if stopped else None,
        usage,
        f"{broke.error.kind}: {broke.error.message}" if broke else "",
        broke,
    )
