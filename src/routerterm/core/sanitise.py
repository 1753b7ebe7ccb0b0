"""Nothing hostile reaches the terminal: what would act on it, or hide in it, is shown as what it is.

Everything from outside (answers, errors, titles, file names, imports) goes through `sanitise` or `one_line`
before it is drawn.  Both are cheap where there is nothing to do, and give a fixed point: cleaning twice
changes nothing.

- C0 control characters become their picture (``␛``), C1 and DEL a name (``‹U+009B›``): no escape sequence survives.
- Bidirectional overrides, embeddings and isolates, invisible tag characters, hidden variation selectors,
  line separators and interlinear marks become ``‹U+202E›``: a text cannot pose as another.
- Marks without width or shape (joiners between emoji, byte order marks, soft hyphens) go: terminals disagree
  on the width of what they join, and a cell miscounted breaks every line after it.  U+200C stays, Persian needs it.
- Lone surrogates become U+FFFD, since they cannot be written as UTF-8 at all.
"""

from __future__ import annotations

import re

_SHOWN = (
    "\x80-\x9f"  # C1: one byte CSI, OSC, DCS
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings, overrides, isolates
    "\u2028\u2029\u206a-\u206f\ufff9-\ufffb"  # separators, deprecated format characters, annotations
    "\U000e0000-\U000e0fff"  # tags and supplementary variation selectors: text that no one sees
    "\U0001d173-\U0001d17a"  # musical format characters
)
_DROPPED = "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200d\u2060-\u2065\u3164\ufe00-\ufe0f\ufeff\uffa0"
_SUSPECT = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f{_SHOWN}{_DROPPED}\ud800-\udfff]|[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]{{5,}}"
)
_ACTS = re.compile(f"[\x00-\x08\x0b-\x1f\x7f{_SHOWN}\ud800-\udfff]")
_DROP = re.compile(f"[{_DROPPED}]")
_BREAKS = re.compile(r"\s*\n\s*")

MOST_MARKS = 4
"""More combining marks than this on one character are cut: they would climb over the lines above."""


def sanitise(text: str) -> str:
    """The text as it may be drawn; line feeds and tabs stay.  ``\\r\\n`` and a lone ``\\r`` become line feeds."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() and text.isprintable() else _SUSPECT.sub(_show, text)


def one_line(text: str) -> str:
    """The text as one line for a title, a label or a file name: breaks become a space, tabs too."""
    text = sanitise(text)
    return _BREAKS.sub(" ", text).replace("\t", " ").strip() if "\n" in text or "\t" in text else text


def pasteable(text: str) -> str:
    """The text for a clipboard: what acts on a terminal or poses as other text is shown, joined emoji stay joined."""
    return _ACTS.sub(_show, text) if not (text.isascii() and text.isprintable()) else text


def is_clean(text: str) -> bool:
    """Whether the text may be written to a terminal as it is, one line or many."""
    return _SUSPECT.search(text) is None


def _show(match: re.Match[str]) -> str:
    run = match[0]
    if len(run) > 1:
        return run[:MOST_MARKS]
    code = ord(run)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return "" if _DROP.match(run) else f"‹U+{code:04X}›"
