"""From the setting to the shared state; the server's library is imported with the first question."""

from __future__ import annotations

from importlib import import_module

from routerterm.core.errors import SettingsError
from routerterm.core.installing import how_to_add
from routerterm.core.secret import Secret
from routerterm.store.shared.server import Address, SharedServer
from routerterm.store.shared.state import SharedState

_POSTGRESQL, _REDIS = ("postgresql", "PostgreSql", "PostgreSQL"), ("redis", "RedisServer", "Redis")
_SERVERS = {
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "redis": _REDIS,
    "rediss": _REDIS,
    "unix": _REDIS,
}
"""By scheme: the module (and the extra of its name), the class, and the server's name."""


def shared_state(url: Secret) -> SharedState:
    """The shared state at a URL; nothing is connected yet.  Raises `SettingsError` where none speaks its scheme."""
    scheme = url.reveal().partition("://")[0]
    if scheme not in _SERVERS:
        raise SettingsError(
            "The URL of the shared state must begin with postgresql:// or redis://.", "It is the setting gateway.state."
        )
    module, name, kind = _SERVERS[scheme]
    address = Address.of(url.reveal(), kind)

    def connect() -> SharedServer:
        try:
            found = import_module(f"routerterm.store.shared.{module}")
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"The shared state needs {error.name}, which is not installed.",
                f"Install it with: {how_to_add(module)}",
            ) from error
        server: SharedServer = getattr(found, name)(url, address)
        return server

    return SharedState(connect, str(address))
