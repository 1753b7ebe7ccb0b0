"""Going on with an answer that was cut: what to prefill, and where the continuation repeats what is there.

A model that is given the beginning of an answer may say its last words again, or start all over.
`Seam` holds back the first pieces until it is certain, and drops the repetition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.messages import Message

if TYPE_CHECKING:
    from routerterm.core.request import ChatRequest

GO_ON = (
    "Your previous answer was cut off. Continue it exactly where it stopped, in the middle of a word if need be."
    " Repeat nothing of it and add no remark: what you write is appended to it."
)
"""What a model that takes no prefill is asked."""
_SHORTEST = 16
"""Characters below which an overlap may be chance: "the ", "}\\n}\\n"."""
_REACH = 600
"""How far back from the end a repetition may begin, unless it begins at the very start."""


def prefill(partial: str) -> str:
    """The beginning of an answer as providers accept it: without blanks at its end."""
    return partial.rstrip()


def continued(request: ChatRequest, prefilled: str, *, can_prefill: bool) -> tuple[ChatRequest, str]:
    """The request and the prefill that have a model go on with the answer that the request ends with.

    ``prefilled`` is what another model has added to it since.  A model that takes no prefill is asked in words.
    """
    if not request.continues or not request.messages:
        return request, prefilled
    partial = request.messages[-1].text
    if can_prefill:
        return replace(request, messages=request.messages[:-1]), prefill(partial + prefilled)
    said = (*request.messages[:-1], Message.of("assistant", prefill(partial)), Message.of("user", GO_ON))
    return replace(request, messages=said), prefilled


class ContinuationJoiner:
    """Joins a continuation to ``partial``.  The text that comes out is what is to be appended to it."""

    def __init__(self, partial: str) -> None:
        self._partial = partial.rstrip()
        self._blank = partial[len(self._partial) :]
        self._held: list[str] = []
        self._starts = self._possible_starts()
        self._size = 0
        self._done = len(self._partial) < _SHORTEST and not self._blank

    def feed(self, text: str) -> str:
        """What is certain after this piece."""
        if self._done:
            return text
        self._held.append(text)
        self._size += len(text)
        held = "".join(self._held)
        self._held = [held]
        if held.isspace() or not held:
            return ""
        body = held.lstrip()
        lead = held[: len(held) - len(body)]
        self._starts = [start for start in self._starts if self._fits(start, held) or self._fits(start, body)]
        open_ended = any(len(self._partial) - start > len(body) for start in self._starts)
        return "" if open_ended else self._decide(held, body, lead)

    def end(self) -> str:
        """What was held back when the stream ended."""
        if self._done:
            return ""
        held = "".join(self._held)
        body = held.lstrip()
        # Only a repetition that reaches the end of the partial is one; a piece out of its middle is text.
        return self._decide(held, body, held[: len(held) - len(body)]) if held else ""

    def _decide(self, held: str, body: str, lead: str) -> str:
        self._done = True
        self._held = []
        for start in self._starts:
            length = len(self._partial) - start
            for text in (held, body):
                if len(text) >= length and text.startswith(self._partial[start:]):
                    return self._joined(text[length:])
        if self._blank:
            return self._joined(held)
        return held

    def _joined(self, rest: str) -> str:
        """The rest, without the blanks that the partial already ends with."""
        common = 0
        while common < min(len(rest), len(self._blank)) and rest[common] == self._blank[common]:
            common += 1
        return rest[common:]

    def _possible_starts(self) -> list[int]:
        """Where in the partial a repetition may begin, the longest first."""
        last = len(self._partial) - _SHORTEST
        if last < 0:
            return []
        first = max(0, len(self._partial) - _REACH)
        return ([0] if first else []) + list(range(first, last + 1))

    def _fits(self, start: int, text: str) -> bool:
        length = min(len(text), len(self._partial) - start)
        return self._partial.startswith(text[:length], start)
