"""What would cost money is said in the status row first, and done at Enter: no single letter ever spends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from routerterm.tui.widgets.fields import Field, Span


class Question(msgspec.Struct, frozen=True):
    """What waits for Enter."""

    label: str
    """Such as ``Ask again``."""
    cost: str
    """Such as ``~$0.004–0.011``; ``price unknown``."""
    confirmed: Callable[[], None]
    cancelled: Callable[[], None] | None = None
    yes: str = "confirms"
    """What Enter does."""


class Confirmation:
    """At most one question; ``changed`` is called whenever there is another one, or none."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._question: Question | None = None

    @property
    def open(self) -> bool:
        """Whether something waits for Enter."""
        return self._question is not None

    @property
    def fields(self) -> tuple[Field, ...]:
        """The question, for the status row."""
        question = self._question
        if question is None:
            return ()
        return (
            Field((Span(f"{question.label} ", "bright"), Span(question.cost, "warning")), rank=0),
            Field((Span(" Enter ", "key"), Span(f" {question.yes}")), rank=0, action="screen.confirm(True)"),
            Field((Span(" Esc ", "key"), Span(" cancels")), rank=1, action="screen.confirm(False)"),
        )

    def ask(
        self,
        label: str,
        cost: str,
        confirmed: Callable[[], None],
        cancelled: Callable[[], None] | None = None,
        *,
        yes: str = "confirms",
    ) -> None:
        """Ask this; whatever was asked before is cancelled."""
        self.answer(False)
        self._question = Question(label, cost, confirmed, cancelled, yes)
        self._changed()

    def answer(self, yes: bool) -> None:
        """Do it, or do not."""
        question, self._question = self._question, None
        if question is None:
            return
        self._changed()
        if yes:
            question.confirmed()
        elif question.cancelled is not None:
            question.cancelled()

    def took_key(self, key: str) -> bool:
        """Whether a key was the answer; any other key than Enter and Esc means no, and is then itself."""
        if self._question is None:
            return False
        self.answer(key == "enter")
        return key in ("enter", "escape")
