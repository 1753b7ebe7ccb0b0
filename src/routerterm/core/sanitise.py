"""Nothing hostile reaches the terminal: what would act on it, or hide in it, is shown as what it is.

Everything from outside (answers, errors, titles, file names, imports) goes through `sanitise` or `one_line`
before it is drawn.  Both are cheap where there is nothing to do, and give a fixed point: cleaning twice
changes nothing.

- C0 control characters become their picture (``␛``), C1 and DEL a name (``‹U+009B›``): no escape sequence survives.
- Bidirectional overrides, embeddings and isolates, invisible tag characters, hidden variation selectors,
  line separators and interlinear marks become ``‹U+202E›``: a text cannot pose as another.
- Marks without width or shape (byte order marks, soft hyphens) go.
- Joiners stay where writing needs them, between two emoji and between two letters of the scripts that are written
  with them (Persian, Hindi, Sinhala...), and go everywhere else, where they could only hide: in ``pay\u200cpal``.
- Lone surrogates become U+FFFD, since they cannot be written as UTF-8 at all.
"""

from __future__ import annotations

import re

from routerterm.core.lazy_pattern import LazyPattern

PICTURES = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
)
"""What may be an emoji, as the inside of a character class: Unicode's Extended_Pictographic, in few ranges."""
_SKINS = "\U0001f3fb-\U0001f3ff"
_JOINED_SCRIPTS = (
    "\u0620-\u065f\u066e-\u06ef\u06fa-\u08ff"  # Arabic, Syriac, Thaana, N'Ko, Mandaic
    "\u0900-\u0dff\u1000-\u109f\u1780-\u17d3"  # the scripts of India, Sinhala, Myanmar, Khmer
    "\u1820-\u18aa\u1a20-\u1aad\u1b00-\u1bff\ua840-\ua877\ua8e0-\uaaff\U00011000-\U00011fff"
)
"""Letters and marks of the scripts in which U+200C and U+200D change how words are written (Unicode annex 31, 2.3)."""
_SHOWN = (
    "\x80-\x9f"  # C1: one byte CSI, OSC, DCS
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings, overrides, isolates
    "\u2028\u2029\u206a-\u206f\ufff9-\ufffb"  # separators, deprecated format characters, annotations
    "\U000e0000-\U000e0fff"  # tags and supplementary variation selectors: text that no one sees
    "\U0001d173-\U0001d17a"  # musical format characters
)
_DROPPED = "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u3164\ufe00-\ufe0e\ufeff\uffa0"
_JOINERS = "\u200c\u200d\ufe0f"
_CONTROLS = f"[\x00-\x08\x0b-\x1f\x7f{_SHOWN}\ud800-\udfff]"
_SUSPECT = LazyPattern(f"{_CONTROLS}|[{_DROPPED}]|[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]{{5,}}")
_ACTS = LazyPattern(_CONTROLS)
_UNSEEN = LazyPattern(f"[\x00-\x1f\x7f{_SHOWN}{_DROPPED}{_JOINERS}\ud800-\udfff]")
_DROP = LazyPattern(f"[{_DROPPED}]")
_MAY_JOIN = LazyPattern(f"[{_JOINERS}]")
_BREAKS = LazyPattern(r"\s*\n\s*")
_JOINS = LazyPattern(
    f"(?<=[{PICTURES}])\ufe0f(?=\u200d[{PICTURES}])"
    f"|(?:(?<=[{PICTURES}{_SKINS}])|(?<=[{PICTURES}]\ufe0f))\u200d(?=[{PICTURES}])"
    f"|(?<=[{_JOINED_SCRIPTS}])[\u200c\u200d](?=[{_JOINED_SCRIPTS}])"
    f"|([{_JOINERS}])"
)
"""A joiner where it belongs, or, as the group, one where it does not."""

MOST_MARKS = 4
"""More combining marks than this on one character are cut: they would climb over the lines above."""


def sanitise(text: str) -> str:
    """The text as it may be drawn; line feeds and tabs stay.  ``\\r\\n`` and a lone ``\\r`` become line feeds."""
    text = sanitise_piece(text)
    return text if text.isascii() or not _MAY_JOIN.search(text) else _JOINS.sub(_join, text)


def sanitise_piece(text: str) -> str:
    """A piece of a text that goes on: as `sanitise`, but what joins it to its neighbours is left as it is.

    Whether a joiner may stay is seen only when both sides are there; the whole must go through `sanitise` again.
    """
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


def escape_json(text: str) -> str:
    """JSON text in which all that acts on a terminal, or is not seen there, is escaped: it means the same.

    ``text`` has no line feeds but those between its values, as `json.dumps` writes it.
    """
    import json

    return _UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def is_clean(text: str) -> bool:
    """Whether the text may be written to a terminal as it is, one line or many."""
    return _SUSPECT.search(text) is None and sanitise(text) == text


def _join(match: re.Match[str]) -> str:
    return "" if match[1] else match[0]


_CONTROL = LazyPattern(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def tidied(text: str) -> str:
    """Pasted text without control characters, its lines ended as ours are."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


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
