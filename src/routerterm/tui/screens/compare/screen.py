"""Answers side by side: every column streams by itself; a number goes on with one of them.

On a narrow screen one column is seen at a time, and the others are named above it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.getters import query_one
from textual.worker import Worker

from routerterm.core.errors import RoutertermError
from routerterm.core.events import Failed, Finished, ReasoningDelta, Recovered, TextDelta, ToolCallDelta
from routerterm.core.sanitise import one_line
from routerterm.tui.actions import Action, bindings_of
from routerterm.tui.chat.entries import seam_of, trouble_of
from routerterm.tui.clock import now_ms, time_of_day
from routerterm.tui.screens.compare.rows import Column, foot_fields, head_fields, tab_fields, title_fields
from routerterm.tui.themes.adapt import to_palette
from routerterm.tui.transcript.values import Entry, Header
from routerterm.tui.transcript.widget import Transcript
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.frame import Panes
from routerterm.tui.widgets.framed_screen import BOTTOM_FROM, FramedScreen, FramePart, title_line
from routerterm.tui.widgets.keybar import action_fields

if TYPE_CHECKING:
    from routerterm.engine.chat.comparison import Comparison, Heard
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.turn import Asked
    from routerterm.tui.themes.values import Theme
    from routerterm.tui.transcript import messages

NARROWEST = 36
"""Cells that a column needs to be read beside others."""
PULSE = 0.25


def numbers(screen: CompareScreen) -> str:
    """The keys that take an answer."""
    return f"1–{len(screen.columns)}"


def stop_or_leave(screen: CompareScreen) -> str:
    """What Esc does now."""
    return "Leave" if all(column.ended for column in screen.columns) else "Stop"


class CompareScreen(FramedScreen):
    """Dismissed once everything has ended; `chosen` is the answer to go on with, from 0, or None."""

    app: AppContext
    DEFAULT_CSS = """
    CompareScreen { layout: vertical; overflow: hidden; }
    CompareScreen > #title { margin: 0 2; }
    CompareScreen > #tabs { margin: 0 2; }
    CompareScreen > #columns { layout: horizontal; height: 1fr; margin: 1 1 1 1; }
    CompareScreen.-side > #columns { margin: 0 1 1 1; }
    CompareScreen .head { display: none; }
    CompareScreen.-side .head { display: block; }
    CompareScreen > #bar { margin: 0 2 1 2; }
    CompareScreen .column { width: 1fr; height: 1fr; }
    CompareScreen .column FieldLine { margin: 0 1; }
    CompareScreen .column Transcript { height: 1fr; }
    CompareScreen.-open > #bar { margin: 0 2; }
    CompareScreen.-bare > #title, CompareScreen.-bare > #tabs, CompareScreen.-bare > #bar { margin: 0; }
    CompareScreen.-bare > #columns { margin: 1 0 1 0; }
    CompareScreen.-bare.-side > #columns { margin: 0 0 1 0; }
    CompareScreen.-side > #tabs { display: none; }
    """
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "enter",
            "Continue with the one under the cursor",
            "take_this",
            rank=0,
            short="Continue with it",
            shown_key=numbers,
            priority=True,
        ),
        *(Action(str(n), f"Continue with answer {n}", f"take({n - 1})") for n in range(1, 5)),
        Action("tab,right", "Next answer", "step(1)", rank=2, short="Next", priority=True),
        Action("shift+tab,left", "Previous answer", "step(-1)", priority=True),
        Action("escape", "Stop; once stopped, close", "leave", rank=1, short=stop_or_leave, priority=True),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(ACTIONS)
    title_line = query_one("#title", FieldLine)
    tabs = query_one("#tabs", FieldLine)
    bar = query_one("#bar", FieldLine)

    def __init__(
        self,
        theme: Theme,
        comparison: Comparison,
        ask: Callable[[], AsyncGenerator[Heard]],
        asked: Asked | None,
    ) -> None:
        super().__init__()
        self.theme = theme
        self.frame = theme.frame
        self.comparison = comparison
        self.asked = asked
        self.trouble: RoutertermError | None = None
        """Why it could not even begin."""
        self.chosen: int | None = None
        self._ask = ask
        self.columns = [Column(name) for name in comparison.models]
        self._at = 0
        self._worker: Worker[None] | None = None
        self._tick = 0

    def compose(self) -> ComposeResult:
        """A title, the columns with a line under each, the keys."""
        yield title_line(self.theme)
        yield FieldLine(id="tabs", gap=2)
        with FramePart(id="columns"):
            for index in range(len(self.columns)):
                with Vertical(classes="column", id=f"column{index}"):
                    yield FieldLine(id=f"head{index}", gap=1).add_class("head")
                    yield Transcript(id=f"answer{index}", palette=to_palette(self.theme))
                    yield FieldLine(id=f"foot{index}", gap=2)
        yield FieldLine(id="bar", gap=2, more=self.app.active_theme.glyphs.ellipsis)

    def on_mount(self) -> None:
        """Begin to ask."""
        super().on_mount()
        self.app.clear_notifications()  # what was said in the chat would lie over the answers' figures
        self.title_line.fields = title_fields(one_line(self.asked.text if self.asked else ""), self.theme.edge[:1])
        self._arrange()
        self._worker = self.run_worker(self._run(), name="compare", exit_on_error=False)
        self.set_interval(PULSE if self.app.moves else 2.0, self._pulse)
        self._focus()

    # -- the answers -----------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            async with aclosing(self._ask()) as stream:
                async for heard in stream:
                    self._take(heard)
        finally:
            for index, column in enumerate(self.columns):
                if not column.ended:
                    self._end(index)
            self._draw()

    def _take(self, heard: Heard) -> None:
        column, index = self.columns[heard.index], heard.index
        event = heard.event
        if isinstance(event, RoutertermError):
            column.trouble = event.message
            self.trouble = self.trouble or event
            if column.begun:
                return
            self._answer(index).show([Entry(f"{index}", "assistant", status="error", trouble=event.message)])
            return
        if event is None:
            self._end(index)
            self._draw()
            return
        reply = self.comparison.reply(index)
        if reply is not None and not column.begun:
            column.begun, column.started = True, time.monotonic()
            self._answer(index).begin_stream(self._entry(index))
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallDelta():
                column.first_at = column.first_at or time.monotonic()
                column.pieces += 1
                self._answer(index).feed(self._entry_id(index), event)
            case Recovered():
                self._answer(index).begin_stream(self._entry(index, parts=True))
            case Finished() | Failed():
                column.ended_at = time.monotonic()
            case _:
                pass

    def _end(self, index: int) -> None:
        column = self.columns[index]
        column.ended = True
        reply = self.comparison.reply(index)
        if reply is None:
            return
        column.record, column.status = reply.record, reply.status
        if column.begun:
            self._answer(index).end_stream(self._entry_id(index), self._entry(index, parts=True, ended=True))

    def _entry_id(self, index: int) -> str:
        reply = self.comparison.reply(index)
        return reply.turn.reply_id if reply is not None else f"{index}"

    def _entry(self, index: int, *, parts: bool = False, ended: bool = False) -> Entry:
        reply = self.comparison.reply(index)
        assert reply is not None
        record = reply.record
        status = reply.status if ended else "streaming"
        return Entry(
            reply.turn.reply_id,
            "assistant",
            reply.builder.parts() if parts else (),
            status=status,
            header=Header(record.target or record.asked, time_of_day(now_ms())),
            seams=tuple(map(seam_of, record.seams)),
            trouble=trouble_of(record, status, begun=reply.builder.text_length > 0) if ended else "",
        )

    def _answer(self, index: int) -> Transcript:
        return self.query_one(f"#answer{index}", Transcript)

    async def finish(self) -> None:
        """Stop everything and wait until it is kept."""
        self.comparison.stop()
        if self._worker is not None and not self._worker.is_finished:
            await self.workers.wait_for_complete([self._worker])

    # -- the picture -----------------------------------------------------------------------------------

    @property
    def _side_by_side(self) -> bool:
        return (self.size.width - 2) // len(self.columns) >= NARROWEST

    @property
    def _boxed(self) -> bool:
        return self.boxed_at(self.size)

    def panes(self) -> Panes:
        """A rule above and below the columns, and lines between them."""
        lanes = self.query_one("#columns").region
        splits: tuple[int, ...] = ()
        if self._side_by_side:
            splits = tuple(self.query_one(f"#column{n}").region.x - 1 for n in range(1, len(self.columns)))
        rules = (lanes.bottom,) if self._side_by_side else (lanes.y - 1, lanes.bottom)
        return Panes(
            self.size.width,
            self.size.height,
            boxed=self._boxed,
            bottom=self.size.height >= BOTTOM_FROM,
            rules=rules,
            splits=splits,
        )

    def on_resize(self) -> None:
        """Side by side, or one at a time."""
        self._arrange()

    def _arrange(self) -> None:
        self.set_class(self._side_by_side, "-side")
        self.set_class(not self._boxed, "-bare")
        self.set_class(self.size.height < BOTTOM_FROM, "-open")
        for index in range(len(self.columns)):
            column = self.query_one(f"#column{index}")
            column.display = self._side_by_side or index == self._at
            column.styles.margin = (0, 0, 0, 1 if index and self._side_by_side else 0)
        self._draw()

    def _pulse(self) -> None:
        if not all(column.ended for column in self.columns):
            self._tick += 1
            self._draw()

    def _draw(self) -> None:
        glyphs = self.theme.glyphs
        for index, column in enumerate(self.columns):
            here = index == self._at and self._side_by_side
            self.query_one(f"#head{index}", FieldLine).fields = head_fields(column, index, glyphs, here=here)
            self.query_one(f"#foot{index}", FieldLine).fields = foot_fields(column, index, glyphs, tick=self._tick)
        self.tabs.fields = tab_fields(self.columns, self._at, glyphs, self._tick)
        self.bar.fields = action_fields(self.ACTIONS, self, form=self.app.active_theme.keys)

    def _focus(self) -> None:
        self._answer(self._at).focus()

    # -- what the person does --------------------------------------------------------------------------

    def action_step(self, step: int) -> None:
        """Another column."""
        self._at = (self._at + step) % len(self.columns)
        self._arrange()
        self._focus()

    def action_show(self, index: int) -> None:
        """That column."""
        self.action_step(index - self._at)

    async def action_take_this(self) -> None:
        """Go on with the answer under the cursor."""
        await self.action_take(self._at)

    async def action_take(self, index: int) -> None:
        """Go on with an answer; the others stop, and stay beside it."""
        if index >= len(self.columns):
            return
        reply = self.comparison.reply(index)
        if reply is None or reply.builder.is_empty:
            self.notify("There is no answer yet.", timeout=2)
            return
        await self.finish()
        self.chosen = index
        self.dismiss(None)

    async def action_leave(self) -> None:
        """Stop what is still coming; once nothing is, leave."""
        if self.comparison.stop():
            await self.finish()
            return
        await self.finish()
        self.dismiss(None)

    @on(Transcript.CopyRequested)
    def _copy(self, event: messages.CopyRequested) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.text)
        self.notify(f"Copied the {event.what}.", timeout=3)

    @on(Transcript.EntryAction)
    def _not_here(self, event: messages.EntryAction) -> None:
        event.stop()
