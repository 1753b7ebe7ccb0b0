"""What would cost money is said in the status row first, and done at Enter: no single letter ever spends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from routerterm.tui.chat.turn import Asked
from routerterm.tui.widgets.fields import Field, Span


class Question(msgspec.Struct, frozen=True):
    """What waits for Enter."""

    label: str
    """Such as ``Ask again``."""
    cost: str
    """Such as ``~$0.004–0.011``; ``?``."""
    confirmed: Callable[[], None]
    cancelled: Callable[[], None] | None = None
    yes: str = "confirms"
    """What Enter does."""
    about: str = ""
    """Which model it would be; the first to go where there is no room."""
    holds: Asked | None = None
    """What was sent and waits for the answer."""
    known: bool = True
    """Whether the cost is known yet; until then Enter is remembered."""


class Confirmation:
    """At most one question; ``changed`` is called whenever there is another one, or none."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._question: Question | None = None
        self._early_yes = False

    @property
    def open(self) -> bool:
        """Whether something waits for Enter."""
        return self._question is not None

    @property
    def holds(self) -> Asked | None:
        """What was sent and waits for the answer: until then it is kept as a draft."""
        return self._question.holds if self._question is not None else None

    @property
    def fields(self) -> tuple[Field, ...]:
        """The question, for the status row."""
        question = self._question
        if question is None:
            return ()
        about = (Field((Span(question.about, "accent"),), rank=4),) if question.about else ()
        return (
            Field((Span(f"{question.label} ", "bright"), Span(question.cost, "warning")), rank=0),
            *about,
            Field((Span(" Enter ", "key"), Span(f" {question.yes}")), rank=1, action="screen.confirm(True)"),
            Field((Span(" Esc ", "key"), Span(" cancels")), rank=3, action="screen.confirm(False)"),
        )

    def ask(
        self,
        label: str,
        cost: str,
        confirmed: Callable[[], None],
        cancelled: Callable[[], None] | None = None,
        *,
        yes: str = "confirms",
        about: str = "",
        holds: Asked | None = None,
    ) -> None:
        """Ask this; whatever was asked before is cancelled."""
        self.answer(False)
        self._question = Question(label, cost, confirmed, cancelled, yes, about, holds)
        self._changed()

    def look_up(self, label: str, about: str) -> Question:
        """Show at once what is going to be asked, while its cost is looked up; `settle` or `drop` it then."""
        self.answer(False)
        self._early_yes = False
        self._question = question = Question(label, "looking up the cost…", lambda: None, about=about, known=False)
        self._changed()
        return question

    def settle(self, looked_up: Question, cost: str, confirmed: Callable[[], None]) -> None:
        """The cost is known: ask, unless the person has said no since; an Enter that came early counts now."""
        if self._question is not looked_up:
            return
        self._question = Question(looked_up.label, cost, confirmed, about=looked_up.about)
        self._changed()
        if self._early_yes:
            self.answer(True)

    def drop(self, looked_up: Question) -> bool:
        """Nothing need be asked after all; False where the person has said no since."""
        if self._question is not looked_up:
            return False
        self._question = None
        self._changed()
        return True

    def answer(self, yes: bool) -> None:
        """Do it, or do not."""
        if yes and self._question is not None and not self._question.known:
            self._early_yes = True
            return
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
