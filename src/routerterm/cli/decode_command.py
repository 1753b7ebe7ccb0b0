"""`routerterm decode`: what our decoders make of a provider's recorded answer, for whoever must debug one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from routerterm.cli.output import print_error, print_json
from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from routerterm.core.errors import ProviderError
    from routerterm.core.events import StreamEnd, WireEvent
    from routerterm.core.messages import ToolCall
    from routerterm.core.usage import Usage

_PIECE = 64 * 1024


@click.command("decode")
@click.option("--protocol", required=True, metavar="P", help="The wire protocol, such as openai-chat or gemini.")
@click.option("--dialect", default="", metavar="D", help="The provider's dialect of the protocol; none by default.")
@click.option(
    "--status",
    default=200,
    show_default=True,
    metavar="N",
    type=click.IntRange(100, 599),
    help="The HTTP status of the answer.",
)
@click.option("--content-type", default="", metavar="T", help="Its content type; the body itself takes precedence.")
@click.option(
    "--all", "everything", is_flag=True, help="Include refusals, plans, citations and the provider's token counts."
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def command(
    protocol: str, dialect: str, status: int, content_type: str, everything: bool, files: tuple[str, ...]
) -> None:
    """Decode raw answers of a provider (- is standard input) and print one JSON object for each.

    FILE holds the raw body: a stream, a whole answer or an error.  A file that cannot be read is reported on
    standard error, the others are decoded all the same, and the exit code is 1.

    \b
      routerterm decode --protocol gemini answer.bin
      curl -sN URL | routerterm decode --protocol openai-chat -
    """
    from routerterm.protocols import codec

    codec(protocol, dialect)  # a wrong name is told before a file is read
    unread = False
    for name in files:
        try:
            shown = decode(name, protocol, dialect, status, content_type, everything=everything)
        except RoutertermError as error:
            print_error(error)
            unread = True
            continue
        print_json(shown)
    if unread:
        sys.exit(RoutertermError.exit_code)


def decode(
    name: str, protocol: str, dialect: str, status: int, content_type: str, *, everything: bool = False
) -> dict[str, Any]:
    """One file as the JSON object that is printed for it.  Raises `RoutertermError` where it cannot be read."""
    from routerterm.core.events import StreamError
    from routerterm.protocols import classify, codec

    if status >= 300:
        body = b"".join(_pieces(name))
        error = classify(status, {"content-type": content_type}, body, protocol=protocol)
        return _shown(name, [StreamError(error)], None)
    decoder = codec(protocol, dialect).decoder()
    events: list[WireEvent] = []
    for piece in _pieces(name):
        events += decoder.feed(piece)
    events += decoder.end()
    return _shown(name, events, getattr(decoder, "citations", ()) if everything else None)


def _pieces(name: str) -> Iterator[bytes]:
    """The bytes of a file, never all at once."""
    try:
        with sys.stdin.buffer if name == "-" else open(name, "rb") as source:
            while piece := source.read(_PIECE):
                yield piece
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RoutertermError(f"{name} cannot be read: {reason}.", "Give the file with the raw body.") from error


class _Decoded:
    """What the events of a body add up to."""

    def __init__(self) -> None:
        from routerterm.core.reply import ReplyBuilder

        self._said: dict[str, list[str]] = {}
        self._builder = ReplyBuilder()
        self.usage: Usage | None = None
        self.stopped: StreamEnd | None = None
        self.error: ProviderError | None = None

    def add(self, event: WireEvent) -> None:
        """Note one event.  The sources stand apart in ``citations``; the list of them below a text is ours."""
        from routerterm.core import events

        match event:
            case events.SourcesDelta():
                pass
            case events.RefusalDelta(text):
                self._say("refusal", text)
            case events.PlanDelta(text):
                self._say("plan", text)
            case events.TextDelta(text):
                self._say("text", text)
            case events.ReasoningDelta(text):
                self._say("reasoning", text)
            case events.ToolCallDelta():
                self._builder.add(event)
            case events.UsageReported():
                self.usage = event.usage
            case events.StreamEnd():
                self.stopped = event
            case events.StreamError():
                self.error = event.error

    def _say(self, kind: str, text: str) -> None:
        self._said.setdefault(kind, []).append(text)

    def said(self, kind: str) -> str:
        """All words of a kind."""
        return "".join(self._said.get(kind, ()))

    def calls(self) -> list[ToolCall]:
        """The calls of tools."""
        from routerterm.core.messages import ToolCall

        return [part for part in self._builder.parts() if isinstance(part, ToolCall)]


def _shown(name: str, events: Iterable[WireEvent], citations: tuple[str, ...] | None) -> dict[str, Any]:
    """The object; with ``citations`` it has all that there is."""
    decoded = _Decoded()
    for event in events:
        decoded.add(event)
    usage, error, stopped = decoded.usage, decoded.error, decoded.stopped
    ended = "done" if stopped else "cut"
    shown: dict[str, Any] = {
        "file": name,
        "outcome": "failed" if error else ended,
        "text": decoded.said("text"),
        "reasoning": decoded.said("reasoning"),
        "finish_reason": _finish(stopped) if error is None else None,
        "tool_calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in decoded.calls()],
        "usage": _usage(usage),
        "cost": float(usage.cost) if usage is not None and usage.cost is not None else None,
        "error": _error(error),
    }
    if citations is None:
        return shown
    more = {"refusal": decoded.said("refusal"), "plan": decoded.said("plan"), "citations": list(citations)}
    return shown | more | {"usage_raw": dict(usage.raw) if usage is not None else None}


def _finish(stopped: StreamEnd | None) -> str | None:
    """Our word for the reason; none where the provider ended the stream without giving one."""
    if stopped is None or (stopped.reason == "other" and stopped.raw is None):
        return None
    return str(stopped.reason)


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write + usage.cache_write_1h,
        "output": usage.output,
        "reasoning": usage.reasoning,
        "source": usage.source,
    }


def _error(error: ProviderError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {"class": error.kind, "message": error.message, "retry_after": error.retry_after}
