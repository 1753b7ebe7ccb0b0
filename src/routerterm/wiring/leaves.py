"""What leaves with the next message, by the services of the moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from routerterm.engine.chat.leaves import Sheet, sheet_of

if TYPE_CHECKING:
    from routerterm.core.messages import Message
    from routerterm.core.request import Params
    from routerterm.engine.chat.session import Session
    from routerterm.wiring.services import Services


async def what_leaves(
    services: Services,
    session: Session,
    message: Message | None,
    model: str,
    *,
    params: Params,
    system: str | None = None,
    instead: str = "",
) -> Sheet:
    """The sheet of ``message``, sent now in this conversation (in place of the question ``instead``); nothing is.

    Raises the `RoutertermError` with which sending it would fail.
    """
    request, fitted = await session.draft(message, model=model, params=params, system=system, instead=instead)
    outgoing = await services.outgoing(request)
    warm = await services.router.warm_cache(request, outgoing.target)
    return await asyncio.to_thread(sheet_of, outgoing, fitted, services.costs.estimator, warm)
