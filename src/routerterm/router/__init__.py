"""Which model is asked, with which key, and what happens when it fails: pure decisions and one thin client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.core.lazily import lazily

if TYPE_CHECKING:
    from routerterm.router.client import Router as Router
    from routerterm.router.hooks import Hooks as Hooks
    from routerterm.router.options import Limits as Limits
    from routerterm.router.options import Route as Route
    from routerterm.router.options import RouteModel as RouteModel
    from routerterm.router.options import RouterOptions as RouterOptions
    from routerterm.router.options import Timeouts as Timeouts

__getattr__ = lazily(
    __name__,
    {
        "Router": "routerterm.router.client",
        "Hooks": "routerterm.router.hooks",
        "Limits": "routerterm.router.options",
        "Route": "routerterm.router.options",
        "RouteModel": "routerterm.router.options",
        "RouterOptions": "routerterm.router.options",
        "Timeouts": "routerterm.router.options",
    },
)
