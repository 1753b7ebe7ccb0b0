"""Parts what a model thinks aloud in tags from its answer, however the tags are cut."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["text", "thought", "closed"]
Piece: TypeAlias = tuple[Kind, str]

PAIRS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",
    "\u25c1think\u25b7": "\u25c1/think\u25b7",
}
"""The tags of the models that are served without a parser for them."""
_ORPHAN = "</think>"
"""The tag that comes alone where a chat template opened the thinking itself."""
_LONGEST_START = 256
"""Characters of blanks that are held back before a tag that may open the answer."""


def overlap(text: str, tag: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``tag``."""
    for length in range(min(len(text), len(tag) - 1), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0


class ThinkSplitter:
    """Only a tag that opens the answer counts, or a closing one that nothing opened.

    A model may well write about the tags: in code, or after it opened one itself, they are text.
    """

    def __init__(self) -> None:
        self._read = self._start
        self._held = ""
        self._close = _ORPHAN
        self._backticks = 0
        self.is_idle = False
        """Whether a piece without a ``<`` or a backtick is text for certain."""

    @property
    def holds(self) -> bool:
        """Whether a part of a possible tag is held back."""
        return bool(self._held)

    def feed(self, piece: str) -> list[Piece]:
        """The pieces by kind; a part of a possible tag is held back.  ``closed`` makes thoughts of all text before."""
        piece, self._held = self._held + piece, ""
        pieces = self._read(piece)
        self.is_idle = not self._held and self._read in (self._answer, self._watched)
        return pieces

    def end(self) -> list[Piece]:
        """What was held back."""
        held, self._held = self._held, ""
        return _some("thought" if self._read == self._thought else "text", held)

    def _start(self, piece: str) -> list[Piece]:
        bare = piece.lstrip()
        for opening, closing in PAIRS.items():
            if bare.startswith(opening):
                self._close = closing
                self._read = self._opening
                return self._opening(bare[len(opening) :])
        if len(piece) < _LONGEST_START and any(opening.startswith(bare) for opening in PAIRS):
            self._held = piece
            return []
        self._read = self._watched
        return self._watched(piece)

    def _opening(self, piece: str) -> list[Piece]:
        """The line break after the tag belongs to the tag."""
        piece = piece.lstrip("\n")
        if not piece:
            return []
        self._read = self._thought
        return self._thought(piece)

    def _thought(self, piece: str) -> list[Piece]:
        thought, tag, rest = piece.partition(self._close)
        if tag:
            self._read = self._gap
            return _some("thought", thought) + self._gap(rest)
        keep = overlap(piece, self._close)
        self._held = piece[len(piece) - keep :]
        return _some("thought", piece[: len(piece) - keep])

    def _gap(self, piece: str) -> list[Piece]:
        """The line breaks between the thoughts and the answer belong to neither."""
        piece = piece.lstrip("\n")
        if piece:
            self._read = self._answer
        return _some("text", piece)

    def _watched(self, piece: str) -> list[Piece]:
        """An answer that may turn out to have been thinking."""
        before, tag, rest = piece.partition(_ORPHAN)
        keep = 0 if tag else overlap(piece, _ORPHAN)
        self._backticks += before[: len(before) - keep].count("`")
        if "<think" in before or (tag and self._backticks % 2):
            self._read = self._answer  # it writes about tags
            return _some("text", piece)
        if tag:
            self._read = self._gap
            return [*_some("text", before), ("closed", ""), *self._gap(rest)]
        self._held = piece[len(piece) - keep :]
        return _some("text", piece[: len(piece) - keep])

    def _answer(self, piece: str) -> list[Piece]:
        return _some("text", piece)


def _some(kind: Kind, piece: str) -> list[Piece]:
    return [(kind, piece)] if piece else []
