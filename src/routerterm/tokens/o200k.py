"""Exact counts in OpenAI's ``o200k_base`` by tiktoken, from the ranks shipped with the program: nothing is downloaded.

tiktoken's tables take 50 MB, and half a second of a desktop's processor to build.  A command line that waits for them
anyway calls `load_now`; a screen or a gateway leaves them to a process beside it, which runs this very file (see
`routerterm.tokens.helper`), so it imports nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
from binascii import a2b_base64
from functools import cache
from pathlib import Path
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

_RANKS = Path(__file__).parent / "data" / "o200k_base.tiktoken.gz"
_PIECE = 50_000
"""Characters that are encoded in one go: tiktoken dies of half a million blanks.  A cut costs a token at most."""
_NICENESS = 10
"""The process beside the screen never takes the processor from it."""


class O200k:
    """The encoding, loaded.  Thread-safe."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def count(self, text: str) -> int:
        """Tokens of ``text``, special tokens taken as plain text."""
        if len(text) <= _PIECE:
            return len(self._encoding.encode_ordinary(text))
        pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
        return sum(len(self._encoding.encode_ordinary(piece)) for piece in pieces)


@cache
def load_now() -> O200k:
    """The encoding, loaded while the caller waits: half a second on a desktop."""
    import gzip

    from tiktoken import Encoding

    ranks: dict[bytes, int] = {}
    for line in gzip.decompress(_RANKS.read_bytes()).splitlines():
        token, _, rank = line.partition(b" ")
        ranks[a2b_base64(token)] = int(rank)
    encoding = Encoding("o200k_base", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    ranks.clear()  # tiktoken has a table of its own now: without this one it takes half the memory
    return O200k(encoding)


def answer_pipe() -> None:
    """Be the process beside: for each line of standard input, a JSON string, say how many tokens it is."""
    if sys.platform != "win32":
        os.nice(_NICENESS)
    encoding = load_now()
    for line in sys.stdin.buffer:
        print(encoding.count(json.loads(line)), flush=True)


if __name__ == "__main__":
    answer_pipe()
