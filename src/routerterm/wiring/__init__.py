"""The one place where the parts are put together."""

from routerterm.wiring.services import Services, open_app, open_services

__all__ = ["Services", "open_app", "open_services"]
