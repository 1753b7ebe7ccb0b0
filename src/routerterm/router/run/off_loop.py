"""Work in proportion to a request: done at once for a small one, beside the event loop for a large one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from routerterm.core.messages import Image, Part
from routerterm.core.request import ChatRequest

P = ParamSpec("P")
T = TypeVar("T")
_LARGE = 100_000
"""Characters (and bytes of pictures) from which on a thread is worth its start: they take some milliseconds."""
_MANY = 200
"""The same for messages."""


async def off_loop(request: ChatRequest, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``work(*args)``, so that other requests, streams and keys go on meanwhile."""
    if is_large(request):
        import asyncio  # whoever runs this has it; `import routerterm.router` does without

        return await asyncio.to_thread(work, *args, **kwargs)
    return work(*args, **kwargs)


def is_large(request: ChatRequest) -> bool:
    """Whether working through it takes longer than others should wait."""
    if len(request.messages) > _MANY:
        return True
    return sum(_size(part) for message in request.messages for part in message.parts) > _LARGE


def _size(part: Part) -> int:
    if isinstance(part, Image):
        return len(part.data)
    return len(getattr(part, "text", "")) + len(getattr(part, "arguments", ""))
