"""What kind of prompt a text is: by plain signs in it, so that ratings of code and of letters are kept apart."""

from __future__ import annotations

import re

KINDS = ("code", "maths", "translation", "writing", "summary", "images", "other")
_LOOKED_AT = 4_000
"""Characters at the beginning and the end that are looked at."""
_CODE = re.compile(
    r"```|^\s*(?:def|class|import|from|func|fn|pub|const|let|var|#include|SELECT|CREATE|git|sudo|docker)\b"
    r"|\w+\(\)|=>|;\s*$|\b\w+\.(?:py|js|ts|rs|go|c|cpp|h|java|sh|sql|toml|ya?ml|json)\b|Traceback|\bstack trace\b"
    r"|\b(?:function|regex|refactor|compile|unit test|bug|exception|API|bash|Python|JavaScript|Rust|SQL|script)\b",
    re.MULTILINE,
)
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("translation", re.compile(r"\b(?:translat\w+|übersetz\w*|tradui\w*|traduc\w*|traduz\w*)\b", re.IGNORECASE)),
    (
        "summary",
        re.compile(r"\b(?:summar\w+|tl;?dr|zusammenfass\w*|fasse\b.*\bzusammen|résum\w+|resum\w+)", re.IGNORECASE),
    ),
    ("code", _CODE),
    (
        "maths",
        re.compile(
            r"\b(?:prove|theorem|integral|derivative|equation|solve|probability|matrix|beweis\w*|gleichung\w*)\b"
            r"|\\(?:frac|int|sum|sqrt)\b|\d\s*[-+*/^=]\s*\d|∫|∑|√",
            re.IGNORECASE,
        ),
    ),
    (
        "writing",
        re.compile(
            r"\b(?:write|draft|essay|e-?mail|letter|poem|story|blog|rephrase|proofread|schreib\w*|verfasse|brief|gedicht"
            r"|écri\w+|rédige\w*|escrib\w+|redact\w+|scriv\w+)\b",
            re.IGNORECASE,
        ),
    ),
)


def kind_of(text: str, *, images: bool = False) -> str:
    """One of `KINDS`: the first that the text shows a sign of."""
    if images:
        return "images"
    seen = text if len(text) <= 2 * _LOOKED_AT else f"{text[:_LOOKED_AT]}\n{text[-_LOOKED_AT:]}"
    return next((kind for kind, signs in _RULES if signs.search(seen)), "other")
