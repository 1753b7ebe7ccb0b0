"""An entry that was streamed shows the same lines as one that was loaded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.core.events import Content, ReasoningDelta, TextDelta, ToolCallDelta
from routerterm.tui.themes.palette import Signs
from routerterm.tui.transcript.layout.entry import entry_lines
from routerterm.tui.transcript.layout.live import LiveEntry
from routerterm.tui.transcript.values import Entry, Header
from tests.tui.transcript.samples import PIECES, STEADY

SIGNS = Signs()
EMPTY = Entry("a", "assistant", status="streaming", header=Header("demo/echo", cost="free"))
DELTAS: st.SearchStrategy[Content] = st.one_of(
    st.sampled_from([*(piece for piece in PIECES if "]:" not in piece), "\n\n"]).map(TextDelta),  # see STEADY
    st.sampled_from(["think ", "\n", "more. "]).map(ReasoningDelta),
    st.builds(ToolCallDelta, st.integers(0, 1), st.just("id"), st.just("read"), st.sampled_from(['{"a":', "1}", ""])),
)


def finished(live: LiveEntry, width: int) -> None:
    live.finish()
    entry = replace(EMPTY, status="done", parts=live.builder.parts())
    loaded = [replace(line, part=-1) for line in entry_lines(entry, width, SIGNS)]  # nothing folds while it grows
    assert [replace(line, part=-1) for line in (*live.done, *live.tail)] == loaded


@settings(max_examples=150, deadline=None)
@given(st.lists(DELTAS, max_size=14), st.sampled_from([20, 60]))
def test_live_ends_as_loaded(deltas: list[Content], width: int) -> None:
    live = LiveEntry(EMPTY, width, SIGNS)
    calls = 0
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):  # no provider comes back to a call after it said something else
            delta = replace(delta, index=delta.index + calls)
        else:
            calls += 2
        live.feed(delta)
        kept = live.done[1:]
        live.settle()
        assert live.done[1 : len(kept) + 1] == kept
    finished(live, width)


def test_another_width_in_the_middle() -> None:
    live = LiveEntry(EMPTY, 80, SIGNS)
    for begin in range(0, len(STEADY), 7):
        live.feed(TextDelta(STEADY[begin : begin + 7]))
        if begin == 350:
            live.settle()
            live = live.at_width(40, SIGNS)
        live.settle()
    finished(live, 40)


def test_a_cursor_moves_where_tokens_arrive() -> None:
    live = LiveEntry(EMPTY, 40, SIGNS)
    live.settle()
    assert SIGNS.cursor in live.tail[0].text
    live.feed(TextDelta("Hello"))
    live.settle()
    assert live.tail[0].text == f"Hello{SIGNS.cursor}"
    live.finish()
    assert all(SIGNS.cursor not in live.line(number).text for number in range(live.lines))


def test_a_thought_shows_its_end_then_folds() -> None:
    live = LiveEntry(EMPTY, 40, SIGNS)
    for number in range(50):
        live.feed(ReasoningDelta(f"step {number}\n"))
    live.settle()
    assert [line.plain.strip(SIGNS.cursor) for line in live.tail[:-1]][1:] == [f"step {n}" for n in range(46, 50)]
    live.feed(TextDelta("So."))
    live.settle()
    assert "reasoning" in live.done[1].text
    assert "step" not in live.done[1].text
    assert len(live.done) == 2
