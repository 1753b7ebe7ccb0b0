"""The one place where the parts are put together."""

from routerterm.tokens.o200k import build_only_when as count_exactly_when
from routerterm.wiring.services import Services, open_app, open_services

__all__ = ["Services", "count_exactly_when", "open_app", "open_services"]
