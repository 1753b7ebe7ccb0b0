"""How long an answer may be where a cap has to hold: the provider is told to keep to what was reserved for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from routerterm.core.ledger import Cap
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Forecast
from routerterm.router.hooks import Forecaster
from routerterm.router.policy import Option

ROOM = 2
"""Times the longest answer that is foreseen: so much is allowed for, where the caps leave it."""


def allowances(
    request: ChatRequest, option: Option, caps: Sequence[Cap], forecaster: Forecaster
) -> Iterator[tuple[ChatRequest, Forecast | None]]:
    """The request as it may be sent, with what it then costs at most: the roomiest first, for as long as caps refuse.

    Without a cap on dollars or tokens, and where the request itself says how long its answer may be, it goes as it is.
    """
    foreseen, most, longest = option.forecast, request.params.max_output, option.model.max_output
    if most is not None and longest is not None and most > longest:
        # No provider gives more, and some refuse to be asked for it: the limit was meant for another candidate.
        request = replace(request, params=replace(request.params, max_output=longest))
    if (
        foreseen is None
        or foreseen.answer is None
        or request.params.max_output is not None
        or all(cap.unit == "requests" for cap in caps)
    ):
        yield request, foreseen
        return
    # Some providers count the longest possible answer against a key's tokens per minute: no more than needed there.
    rooms = (1,) if any(view.limited for view in option.keys) else (ROOM, 1)
    tried = None
    for room in rooms:
        most = min(foreseen.answer * room, option.model.max_output or foreseen.answer * room)
        if most != tried:
            tried = most
            allowed = replace(request, params=replace(request.params, max_output=most))
            yield allowed, forecaster.forecast(allowed, option.model)
