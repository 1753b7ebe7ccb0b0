"""Which tools may be called: by rules, the server's hints, and what was said in this conversation.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from routerterm.engine.tools.values import Permission


def matches(tool: str, patterns: Iterable[str]) -> bool:
    """Whether one of the globs is meant for the tool, by its server's name for it."""
    return any(fnmatchcase(tool, pattern) for pattern in patterns)


def permission(
    tool: str, *, allow: Iterable[str], ask: Iterable[str], deny: Iterable[str], read_only: bool, trusted: bool
) -> Permission:
    """What the rules say: the strictest that matches; without one a trusted server's read-only tools are allowed.

    ``read_only`` is the server's own claim and counts for nothing where the server is not trusted.
    """
    if matches(tool, deny):
        return "deny"
    if matches(tool, ask):
        return "ask"
    if matches(tool, allow) or (trusted and read_only):
        return "allow"
    return "ask"
