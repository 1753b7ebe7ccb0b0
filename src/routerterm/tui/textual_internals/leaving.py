"""Screens that are left before they are put together, or while they wait for something."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypeVar

from textual import events
from textual._context import active_message_pump
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed, active_worker
from textual.worker_manager import WorkerManager

if TYPE_CHECKING:
    from typing import Any

    from textual.message import Message
    from textual.worker import Worker

Answer = TypeVar("Answer")


def is_left(node: object) -> bool:
    """Whether a widget, or the screen it is on, was left: its parts go one by one, and some may never have come."""
    if not isinstance(node, Widget):
        return False
    if any(part._pruning or part._closing or part._closed for part in node.ancestors_with_self):
        return True
    screen = next((part for part in node.ancestors_with_self if isinstance(part, Screen)), None)
    return screen is not None and screen not in screen.app.screen_stack


def looked_behind(error: BaseException, by: object = None) -> bool:
    """Whether an error is but a look for a part of what was left meanwhile, by a widget or by whatever runs now."""
    if isinstance(error, WorkerFailed):
        return looked_behind(error.error, active_worker.get().node)
    return isinstance(error, NoMatches) and is_left(by or active_message_pump.get(None))


class LeavableScreen(Screen[Answer]):
    """A screen that may be left at any moment: before it is put together, and while it waits for something."""

    async def _dispatch_message(self, message: Message) -> None:
        if isinstance(message, events.Mount) and is_left(self):
            return  # what is done when the parts are there is not done without them
        try:
            await super()._dispatch_message(message)
        except NoMatches:
            if not is_left(self):
                raise


class LeavableWork(WorkerManager):
    """Work that may be given up before it begins: its screen is left at once, or newer work takes its place."""

    def _remove_worker(self, worker: Worker[Any]) -> None:
        super()._remove_worker(worker)
        if inspect.iscoroutine(worker._work):
            worker._work.close()  # else Python warns, whenever it is collected, that it was never awaited
