"""A summary that stands for the older part of a conversation, packed as the Responses API carries it.

Clients hand the item back as it came and must not read meaning into it, so it is one opaque word.  It is no secret: it
holds nothing that the client did not send or get itself.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

_OURS = "rtc1_"
"""How ours begin; those of OpenAI are passed on to OpenAI, unread."""
_HEADING = "[Summary of the conversation so far]\n"


def pack_summary(summary: str) -> str:
    """The content of a compaction item."""
    return _OURS + b64encode(summary.encode("utf-8", "replace")).decode("ascii")


def open_summary(packed: str) -> str:
    """The summary under its heading; nothing where the item is not one of ours."""
    if not packed.startswith(_OURS):
        return ""
    try:
        return _HEADING + b64decode(packed[len(_OURS) :], validate=True).decode("utf-8")
    except ValueError:  # cut or changed on its way
        return ""
