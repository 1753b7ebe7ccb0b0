"""Splits ``<think>…</think>`` at the beginning of an answer from the answer, however the tags are cut."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


def overlap(text: str, tag: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``tag``."""
    for length in range(min(len(text), len(tag) - 1), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0


class ThinkSplitter:
    """Only a tag that opens the answer counts: a model may well write about the tag later on."""

    def __init__(self) -> None:
        self._read = self._start
        self._held = ""

    def feed(self, piece: str) -> list[tuple[bool, str]]:
        """Pieces as (is reasoning, text); a part of a possible tag is held back."""
        piece, self._held = self._held + piece, ""
        return self._read(piece)

    def end(self) -> list[tuple[bool, str]]:
        """What was held back."""
        held, self._held = self._held, ""
        return _some(self._read == self._thought, held)

    def _start(self, piece: str) -> list[tuple[bool, str]]:
        bare = piece.lstrip()
        if bare.startswith(OPEN):
            self._read = self._opening
            return self._opening(bare[len(OPEN) :])
        if OPEN.startswith(bare) and len(piece) < 256:
            self._held = piece
            return []
        self._read = self._answer
        return _some(False, piece)

    def _opening(self, piece: str) -> list[tuple[bool, str]]:
        """The line break after the tag belongs to the tag."""
        piece = piece.lstrip("\n")
        if not piece:
            return []
        self._read = self._thought
        return self._thought(piece)

    def _thought(self, piece: str) -> list[tuple[bool, str]]:
        thought, tag, rest = piece.partition(CLOSE)
        if tag:
            self._read = self._gap
            return _some(True, thought) + self._gap(rest)
        keep = overlap(piece, CLOSE)
        self._held = piece[len(piece) - keep :]
        return _some(True, piece[: len(piece) - keep])

    def _gap(self, piece: str) -> list[tuple[bool, str]]:
        """The line breaks between the thoughts and the answer belong to neither."""
        piece = piece.lstrip("\n")
        if piece:
            self._read = self._answer
        return _some(False, piece)

    def _answer(self, piece: str) -> list[tuple[bool, str]]:
        return _some(False, piece)


def _some(thinking: bool, piece: str) -> list[tuple[bool, str]]:
    return [(thinking, piece)] if piece else []
