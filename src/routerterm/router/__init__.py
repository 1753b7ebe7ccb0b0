"""Which model is asked, with which key, and what happens when it fails: pure decisions and one thin client."""

from __future__ import annotations

from routerterm.router.client import Router
from routerterm.router.options import Limits, Route, RouteModel, RouterOptions, TimeoutOptions
from routerterm.router.ports import RouterPorts

__all__ = ["Limits", "Route", "RouteModel", "Router", "RouterOptions", "RouterPorts", "TimeoutOptions"]
