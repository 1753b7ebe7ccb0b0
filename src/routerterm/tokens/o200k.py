"""Exact counts in OpenAI's ``o200k_base``, from the ranks shipped with the program.

Our own loop over the published ranks rather than tiktoken's: tiktoken holds the interpreter for 0.1–0.3 s while it
builds its tables (the screen stands still, on a Pi for a second) and takes 85 MB for them; a dictionary of the ranks
takes 37 MB, lets other threads run while it grows, and for a word that is a token counts as fast.  Tests hold it
against tiktoken.
"""

from __future__ import annotations

import gzip
from binascii import a2b_base64
from heapq import heapify, heappop, heappush
from importlib.resources import files
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regex import Pattern

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

_REMEMBERED = 50_000
"""Words whose count is kept; more are counted again."""
_LONGEST = 4096
"""Characters of a word that are merged in one go.  A longer one is no language: a token may be wrong at each cut."""


class O200k:
    """The encoding, loaded.  Thread-safe."""

    def __init__(self, ranks: dict[bytes, int], pattern: Pattern[str]) -> None:
        self._ranks = ranks
        self._pattern = pattern
        self._words: dict[str, int] = {}

    @classmethod
    def load(cls) -> O200k:
        """Read the shipped ranks: about a third of a second on a desktop, off the main thread if it matters."""
        import regex

        packed = (files("routerterm.tokens") / "data" / "o200k_base.tiktoken.gz").read_bytes()
        ranks: dict[bytes, int] = {}
        for line in gzip.decompress(packed).splitlines():
            token, _, rank = line.partition(b" ")
            ranks[a2b_base64(token)] = int(rank)
        return cls(ranks, regex.compile(PATTERN))

    def count(self, text: str) -> int:
        """Tokens of ``text``, special tokens taken as plain text."""
        total, words = 0, self._words
        for match in self._pattern.finditer(text):
            word = match[0]
            tokens = words.get(word)
            if tokens is None:
                tokens = self._count_word(word)
            total += tokens
        return total

    def _count_word(self, word: str) -> int:
        if len(word) > _LONGEST:
            pieces = [word[start : start + _LONGEST] for start in range(0, len(word), _LONGEST)]
            counts = {piece: self._count_word(piece) for piece in set(pieces)}
            return sum(counts[piece] for piece in pieces)
        data = word.encode("utf-8", "surrogatepass")
        tokens = 1 if data in self._ranks else merged_length(data, self._ranks)
        if len(self._words) < _REMEMBERED and len(word) <= 64:
            self._words[word] = tokens
        return tokens


def merged_length(data: bytes, ranks: dict[bytes, int]) -> int:
    """How many tokens byte pair encoding leaves of a word, in time n log n (a word can be a megabyte of one letter).

    Neighbours of the lowest rank are joined first, the leftmost first among equals.
    """
    length = len(data)
    end = list(range(1, length + 1))
    before = list(range(-1, length - 1))
    queue = [(rank, start) for start in range(length - 1) if (rank := ranks.get(data[start : start + 2])) is not None]
    heapify(queue)
    alive, tokens = bytearray(b"\1" * length), length
    while queue:
        rank, start = heappop(queue)
        middle = end[start]
        if not alive[start] or middle >= length or ranks.get(data[start : end[middle]]) != rank:
            continue  # a neighbour was joined since
        stop = end[start] = end[middle]
        alive[middle] = 0
        tokens -= 1
        if stop < length:
            before[stop] = start
            if (next_rank := ranks.get(data[start : end[stop]])) is not None:
                heappush(queue, (next_rank, start))
        previous = before[start]
        if previous >= 0 and (next_rank := ranks.get(data[previous:stop])) is not None:
            heappush(queue, (next_rank, previous))
    return tokens


_loaded: O200k | None = None
_loading: Thread | None = None
_lock = Lock()


def loaded() -> O200k | None:
    """The encoding if it is there already."""
    return _loaded


def load_now() -> O200k:
    """The encoding, loaded while the caller waits."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = O200k.load()
        return _loaded


def load_later() -> None:
    """Begin to load in a thread of its own, once; the screen goes on meanwhile."""
    global _loading
    if _loaded is None and _loading is None:
        _loading = Thread(target=load_now, name="o200k", daemon=True)
        _loading.start()
