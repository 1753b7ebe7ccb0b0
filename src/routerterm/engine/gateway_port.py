"""What a program needs of a gateway that runs inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from routerterm.engine.usage.request_log import RequestLog


class Host(Protocol):
    """A gateway, running or not."""

    @property
    def address(self) -> str:
        """Where clients find it."""
        ...

    @property
    def request_log(self) -> RequestLog:
        """The newest requests."""
        ...

    async def start(self) -> None:
        """Open it.  Raises `RoutertermError`."""
        ...

    async def stop(self, grace: float = ...) -> None:
        """End it; running answers may finish for so many seconds."""
        ...


HostMaker: TypeAlias = Callable[[Any], Host]
"""Makes a gateway over the services of a program; raises `RoutertermError` where the extra is not installed."""
