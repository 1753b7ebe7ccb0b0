"""What befalls a program of the soak test from within: its clock jumps, and its disk is full or slow for a while.

To be imported before anything of ours reads a clock.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

OFFSET = [0.0]
_true_time = time.time
time.time = lambda: _true_time() + OFFSET[0]
time.time_ns = lambda: int(time.time() * 1e9)

from tests.store.shim import Disk, worn  # noqa: E402

DAY = 86_400
Tell = Callable[..., None]


def _befall(disk: Disk, chance: random.Random, tell: Tell) -> None:
    while True:
        time.sleep(chance.uniform(4, 20))
        match chance.randrange(3):
            case 0:
                OFFSET[0] += chance.choice((-1, 1)) * chance.uniform(1, 2 * DAY)
                tell("jumped", round(OFFSET[0]))
            case 1:
                tell("full", 0)
                disk.room = 0
                time.sleep(chance.uniform(0.3, 3))
                disk.room = None
            case _:
                tell("slow", 0)
                disk.sync_delay = chance.uniform(0.05, 0.6)
                time.sleep(chance.uniform(1, 4))
                disk.sync_delay = 0.0
        disk.waits.clear()


def expose(seed: str, tell: Tell = lambda *_: None) -> None:
    """Let it befall this process from now on."""
    disk = Disk()
    wearing = worn(disk)
    if not wearing.__enter__():  # for as long as the process lives
        tell("NO LAYER UNDER SQLITE", 0)
    threading.Thread(target=_befall, args=(disk, random.Random(f"trouble {seed}"), tell), daemon=True).start()
