"""Runs what may block in a thread, with a time limit: neither the program nor its end waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

from routerterm.config.keys.errors import VaultSlow

T = TypeVar("T")


async def run_with_timeout(who: str, work: Callable[[], T], limit: float) -> T:
    """What ``work`` gives, waiting at most ``limit`` seconds.  Raises `VaultSlow`; the thread is then left behind.

    The thread is a daemon: a keyring that hangs must not keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - handed to the one who waits
            error = raised
        with suppress(RuntimeError):  # the loop ended meanwhile
            loop.call_soon_threadsafe(deliver, result, error)

    Thread(target=run, name=f"keys: {who}", daemon=True).start()
    done, _ = await asyncio.wait({answer}, timeout=limit)
    if not done:
        answer.cancel()
        raise VaultSlow(f"{who} did not answer within {limit:g} s.", "Try again, or use another place for your keys.")
    return answer.result()
