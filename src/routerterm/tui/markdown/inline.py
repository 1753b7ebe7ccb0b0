"""What is in a paragraph, a heading or a cell, as styled runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markdown_it.token import Token

from routerterm.core.sanitise import sanitise
from routerterm.tui.markdown.data_uris import described
from routerterm.tui.markdown.lines import Run, fit

if TYPE_CHECKING:
    from routerterm.tui.themes.palette import Signs

_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_OPENS = {"em_open": "i", "s_open": "s"}
_CLOSES = {"em_close": "i", "s_close": "s"}
TARGET_CELLS = 60
"""A link's target longer than this is shortened at its end; its host always stays whole."""


def inline_runs(tokens: Iterable[Token], key: str, signs: Signs) -> list[Run]:
    """Inline tokens as runs; a line feed in a run begins a new line."""
    runs: list[Run] = []
    marks, strong = "", 0
    links: list[tuple[str, int]] = []
    for token in tokens:
        kind = token.type
        if kind in ("text", "text_special"):
            if token.content:
                style = "link" if links else key
                runs.append((_clean(token.content, kind == "text"), _key(style, marks, strong)))
        elif kind in ("softbreak", "hardbreak"):
            runs.append(("\n", key))
        elif kind == "code_inline":
            runs.append((_clean(token.content), _key("link" if links else "code", marks, 0)))
        elif kind == "formula":
            runs.append((_clean(token.content), "math"))
        elif kind == "note":
            runs.append((_clean(token.content), "dim"))
        elif kind == "strong_open":
            strong += 1
        elif kind == "strong_close":
            strong -= 1
        elif kind in _OPENS:
            marks += _OPENS[kind]
        elif kind in _CLOSES:
            marks = marks.replace(_CLOSES[kind], "", 1)
        elif kind == "link_open":
            links.append((str(token.attrGet("href") or ""), len(runs)))
        elif kind == "link_close" and links:
            href, begin = links.pop()
            runs += _target(href, "".join(text for text, _ in runs[begin:]), signs)
        elif kind == "image":
            runs += _image(token, signs)
        elif token.content:
            runs.append((_clean(token.content), key))
    return runs


def _key(key: str, marks: str, strong: int) -> str:
    if strong:
        if key == "text":
            key = "strong"
        else:
            marks += "b"
    return f"{key}.{marks}" if marks else key


def _clean(text: str, breaks: bool = False) -> str:
    """Text after its entities were resolved: they can smuggle in what the source did not show."""
    if breaks and "<" in text:
        text = _BREAK.sub("\n", text)
    elif "\n" in text:
        text = text.replace("\n", " ")
    return text if text.isascii() and "&" not in text and text.isprintable() else sanitise(text)


def _target(href: str, shown: str, signs: Signs) -> list[Run]:
    """Where a link leads, unless its text already says so."""
    bare = href.removeprefix("mailto:").removeprefix("https://").removeprefix("http://").rstrip("/")
    said = shown.removeprefix("mailto:").removeprefix("https://").removeprefix("http://").rstrip("/")
    if not bare or said == bare:
        return []
    return [(f" {signs.open_quote}{shorten(href, signs)}{signs.close_quote}", "dim")]


def shorten(href: str, signs: Signs) -> str:
    """A target without its ``https://``, shortened after its host."""
    href = sanitise(href).replace("\n", "")
    bare = href.removeprefix("https://")
    try:
        host = len(urlsplit(href).netloc)
    except ValueError:
        host = 0
    return fit(bare, max(TARGET_CELLS, host + 1), signs.ellipsis)


def _image(token: Token, signs: Signs) -> list[Run]:
    alt = "".join(child.content for child in token.children or ())
    source = str(token.attrGet("src") or "")
    href = described(source) or shorten(source, signs)
    return [
        (f"{signs.image} {_clean(alt) or 'picture'}", "link"),
        (f" {signs.open_quote}{href}{signs.close_quote}", "dim"),
    ]
