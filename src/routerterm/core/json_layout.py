"""JSON as a person reads it."""

from __future__ import annotations

import json


def laid_out(text: str | bytes) -> str | None:
    """The JSON with a line for each of its parts; None where it is none, or nested too deeply to be laid out."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
