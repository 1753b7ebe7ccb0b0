"""Wire protocols: pure functions between bytes and values.

`codec(protocol, dialect)` gives the client's side of one, `classify` names the failure behind an answer
that is none, `limits` reads rate-limit headers; `server_codec(protocol)` gives the other side of those in `SERVED`.
"""

from __future__ import annotations

from routerterm.protocols.base import Codec, Decoder, HttpRequest, ListedModel
from routerterm.protocols.classify import classify
from routerterm.protocols.limits import RateLimit, RateLimits, limits
from routerterm.protocols.registry import PROTOCOLS, SERVED, codec, dialects, server_codec

__all__ = [
    "PROTOCOLS",
    "SERVED",
    "Codec",
    "Decoder",
    "HttpRequest",
    "ListedModel",
    "RateLimit",
    "RateLimits",
    "classify",
    "codec",
    "dialects",
    "limits",
    "server_codec",
]
