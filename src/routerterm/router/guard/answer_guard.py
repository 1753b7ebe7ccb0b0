"""Watches an answer come in: puts back what was taken out of the question, and holds the person's rules against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from routerterm.core.lazy_pattern import LazyPattern
from routerterm.core.redact import secret_redactor
from routerterm.router.guard.detect import may_begin_key
from routerterm.router.guard.inspect import Inspector, Match
from routerterm.router.guard.redact import Masking, Restoring, merged
from routerterm.router.guard.rules import GuardRules, Span

HELD = 400
"""Most characters held back while a line or a word may still become something to hide."""
OVERLAP = 260
"""Characters that stay held where even that is too long: longer than any key but a private one."""
_UNFINISHED_NUMBER = LazyPattern(r"(?:[+(]?\d[\d ()./-]*|[A-Z]{2}\d{2}[A-Z0-9 ]*)\Z")
"""What at the end of a text may go on to be a telephone number, a card or an account."""
_LONGEST_NUMBER = 64
_BEGIN, _END = "-----BEGIN", "-----END"
_LONGEST_BLOCK = 20_000
"""Characters for which the end of a private key is waited for."""


class AnswerGuard:
    """The router's `Restorer` for one answer.

    Rules for ``assistant`` that redact or block see whole lines, so the answer then comes line by line; detectors
    that act see whole words; a word that cannot become a key is not waited for where only keys are looked for; with
    none of them it comes as it is.  A blocked answer ends with a note in place of the rest; the router needs not know.
    """

    def __init__(self, rules: GuardRules, things: dict[str, str], struck: Callable[[Match], None]) -> None:
        own = [rule for rule in rules.rules if "assistant" in rule.roles]
        acting = tuple(rule for rule in own if rule.action in ("redact", "block"))
        shapes = {name: action for name, action in rules.detectors.items() if action in ("redact", "block")}
        self._acting = Inspector(GuardRules(acting, shapes))
        self._looking = Inspector(
            GuardRules(
                tuple(rule for rule in own if rule not in acting),
                {name: action for name, action in rules.detectors.items() if name not in shapes},
            )
        )
        self._restoring = Restoring(things)
        self._masking = Masking(secret_redactor.known)
        self._struck = struck
        self._by_line = bool(acting)
        self._by_word = bool(shapes)
        self._only_keys = not acting and shapes.keys() <= {"api_key", "private_key"}
        self._said: list[str] = []
        self._held = ""
        self._begun = ""
        """The beginning, already shown, of the word that is not finished."""
        self._stopped = False
        self._hid = False

    @property
    def hid(self) -> bool:
        """Whether a rule hid something."""
        return self._hid

    @property
    def blocked(self) -> bool:
        """Whether a rule ended the answer."""
        return self._stopped

    def feed(self, text: str) -> str:
        """The text that may be shown so far."""
        self._said.append(text)
        if self._stopped:
            return ""
        if self._by_line or self._by_word:
            self._held += text
            cut = self._settled()
            text = self._ruled(cut) if cut else ""
        return self._masking.feed(self._restoring.feed(text))

    def end(self) -> str:
        """What was held back; and the rules that only look have their look at the whole."""
        text = ""
        if not self._stopped:
            text = self._restoring.feed(self._ruled(len(self._held))) + self._restoring.end()
            text = self._masking.feed(text) + self._masking.end()
        for match in self._looking.inspect("assistant", "".join(self._said)):
            self._struck(match)
        return text

    def _settled(self) -> int:
        """How much of what is held can no longer become something else."""
        held = self._held
        cut = held.rfind("\n") + 1 if self._by_line else self._finished_words()
        begin = held.rfind(_BEGIN)
        if self._by_word and begin >= 0 and _END not in held[begin:] and len(held) - begin < _LONGEST_BLOCK:
            return min(cut, begin)
        return cut or (len(held) - OVERLAP if len(held) > HELD else 0)

    def _finished_words(self) -> int:
        """How much of what is held are words, numbers in several groups among them, that do not go on."""
        seen = self._begun + self._held
        start = _word_start(seen)
        if self._only_keys:
            return len(self._held) if not may_begin_key(seen[start:]) else max(0, start - len(self._begun))
        number = _UNFINISHED_NUMBER.search(seen, max(0, len(seen) - _LONGEST_NUMBER))
        return max(0, min(start, len(seen) if number is None else number.start()) - len(self._begun))

    def _ruled(self, cut: int) -> str:
        """What is held up to ``cut``, or to where a match that goes beyond it begins, with what is hidden hidden."""
        if not cut:
            return ""
        found = [
            here
            for match in self._acting.inspect("assistant", self._begun + self._held)
            if (here := _after(match, len(self._begun))) is not None
        ]
        for span in merged(span for match in found for span in match.spans):
            if span.start < cut < span.end:
                cut = span.start or span.end
        text, self._held = self._held[:cut], self._held[cut:]
        shown = self._begun + text
        self._begun = shown[_word_start(shown) :]
        return self._acted(text, [inside for match in found if (inside := _within(match, cut)) is not None])

    def _acted(self, text: str, matches: Sequence[Match]) -> str:
        """The text with what is hidden hidden; after a block, a note in place of the rest."""
        for match in matches:
            self._struck(match)
        self._hid = self._hid or bool(matches)
        blocked = [match for match in matches if match.action == "block"]
        note = ""
        if blocked:
            self._stopped = True
            first = min(blocked, key=lambda match: match.spans[0].start)
            text = text[: text.rfind("\n", 0, first.spans[0].start) + 1]
            note = f"[The rest was removed by guard rule {first.rule!r}.]"
        pieces, at = [], 0
        for span in merged(span for match in matches for span in match.spans if span.end <= len(text)):
            pieces += [text[at : span.start], "█" * min(8, span.end - span.start)]
            at = span.end
        return "".join([*pieces, text[at:], note])


def _word_start(text: str) -> int:
    """Where the unfinished word at the end begins; 0 where nothing of the last `HELD` characters is a blank."""
    tail = text[-HELD:]
    if tail[-1:].isspace():
        return len(text)
    words = tail.rsplit(None, 1)
    return len(text) - len(words[-1]) if len(words) > 1 or tail[:1].isspace() else max(0, len(text) - len(tail))


def _after(match: Match, start: int) -> Match | None:
    """The part of a match that lies from ``start`` on, counted from there."""
    if not start:
        return match
    spans = tuple(Span(max(0, span.start - start), span.end - start) for span in match.spans if span.end > start)
    return replace(match, spans=spans) if spans else None


def _within(match: Match, cut: int) -> Match | None:
    """The part of a match that lies before ``cut``."""
    spans = tuple(Span(span.start, min(span.end, cut)) for span in match.spans if span.start < cut)
    return replace(match, spans=spans) if spans else None
