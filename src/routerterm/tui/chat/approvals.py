"""What tools ask the person, in the status row: whether a call may run (y, a, s, n, e), and forms to fill in (y, n).

A letter answers only where it is not meant as text: never while something is written in the composer that has the
keyboard, and not in the first moments of the question, when the hands may still be typing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.json_layout import laid_out
from routerterm.core.sanitise import one_line
from routerterm.tui.widgets.fields import Field, Span

if TYPE_CHECKING:
    from routerterm.engine.tools.values import Answer, Ask, Form, Verdict
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.dialogs.edit_text import Edited

PAUSE = 0.4
"""Seconds in which a letter is still text."""
LONGEST = 60
"""Characters of the arguments that are shown; the transcript has all of them."""
VERDICTS: Mapping[str, Verdict] = {"y": "once", "a": "conversation", "s": "always", "n": "no"}
_WORDS = {"y": "once", "a": "this chat", "s": "always", "n": "no", "e": "edit"}
_FORM_WORDS = {"y": "fill in", "n": "no"}
_RANKS = {"y": 0, "n": 0, "e": 0, "a": 2, "s": 2}
_SHORTEST_NAME = 12
"""Characters of a tool's name in a narrow status row: it leaves room for the letters, e above all, which shows all."""


class _Waiting(Struct, eq=False):
    """A call to decide on, or a form to fill in."""

    question: Ask | Form
    answer: asyncio.Future[Any]
    """An `Answer`, or the values of the form."""
    since: float


class Approvals:
    """What waits for an answer, oldest first; ``here`` is the id of the conversation on show."""

    def __init__(
        self,
        app: AppContext,
        *,
        here: Callable[[], str | None],
        writing: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        """``writing``: whether letters belong to a text."""
        self._app = app
        self._here = here
        self._writing = writing
        self._changed = changed
        self._waiting: list[_Waiting] = []

    async def ask(self, ask: Ask) -> Answer:
        """See `routerterm.engine.tools.loop.Approve`.  Cancelled, as by Esc, the question goes."""
        answer: Answer = await self._answer_to(ask)
        return answer

    async def fill(self, form: Form) -> Mapping[str, Any] | None:
        """See `routerterm.engine.tools.loop.FillIn`; the same holds."""
        content: Mapping[str, Any] | None = await self._answer_to(form)
        return content

    async def _answer_to(self, question: Ask | Form) -> Any:
        waiting = _Waiting(question, asyncio.get_running_loop().create_future(), time.monotonic())
        self._waiting.append(waiting)
        self._changed()
        if question.conversation_id != self._here():
            self._app.notify(f"{one_line(question.tool.shown)} waits for your answer in another chat.", markup=False)
        try:
            return await waiting.answer
        finally:
            self._waiting.remove(waiting)
            self._changed()

    @property
    def current(self) -> _Waiting | None:
        """The question of the conversation on show."""
        here = self._here()
        return next((each for each in self._waiting if each.question.conversation_id == here), None)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The question, for the status row."""
        waiting = self.current
        if waiting is None:
            return ()
        from routerterm.engine.tools.values import Form

        ask = waiting.question
        if isinstance(ask, Form):
            return self._form_fields(ask)
        arguments = one_line(ask.arguments)
        cut = arguments if len(arguments) <= LONGEST else f"{arguments[:LONGEST]}…"
        longer = (Field((Span(f"{len(arguments):,} characters, e shows all", "warning"),), rank=1),)
        more = longer if len(arguments) > LONGEST else ()
        reason = (Field((Span(ask.reason, "warning"),), rank=3),) if ask.reason else ()
        name = self._name(one_line(ask.tool.shown))
        if self._writing():
            keys: tuple[Field, ...] = (Field((Span(" Tab ", "key"), Span(" then y, a, s, n or e")), rank=0),)
        else:
            keys = tuple(self._key(key, word, hidden=bool(more)) for key, word in _WORDS.items())
        return (name, *reason, *keys, *more, Field((Span(cut, "dim"),), rank=4))

    def _key(self, key: str, word: str, *, hidden: bool) -> Field:
        """A letter that answers; ``hidden``: there is more of the arguments than the row shows, which e says too."""
        letter, action, rank = Span(f" {key} ", "key"), f"screen.approve({key!r})", _RANKS[key]
        if key == "e" and hidden:
            short = (letter, Span(" all", "warning"))
            return Field((letter, Span(" all, edit", "warning")), rank, action=action, short=short)
        return Field((letter, Span(f" {word}")), rank, action=action, short=(letter,))

    def _name(self, shown: str) -> Field:
        """Which tool is to run; a server may call it anything, at any length."""
        cut = shown if len(shown) <= _SHORTEST_NAME else f"{shown[: _SHORTEST_NAME - 1]}…"
        spans, short = ((Span("Run ", "bright"), Span(name, "accent"), Span("?", "bright")) for name in (shown, cut))
        return Field(spans, rank=0, short=short)

    def _form_fields(self, form: Form) -> tuple[Field, ...]:
        name = Field(
            (Span(one_line(form.tool.server), "accent"), Span(" asks you to fill in a form", "bright")), rank=0
        )
        if self._writing():
            keys: tuple[Field, ...] = (Field((Span(" Tab ", "key"), Span(" then y or n")), rank=0),)
        else:
            keys = tuple(
                Field((Span(f" {key} ", "key"), Span(f" {word}")), rank=0, action=f"screen.approve({key!r})")
                for key, word in _FORM_WORDS.items()
            )
        return (name, *keys, Field((Span(one_line(form.form.message)[:LONGEST], "dim"),), rank=4))

    def took_key(self, key: str) -> bool:
        """Whether a key was the answer."""
        waiting = self.current
        return waiting is not None and key in _WORDS and not self._writing() and self.answer(key)

    def answer(self, key: str) -> bool:
        """Answer what is asked by one of the letters, pressed or clicked; whether it was taken.

        Not in the question's first moments: a second click, or a key held down, was meant for the one before.
        """
        waiting = self.current
        if waiting is None or waiting.answer.done():
            return False
        if time.monotonic() - waiting.since < PAUSE:
            waiting.since = time.monotonic()
            return False
        from routerterm.engine.tools.values import Answer, Form

        if isinstance(waiting.question, Form):
            return self._answer_form(waiting, waiting.question, key)
        if key == "e":
            self._edit(waiting, waiting.question)
            return True
        verdict = VERDICTS[key]
        waiting.answer.set_result(Answer(verdict))
        if verdict == "always":
            self._app.run_worker(self._always(waiting.question), group="tools", exit_on_error=False)
        return True

    def _answer_form(self, waiting: _Waiting, form: Form, key: str) -> bool:
        if key == "y":
            self._fill_in(waiting, form)
        elif key == "n":
            waiting.answer.set_result(None)
        return key in _FORM_WORDS

    def _fill_in(self, waiting: _Waiting, form: Form) -> None:
        from routerterm.engine.chat.templates import Field as Gap
        from routerterm.tui.dialogs.form import FormDialog

        labels = {one_line(f"{n}. {field.words}"): field for n, field in enumerate(form.form.fields, 1)}

        def named(written: Mapping[str, str]) -> dict[str, str]:
            return {labels[label].name: value for label, value in written.items()}

        def complaint(written: Mapping[str, str]) -> str:
            try:
                form.form.content(named(written))
            except RoutertermError as error:
                return one_line(error.message)
            return ""

        def filled(written: Mapping[str, str] | None) -> None:
            if written is not None and not waiting.answer.done():
                waiting.answer.set_result(form.form.content(named(written)))

        gaps = [
            Gap(label, one_line(field.default) if field.default or not field.required else None)
            for label, field in labels.items()
        ]
        server = one_line(form.tool.server)
        words = f"{one_line(form.form.message)}\nWhat you write goes to {server}. Never write a password or a key."
        self._app.push_screen(FormDialog(f"{server} asks", gaps, words, complaint), filled)

    def _edit(self, waiting: _Waiting, ask: Ask) -> None:
        from routerterm.engine.tools.values import Answer
        from routerterm.tui.dialogs.edit_text import EditText

        def edited(text: Edited | None) -> None:
            if text is None or waiting.answer.done():
                return
            try:
                sound = isinstance(json.loads(text.text), dict)
            except (ValueError, RecursionError):
                sound = False
            if sound:
                waiting.answer.set_result(Answer("once", text.text))
            else:
                self._app.notify("The arguments must be a JSON object.", severity="warning", markup=False)

        pretty = laid_out(ask.arguments) or ask.arguments
        words = "The tool runs once with these arguments."
        self._app.push_screen(EditText(f"Run {one_line(ask.tool.shown)}", words, pretty), edited)

    async def _always(self, ask: Ask) -> None:
        from routerterm.wiring.tools import allow_always

        try:
            await allow_always(self._app.ready_services, ask.tool)
            self._app.notify(f"{one_line(ask.tool.shown)} is allowed from now on (config.toml).", markup=False)
        except RoutertermError as error:
            self._app.show_error(error)
