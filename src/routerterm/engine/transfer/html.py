"""A branch as one HTML file that needs nothing else and runs nothing, in the colours it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from html import escape

from routerterm.core.messages import Image, Reasoning, Text, ToolCall, ToolResult
from routerterm.engine.transfer.markdown import cost_of, day, heading
from routerterm.store.transfer import Carried
from routerterm.store.values import StoredMessage

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, slots=True)
class Colours:
    """The look, as CSS colours: a green phosphor where nobody says otherwise."""

    background: str = "#0a0f0a"
    text: str = "#7dff9a"
    dim: str = "#3f8f55"
    accent: str = "#d0ffd8"


def write(
    carried: Carried, branch: Sequence[StoredMessage], colours: Colours | None = None, zone: tzinfo | None = None
) -> Iterator[str]:
    """The file, a piece at a time."""
    conversation = carried.conversation
    title = escape(conversation.title or "Untitled")
    yield "<!doctype html>\n"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield f"<title>{title}</title>\n<style>{_style(colours or Colours())}</style></head><body>\n"
    facts = f"{day(conversation.created_at, zone)} · ${escape(cost_of(carried, branch))}"
    yield f"<h1>{title}</h1>\n<p class=dim>{facts}</p>\n"
    if conversation.system:
        yield f"<section class=system><h2>System</h2>{_prose(conversation.system)}</section>\n"
    for message in branch:
        yield f"<section class={message.role}><h2>{escape(heading(message))}</h2>{''.join(_parts(message))}</section>\n"
    yield "</body></html>\n"


def _parts(message: StoredMessage) -> Iterator[str]:
    for part in message.parts:
        match part:
            case Text(text):
                yield _prose(text)
            case Reasoning(text):
                yield f"<details><summary>reasoning</summary>{_prose(text)}</details>" if text else ""
            case Image(media_type, data) if data and media_type.startswith("image/") and "svg" not in media_type:
                yield _picture(media_type, data)
            case Image():
                yield f"<p class=dim>[picture: {escape(part.name or part.url or part.media_type)}]</p>"
            case ToolCall():
                yield f"<pre>{escape(part.name)}({escape(part.arguments)})</pre>"
            case ToolResult():
                yield f"<pre>{escape(part.text)}</pre>"


def _picture(media_type: str, data: bytes) -> str:
    import base64

    return f'<img alt="" src="data:{escape(media_type)};base64,{base64.b64encode(data).decode("ascii")}">'


def _prose(text: str) -> str:
    """Markdown as HTML: raw HTML in it is shown, not run, and no link goes anywhere but the web and mail."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    reader.validateLink = lambda url: url.lower().startswith(("http://", "https://", "mailto:"))  # type: ignore[method-assign]
    return str(reader.render(text))


def _style(colours: Colours) -> str:
    return (
        f"body{{background:{colours.background};color:{colours.text};font:16px/1.5 ui-monospace,monospace;"
        "max-width:90ch;margin:2em auto;padding:0 1em;overflow-wrap:anywhere}"
        f"h1,h2,a{{color:{colours.accent}}}h2{{font-size:1em;border-bottom:1px solid {colours.dim}}}"
        f".dim,summary{{color:{colours.dim}}}"
        f"pre{{border-left:3px solid {colours.dim};padding-left:1em;overflow-x:auto}}"
        f"section.user{{border-left:3px solid {colours.accent};padding-left:1em}}img{{max-width:100%}}"
        f"td,th{{border:1px solid {colours.dim};padding:.2em .5em}}table{{border-collapse:collapse}}"
    )
