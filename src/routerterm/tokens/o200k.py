"""Exact counts in OpenAI's ``o200k_base`` by tiktoken, from the ranks shipped with the program: nothing is downloaded.

While tiktoken builds its tables it holds the interpreter for a quarter of a second (on a Pi, a second), and a screen
stands still.  So a screen counts with `LightCounter` at first and has the tables built in a thread, in a moment when
nobody types and no answer comes in; see `build_only_when`.
"""

from __future__ import annotations

import gzip
import time
from binascii import a2b_base64
from collections.abc import Callable
from importlib.resources import files
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

_WORD_END = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
PATTERN = "|".join(
    (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_WORD_END}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_WORD_END}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
"""How text falls into words before the words fall into tokens (published with the encoding)."""

_PIECE = 50_000
"""Characters that are encoded in one go: tiktoken dies of half a million blanks.  A cut costs a token at most."""
_POLL = 0.25


class O200k:
    """The encoding, loaded.  Thread-safe."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    @classmethod
    def load(cls, quiet: Callable[[], bool]) -> O200k:
        """Read the shipped ranks and build the tables: half a second on a desktop.  Waits until it is ``quiet``."""
        _wait(quiet)
        packed = (files("routerterm.tokens") / "data" / "o200k_base.tiktoken.gz").read_bytes()
        ranks: dict[bytes, int] = {}
        for line in gzip.decompress(packed).splitlines():
            token, _, rank = line.partition(b" ")
            ranks[a2b_base64(token)] = int(rank)
        from tiktoken import Encoding

        _wait(quiet)
        encoding = Encoding("o200k_base", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
        ranks.clear()  # tiktoken has a table of its own now: without this one it takes half the memory
        return cls(encoding)

    def count(self, text: str) -> int:
        """Tokens of ``text``, special tokens taken as plain text."""
        if len(text) <= _PIECE:
            return len(self._encoding.encode_ordinary(text))
        pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
        return sum(len(self._encoding.encode_ordinary(piece)) for piece in pieces)


_loaded: O200k | None = None
_loading: Thread | None = None
_lock = Lock()


def _always() -> bool:
    return True


_quiet: Callable[[], bool] = _always


def loaded() -> O200k | None:
    """The encoding if it is there already."""
    return _loaded


def load_now() -> O200k:
    """The encoding, loaded while the caller waits."""
    return _load(_always)


def load_later() -> None:
    """Begin to load in a thread of its own, once; the screen goes on meanwhile."""
    global _loading
    if _loaded is None and _loading is None:
        _loading = Thread(target=_load, args=(lambda: _quiet(),), name="o200k", daemon=True)
        _loading.start()


def build_only_when(quiet: Callable[[], bool]) -> None:
    """Let `load_later` work only while ``quiet()`` holds, which is asked from its thread."""
    global _quiet
    _quiet = quiet


def _load(quiet: Callable[[], bool]) -> O200k:
    global _loaded
    if _loaded is None:
        built = O200k.load(quiet)  # outside the lock: whoever needs it now must not wait for a quiet moment
        with _lock:
            _loaded = _loaded or built
    return _loaded


def _wait(quiet: Callable[[], bool]) -> None:
    while not quiet():
        time.sleep(_POLL)
