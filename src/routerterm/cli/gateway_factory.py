"""The gateway for a program that runs it inside itself, as the settings say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routerterm.gateway.server import Gateway
    from routerterm.wiring import Services

TOKEN_VARIABLE = "ROUTERTERM_GATEWAY_TOKEN"


def gateway_of(services: Services, host: str | None = None, port: int | None = None, *, mock: bool = False) -> Gateway:
    """A gateway that is not open yet; with ``mock`` it asks no provider.

    Raises `RoutertermError` where the extra is not installed.
    """
    from routerterm.core.errors import RoutertermError
    from routerterm.core.installing import how_to_add
    from routerterm.core.secret import Secret

    try:
        from routerterm.gateway.server import Gateway
    except ModuleNotFoundError as error:
        raise RoutertermError(
            f"The gateway needs {error.name}, which is not installed.",
            f"Install it with: {how_to_add('serve')}",
        ) from error
    own, token = services.settings.gateway, os.environ.get(TOKEN_VARIABLE, "").strip()
    port = own.port if port is None else port
    return Gateway(services, host=host or own.host, port=port, token=Secret(token) if token else None, mock=mock)
