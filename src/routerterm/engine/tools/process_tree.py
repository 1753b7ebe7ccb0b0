"""All that a server has started, also what left its process group and its session, and what init has adopted since.

On Linux a process is known by a variable of its environment, which its children inherit.  Elsewhere, and for a child
that was given another environment, the process group is all that can be ended.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "ROUTERTERM_TOOL_SERVER"
"""The variable; its value is another one for each server that is started."""
_PROC = Path("/proc")


def marked(value: str) -> Iterator[int]:
    """The processes with this mark.  Blocks: it reads the environment of each process of ours."""
    wanted = f"{MARK}={value}".encode()
    with suppress(OSError):  # no /proc here
        for entry in os.listdir(_PROC):
            if entry.isdecimal() and entry != str(os.getpid()) and _has(int(entry), wanted):
                yield int(entry)


def end_marked(value: str, sign: signal.Signals) -> int:
    """Send the signal to each process with this mark; how many there were.  Blocks."""
    wanted, count = f"{MARK}={value}".encode(), 0
    for pid in list(marked(value)):
        with suppress(OSError):  # it has ended meanwhile
            handle = os.pidfd_open(pid)  # type: ignore[attr-defined, unused-ignore] # Linux only, as /proc is
            try:
                if _has(pid, wanted):  # the number may be another process's by now: the handle never is
                    signal.pidfd_send_signal(handle, sign)  # type: ignore[attr-defined, unused-ignore]
                    count += 1
            finally:
                os.close(handle)
    return count


def _has(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # another user's, or gone
        return False
