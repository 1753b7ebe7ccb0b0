"""Why this model answered: the recorded decision, and every attempt as a small timeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from routerterm.core.counting import counted
from routerterm.core.money import show_usd
from routerterm.core.sanitise import one_line
from routerterm.tui.chat.entries import CUT_SHORT, ENDINGS, basis_of, seconds, words
from routerterm.tui.dialogs.modal import Modal
from routerterm.tui.hints import in_chat
from routerterm.tui.widgets.box import Box
from routerterm.tui.widgets.status import cost_range

if TYPE_CHECKING:
    from routerterm.engine.chat.trace import ReplyTrace
    from routerterm.tui.themes.values import Glyphs, Theme

Line = tuple[str, str]
"""A line of text and the name of its colour."""


class WhyScreen(Modal[None]):
    """The story of one answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q,w", "dismiss", "Close")]
    DEFAULT_CSS = """
    WhyScreen { align: center middle; background: $t-background 70%; }
    WhyScreen > Box { width: 90%; max-width: 92; height: auto; background: $t-panel; }
    WhyScreen VerticalScroll { height: auto; max-height: 80vh; padding: 0 1; }
    """

    def __init__(self, record: ReplyTrace, status: str, theme: Theme) -> None:
        """``status`` is how the answer ended, as the history has it."""
        super().__init__()
        self.record = record
        self._status = status
        self._glyphs = theme.glyphs

    def compose(self) -> ComposeResult:
        """The lines, scrolled."""
        with Box("Why", self.app.active_theme) as box, VerticalScroll():
            box.footing = "Esc Close"
            lines = story(self.record, self._status, self._glyphs)
            yield Static(Content("").join(Content.styled(f"{text}\n", f"$t-{colour}") for text, colour in lines))

    def on_click(self) -> None:
        """A click anywhere closes it."""
        self.dismiss()


def story(record: ReplyTrace, status: str, glyphs: Glyphs) -> Iterator[Line]:
    """What is known of how an answer came to be, line by line; attempts hang on a line in time."""
    if record.decision is None and not record.attempts:
        yield "No routing record for this message.", "dim"
        yield from _ending(record, status, glyphs)
        return
    yield f"WHY   asked for {one_line(record.asked)}", "bright"
    yield "", "dim"
    if decision := record.decision:
        yield f"Candidates, by {decision.strategy}:", "dim"
        for place, candidate in enumerate(decision.candidates, 1):
            cost = f"  {cost_range(candidate.forecast)}" if candidate.forecast else ""
            yield f"  {place}. {candidate.target}  {one_line(candidate.why)}{cost}", "text"
        for passed in decision.passed_over:
            yield f"  -  {passed.target}  {one_line(passed.reason)}", "dim"
        yield "", "dim"
    yield "What happened:", "dim"
    for attempt in record.attempts:
        key = f" with {attempt.key_label}" if attempt.key_label else ""
        sign = glyphs.on if attempt.error is None else glyphs.off
        yield f"  {sign} {attempt.n}. {attempt.target}{key}", "text"
        if attempt.cache_marks:
            places = counted(attempt.cache_marks, "place")
            yield f"  {glyphs.line}    the prompt is marked for the provider's cache in {places}", "dim"
        if attempt.error is not None:
            wait = f", after {attempt.wait:.1f} s" if attempt.wait else ""
            yield f"  {glyphs.line}    {words(attempt.error.kind)}: {one_line(attempt.error.message)}", "error"
            yield f"  {glyphs.line}    {attempt.next}{wait}", "warning"
    yield from _end(record, status, glyphs)


def _ending(record: ReplyTrace, status: str, glyphs: Glyphs) -> Iterator[Line]:
    """How it ended, where that was not by itself: an error says so in its own words."""
    if status in ENDINGS and record.error is None:
        yield f"  {glyphs.off} {ENDINGS[status]}", "warning"
    elif record.finish in CUT_SHORT:
        yield f"  {glyphs.off} {CUT_SHORT[record.finish]}", "warning"
    elif status == "streaming":
        yield f"  {glyphs.half} still answering", "text"


def _end(record: ReplyTrace, status: str, glyphs: Glyphs) -> Iterator[Line]:
    if record.error is not None:
        yield f"  !  {one_line(record.error.message)}", "error"
        if record.error.hint:
            yield f"     {one_line(in_chat(record.error.hint))}", "warning"
    if record.left_out is not None:
        earlier = counted(record.left_out.messages, "earlier message was", "earlier messages were")
        yield f"  {earlier} left out: the context window was full.", "dim"
    yield from _ending(record, status, glyphs)
    if record.finish is None:
        return
    first = f", time to first token {seconds(record.ttft_ms)}" if record.ttft_ms is not None else ""
    yield f"  {glyphs.star} answered by {record.target} in {seconds(record.total_ms)}{first}", "success"
    if record.usage is not None:
        usage = record.usage
        cached = f" ({usage.cache_read:,} from cache)" if usage.cache_read else ""
        searched = f", {counted(usage.searches, 'web search', 'web searches')}" if usage.searches else ""
        yield f"    {usage.input:,} tokens in{cached}, {usage.output:,} out{searched}  {basis_of(usage)}", "text"
    if record.cost is not None:
        dated = f", prices of {record.cost.price_date}" if record.cost.price_date else ""
        source = f"{record.cost.source or 'price unknown'}{dated}"
        if record.cost.price_date == "settings":
            source = "from your configured prices"
        yield f"    {show_usd(record.cost.usd)}  {source}", "text"
