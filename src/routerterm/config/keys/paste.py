"""Recognises an API key in what was pasted, and whose it is.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from routerterm.catalog.values import ProviderInfo
from routerterm.core.errors import VaultError
from routerterm.core.lazy_pattern import LazyPattern

_ASSIGNMENT = LazyPattern(r"^(?:export\s+|set\s+|\$env:)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.+)$")
_BEARER = LazyPattern(r"^(?:authorization\s*:\s*)?bearer\s+", re.IGNORECASE)
_SHORTEST, _LONGEST = 8, 4096
_PLAIN = "sk-"
_PLAIN_OWNERS = ("openai", "deepseek", "moonshot", "alibaba")
"""Who gives out keys that begin with a plain ``sk-``; OpenAI's newer ones say more after it."""
_OPENAI = ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-")


class Pasted(Struct, frozen=True):
    """A key, and the providers whose it may be, the likeliest first; none where nothing tells."""

    key: str
    providers: tuple[str, ...]


def recognise(text: str, providers: Iterable[ProviderInfo]) -> Pasted:
    """The key in ``sk-…``, ``export OPENAI_API_KEY="sk-…"`` or ``Bearer sk-…``.

    Raises `VaultError` where it cannot be a key; the message does not repeat it.
    """
    providers = tuple(providers)
    text = text.strip().strip("\ufeff\u200b")
    variable = ""
    if found := _ASSIGNMENT.match(text):
        variable, text = found[1], found[2].strip().rstrip(";")
    key = _BEARER.sub("", text.strip("\"'`")).strip("\"'` ")
    _must_look_like_a_key(key)
    named = tuple(info.name for info in providers if variable in info.env)
    return Pasted(key, named or _by_prefix(key, providers))


def looks_like_a_key(text: str, providers: Iterable[ProviderInfo]) -> bool:
    """Whether a pasted text is a key of a provider that is known; a mere sentence or word is not."""
    try:
        return bool(recognise(text, providers).providers)
    except VaultError:
        return False


def _by_prefix(key: str, providers: tuple[ProviderInfo, ...]) -> tuple[str, ...]:
    """All whose prefix is the longest that fits: ``sk-ant-`` beats ``sk-``, and several may share ``sk-``."""
    fitting = [info for info in providers if info.key_prefix and key.startswith(info.key_prefix)]
    longest = max((len(info.key_prefix) for info in fitting), default=0)
    names = [info.name for info in fitting if len(info.key_prefix) == longest]
    if key.startswith(_OPENAI):
        return ("openai",) if "openai" in names else tuple(names)
    if longest == len(_PLAIN) and key.startswith(_PLAIN):
        known = {info.name for info in providers}
        names += [name for name in _PLAIN_OWNERS if name in known and name not in names]
    return tuple(names)


def _must_look_like_a_key(key: str) -> None:
    if not key:
        raise VaultError("There is no key in it.", "Paste the key itself.")
    if any(character.isspace() for character in key):
        raise VaultError("A key has no spaces or line breaks.", "Paste only the key.")
    if not key.isascii() or not key.isprintable():
        raise VaultError(
            "A key has only ASCII letters, digits and punctuation.", "Copy it again from the provider's page."
        )
    if len(key) < _SHORTEST:
        raise VaultError(f"A key has at least {_SHORTEST} characters.", "Copy the whole key.")
    if len(key) > _LONGEST:
        raise VaultError(f"A key has at most {_LONGEST} characters.", "Copy only the key.")
    if "…" in key or "****" in key or re.fullmatch(r"(.)\1+", key):
        raise VaultError("That is a masked key, not the key itself.", "Providers show a key once; make a new one.")
