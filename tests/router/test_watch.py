"""The limit on a read: it ends late ones, leaves others alone, and never eats a cancellation from outside."""

from __future__ import annotations

import asyncio

import pytest

from routerterm.router.run.read_timeout import ReadTimeout


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def test_what_comes_in_time_is_given() -> None:
    watch, loop = ReadTimeout(), asyncio.get_running_loop()
    for number in range(100):
        assert await watch.until(loop.time() + 30.0, asyncio.sleep(0, number)) == number
    watch.close()


async def test_what_comes_too_late_is_a_timeout_and_the_task_goes_on() -> None:
    watch, loop = ReadTimeout(), asyncio.get_running_loop()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await watch.until(loop.time() + 0.01, never())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await watch.until(loop.time() + 30.0, asyncio.sleep(0.02, "still here")) == "still here"
    watch.close()


async def test_a_later_limit_outlives_the_timer_of_an_earlier_one() -> None:
    watch, loop = ReadTimeout(), asyncio.get_running_loop()
    await watch.until(loop.time() + 0.01, asyncio.sleep(0))
    assert await watch.until(loop.time() + 30.0, asyncio.sleep(0.05, "late")) == "late"
    watch.close()


async def test_an_earlier_limit_is_not_kept_waiting_by_a_later_one() -> None:
    watch, loop = ReadTimeout(), asyncio.get_running_loop()
    await watch.until(loop.time() + 3600.0, asyncio.sleep(0))
    with pytest.raises(TimeoutError):
        await watch.until(loop.time() + 0.01, never())
    watch.close()


async def test_a_cancellation_from_outside_stays_one() -> None:
    watch, loop = ReadTimeout(), asyncio.get_running_loop()
    task = asyncio.ensure_future(watch.until(loop.time() + 30.0, never()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    watch.close()


async def test_both_at_once_is_a_cancellation() -> None:
    """The limit goes off in the same turn of the loop in which the person stops: the person's word counts."""
    watch, loop = ReadTimeout(), asyncio.get_running_loop()
    outer = asyncio.ensure_future(watch.until(loop.time() + 30.0, never()))
    await asyncio.sleep(0)
    watch._due = 0.0
    watch._gone_off()
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
    watch.close()


async def test_an_outer_timeout_is_told_apart_from_ours() -> None:
    watch, loop = ReadTimeout(), asyncio.get_running_loop()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01) as outer:
            await watch.until(loop.time() + 30.0, never())
    assert outer.expired()
    watch.close()


async def test_several_tasks_may_read_in_turn() -> None:
    """A hedge listens in a task of its own, and the winner is read on in another."""
    watch, loop = ReadTimeout(), asyncio.get_running_loop()
    assert await asyncio.create_task(watch.until(loop.time() + 30.0, asyncio.sleep(0, 1))) == 1
    with pytest.raises(TimeoutError):
        await asyncio.create_task(watch.until(loop.time() + 0.01, never()))
    assert await watch.until(loop.time() + 30.0, asyncio.sleep(0, 2)) == 2
    watch.close()
