"""Marks a provider's own seals (signatures, encrypted thoughts) with whose they are.

A seal goes back unchanged to the family that made it and to nobody else: another provider answers 400.
"""

from __future__ import annotations

from routerterm.core.messages import Part, Reasoning

STEP = "-step"
"""Ends the mark of what is no thought but a step that a provider took by itself (a search, code it ran)."""
FAMILIES = ("anthropic", "gemini", "openrouter", "vercel", "responses")


def sign_scope(family: str, raw: str | None) -> str | None:
    """The provider's seal, marked.  One that is marked already (it came through a gateway of ours) stays."""
    if not raw:
        return None
    marked, colon, _ = raw.partition(":")
    return raw if colon and marked.split("-")[0] in FAMILIES else f"{family}:{raw}"


def is_step(part: Part) -> bool:
    """Whether it is no thought but a step that a provider took by itself."""
    return isinstance(part, Reasoning) and part.redacted is not None and part.redacted.partition(":")[0].endswith(STEP)


def read_scope(family: str, sealed: str | None) -> str | None:
    """The provider's own seal, if it is of this family."""
    prefix = f"{family}:"
    return sealed[len(prefix) :] if sealed is not None and sealed.startswith(prefix) else None
