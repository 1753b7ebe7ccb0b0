"""A branch as one HTML file that needs nothing else and runs nothing, in the colours it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from html import escape
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.core.messages import Image, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.money import with_unknown
from routerterm.engine.transfer.markdown import cost_of, day, heading, one_line

if TYPE_CHECKING:
    from routerterm.store.transfer import ConversationBundle
    from routerterm.store.values import StoredMessage

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Colours(Struct, frozen=True):
    """The look, as CSS colours: a green phosphor where nobody says otherwise."""

    background: str = "#07140b"
    text: str = "#4df07a"
    dim: str = "#2bb456"
    """Second-rank text."""
    bright: str = "#c5ffd6"
    """Headings, and what the person said."""
    faint: str = "#1f8f47"
    """Lines."""
    panel: str = "#0b1f11"
    """The ground of code."""
    code: str = "#9bffb9"
    link: str = "#8eebff"
    scanlines: bool = False


def write(
    carried: ConversationBundle,
    branch: Sequence[StoredMessage],
    colours: Colours | None = None,
    zone: tzinfo | None = None,
) -> Iterator[str]:
    """The file, a piece at a time."""
    conversation = carried.conversation
    title = escape(one_line(conversation.title) or "Untitled")
    yield "<!doctype html>\n"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield f"<title>{title}</title>\n<style>{_style(colours or Colours())}</style></head><body>\n"
    yield f"<header><h1>{title}</h1>\n<p>{escape(_facts(carried, branch, zone))}</p></header>\n"
    if conversation.system:
        yield f"<section class=system><div class=who>System prompt</div>{_prose(conversation.system)}</section>\n"
    for message in branch:
        at = f"<time>{day(message.created_at, zone)[:16].replace('T', ' ')}</time>"
        head = f"<div class=who>{escape(heading(message))}{at}</div>"
        yield f"<section class={message.role}>{head}{''.join(_parts(message))}</section>\n"
    yield "</body></html>\n"


def _facts(carried: ConversationBundle, branch: Sequence[StoredMessage], zone: tzinfo | None) -> str:
    """When, how much was said, by which models, for how much."""
    models = dict.fromkeys(message.model for message in branch if message.model)
    begun = day(carried.conversation.created_at, zone)[:16].replace("T", " ")
    return " · ".join([begun, f"{len(branch)} messages", *models, with_unknown(*cost_of(carried, branch))])


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
                yield f"<p class=dim>[image: {escape(part.name or part.url or part.media_type)}]</p>"
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


def _style(c: Colours) -> str:
    lines = (
        "body::after{content:'';position:fixed;inset:0;pointer-events:none;"
        "background:repeating-linear-gradient(transparent 0 2px,rgb(0 0 0/.18) 2px 4px)}"
    )
    return (
        f"body{{background:{c.background};color:{c.text};font:15px/1.55 ui-monospace,'DejaVu Sans Mono',Menlo,"
        "Consolas,monospace;max-width:96ch;margin:2.5em auto;padding:0 1.5em;overflow-wrap:anywhere}"
        f"header{{border-bottom:1px solid {c.faint};margin-bottom:2em}}"
        f"header h1{{margin:0}}header p{{color:{c.dim};margin:.3em 0 1em}}"
        f"section{{margin:0 0 2em}}.who{{color:{c.dim};font-size:.85em;margin:0 0 .6em;display:flex;gap:1em}}"
        f".who::after{{content:'';order:1;flex:1;align-self:center;border-top:1px solid {c.faint}}}.who time{{order:2}}"
        f"section.user{{color:{c.bright};border-left:2px solid {c.faint};padding-left:1em}}"
        f"section.system{{color:{c.dim}}}h1,h2,h3,h4{{line-height:1.3;font-size:1.1em;color:{c.bright}}}"
        f"header h1{{font-size:1.4em}}strong{{color:{c.bright}}}a{{color:{c.link}}}"
        f"details{{color:{c.dim};margin:.6em 0}}summary{{cursor:pointer}}.dim{{color:{c.dim}}}"
        f"code{{color:{c.code}}}pre{{background:{c.panel};border:1px solid {c.faint};padding:.8em 1em;overflow-x:auto}}"
        f"blockquote{{margin:1em 0;padding-left:1em;border-left:2px solid {c.faint};color:{c.dim}}}"
        f"hr{{border:0;border-top:1px solid {c.faint}}}img{{max-width:100%}}"
        f"td,th{{border:1px solid {c.faint};padding:.2em .6em;text-align:left}}table{{border-collapse:collapse}}"
    ) + (lines if c.scanlines else "")
