"""Takes keys out of what providers and proxies say, and everything that could harm a terminal or a log line."""

from __future__ import annotations

import re

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.protocols.json_utils import scrub

_MASK = "****"

_KEY = LazyPattern(
    r"""
      \b(?:sk|pk|rk|xai|gsk|pplx|hf|csk|nvapi|r8|fw|tgp|tvly|vck|ghp|gho|ghu|ghs|glpat|key|api)[-_][A-Za-z0-9][\w\-]{10,}
    | \bAIza[\w\-]{10,}
    | \bAQ\.[\w\-]{20,}
    | \beyJ[\w\-]{8,}\.[\w\-]{8,}(?:\.[\w\-]*)?
    | \b(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{32,}\b
    """,
    re.VERBOSE,
)
_BEARER = LazyPattern(r"(?i)\b(bearer|basic)\s+(?!token\b|auth)[\w\-.~+/=*]{6,}")
_NAMED = LazyPattern(
    r"(?i)\b((?:x-)?(?:goog-)?api[-_ ]?key|access[-_ ]?token|authorization|password|secret|key)"
    r"(\s+provided)?([\"']?\s*[:=]\s*[\"']?)(?!bearer\b)([^\s\"',;&<>]{6,})"
)
_MARKS = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_PILED = LazyPattern(f"({_MARKS}{{4}}){_MARKS}+")
"""More than four marks on one letter, which would reach over the lines around it."""
_CONTROL = LazyPattern("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]+")


def redact(text: str) -> str:
    """The text with everything that looks like a key masked."""
    text = _BEARER.sub(rf"\1 {_MASK}", text)
    text = _NAMED.sub(lambda match: f"{match[1]}{match[2] or ''}{match[3]}{_MASK}", text)
    return _KEY.sub(_MASK, text)


def sentence(text: str, limit: int = 400) -> str:
    """One line for a person: redacted, without control characters, not too long."""
    text = " ".join(_CONTROL.sub(" ", scrub(text[: 20 * limit])).split())
    text = redact(_PILED.sub(r"\1", text))
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
