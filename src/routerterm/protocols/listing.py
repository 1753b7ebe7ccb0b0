"""The first step of reading any list of models."""

from __future__ import annotations

from typing import Any

from routerterm.core.errors import InvalidResponse
from routerterm.protocols.classify import classify
from routerterm.protocols.json_utils import NotJson, loads


def read_listing(body: bytes) -> Any:
    """The JSON of a listing.  Raises `InvalidResponse`, or what an error body says."""
    try:
        payload = loads(body)
    except NotJson:
        raise InvalidResponse("The list of models is not JSON.", "Is base_url right?") from None
    if isinstance(payload, dict) and payload.get("error"):
        raise classify(200, {}, payload)
    return payload
