"""Wire protocols: pure functions between bytes and values.

`codec(protocol, dialect)` gives the client's half of one, `classify` names the failure behind an answer
that is none, `limits` reads rate-limit headers; `server_half(protocol)` gives the other half of those in `SERVED`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.core.lazily import lazily

if TYPE_CHECKING:
    from routerterm.protocols.base import Codec as Codec
    from routerterm.protocols.base import Decoder as Decoder
    from routerterm.protocols.base import HttpRequest as HttpRequest
    from routerterm.protocols.base import ListedModel as ListedModel
    from routerterm.protocols.classify import classify as classify
    from routerterm.protocols.limits import RateLimit as RateLimit
    from routerterm.protocols.limits import RateLimits as RateLimits
    from routerterm.protocols.limits import limits as limits
    from routerterm.protocols.registry import PROTOCOLS as PROTOCOLS
    from routerterm.protocols.registry import SERVED as SERVED
    from routerterm.protocols.registry import codec as codec
    from routerterm.protocols.registry import dialects as dialects
    from routerterm.protocols.registry import server_half as server_half

__getattr__ = lazily(
    __name__,
    {
        "Codec": "routerterm.protocols.base",
        "Decoder": "routerterm.protocols.base",
        "HttpRequest": "routerterm.protocols.base",
        "ListedModel": "routerterm.protocols.base",
        "classify": "routerterm.protocols.classify",
        "RateLimit": "routerterm.protocols.limits",
        "RateLimits": "routerterm.protocols.limits",
        "limits": "routerterm.protocols.limits",
        "PROTOCOLS": "routerterm.protocols.registry",
        "SERVED": "routerterm.protocols.registry",
        "codec": "routerterm.protocols.registry",
        "dialects": "routerterm.protocols.registry",
        "server_half": "routerterm.protocols.registry",
    },
)
