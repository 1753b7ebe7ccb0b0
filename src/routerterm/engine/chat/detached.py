"""When the terminal goes away, running answers go on until they are finished, some minutes at most.

What the interface must do when it gets SIGHUP: `detach_terminal`, `await DetachedReplies.wait_for_replies()`, end.
The loop, the sessions and whoever reads their events stay alive meanwhile; nothing is drawn.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routerterm.engine.chat.reply import RunningReply

LONGEST = 600.0
"""Seconds that a program outlives its terminal."""


class DetachedReplies:
    """Counts the answers that are running in this program."""

    def __init__(self) -> None:
        self._running: list[RunningReply] = []
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def answers(self) -> int:
        """How many answers are running."""
        return len(self._running)

    @contextmanager
    def running(self, reply: RunningReply) -> Iterator[None]:
        """While an answer runs, its end saved included."""
        self._running.append(reply)
        self._quiet.clear()
        try:
            yield
        finally:
            self._running.remove(reply)
            if not self._running:
                self._quiet.set()

    async def wait_for_replies(self, longest: float = LONGEST) -> bool:
        """Wait until no answer runs any more; False if some still did after ``longest`` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), longest)
        return not self._running


def detach_terminal() -> None:
    """Point the standard streams that were the terminal elsewhere, so that no write to it can fail or block."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        with suppress(OSError):
            if _was_terminal(stream):
                os.dup2(nowhere, stream)
    os.close(nowhere)


@contextmanager
def unless_hung_up() -> Iterator[None]:
    """Write to the terminal; one that is gone before the signal came that says so is let go of."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        detach_terminal()


def on_hangup(loop: asyncio.AbstractEventLoop, then: Callable[[], object]) -> None:
    """Call ``then`` on the loop when the terminal has gone, instead of dying of it."""
    if sys.platform == "win32":
        return
    loop.add_signal_handler(signal.SIGHUP, then)
    for signum in (signal.SIGTTOU, signal.SIGTTIN, signal.SIGPIPE):  # of a terminal that is no longer ours
        signal.signal(signum, signal.SIG_IGN)


def finish_without_terminal(longest: float = LONGEST) -> None:
    """When the terminal goes away, let the running task go on without it, and cancel it after ``longest`` seconds."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def gone() -> None:
        detach_terminal()
        if task is not None:
            loop.call_later(longest, task.cancel)

    on_hangup(loop, gone)


def _was_terminal(stream: int) -> bool:
    """Whether it is a terminal, or was one that has hung up and now answers only with errors."""
    try:
        return os.isatty(stream) or os.ttyname(stream) != ""
    except OSError:
        import stat

        return stat.S_ISCHR(os.fstat(stream).st_mode)
