"""Watches an answer come in: puts back what was taken out of the question, and holds the person's rules against it."""

from __future__ import annotations

from collections.abc import Callable

from routerterm.core.redact import secret_redactor
from routerterm.router.guard.inspect import Inspector, Match
from routerterm.router.guard.redact import Masking, Restoring, merged
from routerterm.router.guard.rules import GuardRules

HELD = 400
"""Most characters held back while rules that hide or stop an answer wait for the end of a line."""


class AnswerGuard:
    """The router's `Restorer` for one answer.

    Rules for ``assistant`` that redact or block see whole lines, so the answer then comes line by line; with none of
    them it comes as it is.  A blocked answer ends with a note in place of the rest; the router needs not know.
    """

    def __init__(self, rules: GuardRules, things: dict[str, str], struck: Callable[[Match], None]) -> None:
        own = [rule for rule in rules.rules if "assistant" in rule.roles]
        acting = tuple(rule for rule in own if rule.action in ("redact", "block"))
        self._acting = Inspector(GuardRules(acting))
        self._looking = Inspector(GuardRules(tuple(rule for rule in own if rule not in acting), rules.detectors))
        self._restoring = Restoring(things)
        self._masking = Masking(secret_redactor.known)
        self._struck = struck
        self._strict = bool(acting)
        self._said: list[str] = []
        self._line = ""
        self._stopped = False

    def feed(self, text: str) -> str:
        """The text that may be shown so far."""
        self._said.append(text)
        if self._stopped:
            return ""
        if self._strict:
            self._line += text
            cut = self._line.rfind("\n") + 1 or (len(self._line) if len(self._line) > HELD else 0)
            text, self._line = self._line[:cut], self._line[cut:]
            text = self._ruled(text)
        return self._masking.feed(self._restoring.feed(text))

    def end(self) -> str:
        """What was held back; and the rules that only look have their look at the whole."""
        text = ""
        if not self._stopped:
            text = self._restoring.feed(self._ruled(self._line) if self._strict else "") + self._restoring.end()
            text = self._masking.feed(text) + self._masking.end()
        for strike in self._looking.inspect("assistant", "".join(self._said)):
            self._struck(strike)
        return text

    def _ruled(self, text: str) -> str:
        """Whole lines with what is hidden hidden; after a block, a note in place of the rest."""
        if not text:
            return text
        strikes = self._acting.inspect("assistant", text)
        for strike in strikes:
            self._struck(strike)
        blocked = next((strike for strike in strikes if strike.action == "block"), None)
        if blocked is not None:
            self._stopped = True
            return f"[The rest is withheld by guard rule {blocked.rule!r}.]"
        pieces, at = [], 0
        for span in merged(span for strike in strikes for span in strike.spans):
            pieces += [text[at : span.start], "█" * min(8, span.end - span.start)]
            at = span.end
        return "".join([*pieces, text[at:]])
