"""Which model is asked, with which key, and what happens when it fails: pure decisions and one thin client."""

from __future__ import annotations

from routerterm.router.client import Router
from routerterm.router.options import Limits, Route, RouteModel, RouterOptions, TimeoutOptions
from routerterm.router.ports import Hooks

__all__ = ["Hooks", "Limits", "Route", "RouteModel", "Router", "RouterOptions", "TimeoutOptions"]
