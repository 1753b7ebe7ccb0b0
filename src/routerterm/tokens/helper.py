"""Exact counts from a process beside this one, so that tiktoken's tables take nothing of this one's memory and time.

The process is started by the first text that it is asked for, takes one text at a time over a pipe, and is ended after
a minute in which nobody asked.  Who asks does not wait: the count is there the next time.  Where the process cannot be
had (no tiktoken, no memory), there simply are no exact counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from threading import Condition, Thread

from routerterm.tokens import o200k

IDLE = 60.0
"""Seconds without work after which the process is ended."""
KNOWN = 4_000
"""Texts whose count is kept."""
WAITING = 4_000_000
"""Characters that may wait to be counted; what comes on top stays estimated."""
_TRIES = 2
"""Times in a row that the process may fail before it is left alone for good."""

_Key = tuple[int, int]


class CountingHelper:
    """Counts texts elsewhere.  Thread-safe."""

    def __init__(self, idle: float = IDLE) -> None:
        self._idle = idle
        self._known: dict[_Key, int] = {}
        self._waiting: deque[str] = deque()
        self._size = 0
        self._asked: set[_Key] = set()
        self._change = Condition()
        self._thread: Thread | None = None
        self._failed = 0
        self.pid: int | None = None
        """The process, while there is one."""

    def known(self, text: str) -> int | None:
        """The tokens of a text, if they have been counted; if not, they will be."""
        if not text:
            return 0
        key = _key(text)
        with self._change:
            found = self._known.get(key)
            if found is None and key not in self._asked and self._size + len(text) <= WAITING:
                self._ask(key, text)
            return found

    def _ask(self, key: _Key, text: str) -> None:
        if self._failed >= _TRIES:
            return
        self._asked.add(key)
        self._waiting.append(text)
        self._size += len(text)
        if self._thread is None:
            self._thread = Thread(target=self._work, name="exact counts", daemon=True)
            self._thread.start()
        self._change.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until all that was asked for is counted; whether it is."""
        with self._change:
            return self._change.wait_for(lambda: not self._asked, seconds)

    # -- in the thread ------------------------------------------------------------------------------------------------
    def _work(self) -> None:
        """Own the process for as long as there is something to do."""
        try:
            with _start() as process:
                self.pid = process.pid
                try:
                    self._serve(process)
                finally:
                    self.pid = None
                    process.kill()
        except (OSError, ValueError):  # it could not be started, was killed, or said something else than a number
            with self._change:
                self._failed += 1
                self._give_up()

    def _serve(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        while (text := self._next()) is not None:
            process.stdin.write(json.dumps(text).encode() + b"\n")
            process.stdin.flush()
            self._learn(text, int(process.stdout.readline()))

    def _next(self) -> str | None:
        with self._change:
            if not self._change.wait_for(lambda: bool(self._waiting), self._idle):
                self._thread = None  # under the lock: whoever asks from now on starts another
                return None
            return self._waiting.popleft()

    def _learn(self, text: str, tokens: int) -> None:
        with self._change:
            self._failed = 0
            self._size -= len(text)
            key = _key(text)
            self._asked.discard(key)
            if len(self._known) >= KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[key] = tokens
            self._change.notify_all()

    def _give_up(self) -> None:
        self._thread = None
        self._waiting.clear()
        self._asked.clear()
        self._size = 0
        self._change.notify_all()


def _key(text: str) -> _Key:
    """Instead of the text itself, which may be a megabyte: two of the same key are unheard of within a session."""
    return len(text), hash(text)


def _start() -> subprocess.Popen[bytes]:
    """The process: it sees no variable of ours but where modules are, no key among them."""
    kept = {name: value for name in ("SYSTEMROOT", "LD_LIBRARY_PATH") if (value := os.environ.get(name))}
    return subprocess.Popen(
        [sys.executable, "-s", "-P", o200k.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        cwd=os.path.dirname(o200k.__file__),
    )
