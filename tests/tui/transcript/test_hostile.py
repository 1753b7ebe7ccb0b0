"""Whatever a model, an error or an import says, no control sequence is painted and no cell is miscounted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from routerterm.core.events import ReasoningDelta, TextDelta, ToolCallDelta
from routerterm.core.messages import Image, Reasoning, Text, ToolCall, ToolResult
from routerterm.core.sanitise import is_clean
from routerterm.tui.markdown.lines import runs_len
from routerterm.tui.textual_internals.text import support_every_script, wrap_offsets
from routerterm.tui.themes.palette import Palette
from routerterm.tui.transcript.layout.entry import entry_lines
from routerterm.tui.transcript.layout.live import LiveEntry
from routerterm.tui.transcript.paint import paint
from routerterm.tui.transcript.values import Entry, Header, Seam
from tests.tui.test_sanitise import ATTACKS
from tests.tui.transcript.stage import Stage

PALETTE = Palette.default()
WRAPS = [
    "{}", "**{}**", "`{}`", "[{}](https://x.example/{})", "![{}]({})", "<https://x.example/{}>", "```{}\n{}\n```",
    "| {} |\n|--|\n| {} |", "> {}", "[{}]: https://e.example/{}\n", "- [ ] {}", "$${}$$", "$$\n{}\n$$", "# {}",
    "&#27;&#x9b;&#x202e;{}", "[^{}]", "    {}", "https://e.example/{}",
]  # fmt: skip


def everywhere(bad: str) -> Entry:
    text = "\n\n".join(wrap.replace("{}", bad) for wrap in WRAPS)
    parts = (
        Text(text), Reasoning(bad), ToolCall(bad, bad, f'{{"a": "{bad}"}}'), ToolResult(bad, bad, bad, is_error=True),
        Image(bad, b"x", name=bad),
    )  # fmt: skip
    header = Header(bad, bad, bad, bad, bad, bad, bad, bad)
    return Entry("a", "assistant", parts, "error", header, (Seam(3, bad),), trouble=bad)


def check(entry: Entry, width: int) -> None:
    for line in entry_lines(entry, width, PALETTE.signs, frozenset(range(5))):
        assert is_clean(line.text), line
        assert "\n" not in line.text
        assert "\t" not in line.text
        assert runs_len(line.runs) <= width, line
        assert paint(line, width + 3, width, PALETTE).cell_length == width + 3


@pytest.mark.parametrize("bad", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("width", [16, 90])
def test_no_attack_is_painted(bad: str, width: int) -> None:
    check(everywhere(bad), width)


@pytest.mark.parametrize("depth", [400, 900, 30_000])
def test_arguments_nested_without_end_are_shown_as_they_came(depth: int) -> None:
    call = ToolCall("a", "f", f'{{"a": {"[" * depth}{"]" * depth}}}')
    check(Entry("a", "assistant", (call,), "done", Header(*[""] * 8)), 90)


MARKS = "\u0301\u0903\u093e\u0b57\u0e31\u200d\u302e\U0001133e\U0001f3fb"
"""What belongs to the letter before it, where there is one, with and without a column of its own."""


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters() | st.sampled_from(f"0 {MARKS}"), max_size=12), st.integers(8, 50))
@example("\U0001133e00000000", 8)
@example("\u093e" * 12, 8)
@example("0 \u093e0000000", 8)
def test_no_text_breaks_a_line(text: str, width: int) -> None:
    support_every_script()  # as the program does; without it such marks take no column
    check(everywhere(text), width)


@given(
    st.text(st.characters(exclude_characters="\n\t\r") | st.sampled_from(f"0 {MARKS}"), max_size=30), st.integers(2, 12)
)
@example("\u093e" * 12, 8)
def test_nor_a_line_that_is_written(text: str, width: int) -> None:
    support_every_script()
    starts = [0, *wrap_offsets(text, width, 4)]
    for begin, end in pairwise([*starts, len(text)]):
        assert cell_len(text[begin:end].rstrip()) <= width


@pytest.mark.parametrize("bad", ATTACKS.values(), ids=ATTACKS)
def test_nor_while_it_streams_by_the_character(bad: str) -> None:
    live = LiveEntry(Entry("a", "assistant", header=Header(bad)), 40, PALETTE.signs)
    for char in f"text {bad} `{bad}` &#x1b; \n\n```{bad}\n{bad}":
        live.feed(TextDelta(char))
        live.settle()
        for number in range(live.lines):
            assert is_clean(live.line(number).text)
    live.feed(ReasoningDelta(bad))
    live.feed(ToolCallDelta(0, bad, bad, bad))
    live.settle()
    live.seam(bad)
    live.finish()
    for number in range(live.lines):
        assert is_clean(live.line(number).text)
        assert runs_len(live.line(number).runs) <= 40


async def test_nothing_of_it_in_what_the_screen_is_given() -> None:
    app = Stage()
    async with app.run_test(size=(60, 30)) as pilot:
        entries = [replace(everywhere(bad), id=name) for name, bad in ATTACKS.items()]
        entries.append(Entry("u", "user", (Text(ATTACKS["link"] + "\n" + ATTACKS["tags"]),)))
        app.transcript.show(entries)
        await pilot.pause()
        for _ in range(200):
            for y in range(app.transcript.rows):
                assert is_clean(app.transcript.render_line(y).text)
            if app.transcript.scroll_offset.y == 0:
                break
            app.transcript.action_page(-1)
        assert app.transcript.scroll_offset.y == 0


def test_markdown_and_pygments_wait_for_the_first_message() -> None:
    import subprocess
    import sys

    code = (
        "import sys, routerterm.tui.transcript.widget\n"
        "print([name for name in ('markdown_it', 'pygments', 'linkify_it') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
