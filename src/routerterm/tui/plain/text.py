"""What the plain chat says: whole words, no boxes, no colours, nothing that is drawn over.  Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.core.messages import Image, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.money import show_usd
from routerterm.core.sanitise import one_line, sanitise
from routerterm.tui.chat.entries import trouble_of

if TYPE_CHECKING:
    from routerterm.core.events import Finished
    from routerterm.store.values import StoredMessage


def ending(event: Finished) -> str:
    """Who answered, how long it took, what it used and cost."""
    about = "" if event.usage.source == "reported" else "about "
    cost = "free" if event.cost.usd == 0 else show_usd(event.cost.usd)
    time = f"{event.timing.total_ms / 1000:.1f} seconds"
    return f"[{event.target}, {time}, {about}{event.usage.total} tokens, {cost}]"


def said(message: StoredMessage) -> str:
    """A message of an opened conversation, with who said it before it."""
    from routerterm.engine.chat.trace import ReplyTrace

    who = "You" if message.role == "user" else one_line(message.model or "Answer")
    pieces = []
    for part in message.parts:
        match part:
            case Text(text, name):
                pieces.append(f"[file {one_line(name)}]" if name is not None else sanitise(text))
            case Image():
                pieces.append(f"[image {one_line(part.name or part.media_type)}]")
            case ToolCall():
                pieces.append(f"[calls {one_line(part.name)}]")
            case ToolResult() | Reasoning():
                pass
    trouble = ""
    if message.role == "assistant":
        trouble = trouble_of(
            ReplyTrace.of(message.params), message.status, begun=bool(message.text.strip()), keys=False
        )
    return f"{who}: {' '.join(pieces).strip()}" + (f"\n[{one_line(trouble)}]" if trouble else "")


WELCOME = """Nothing is set up yet, so the free demo answers. Three ways to start:
  routerterm keys add     adds a provider's API key
  routerterm local fetch  fetches a small model that runs on this computer, 93 MB
  or just write: the demo shows how everything works."""
