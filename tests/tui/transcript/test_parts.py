"""Files and output within a message, unfolded on a narrow screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routerterm.core.files import under_name
from routerterm.core.messages import Text, ToolResult
from routerterm.tui.markdown.lines import Line
from routerterm.tui.themes.palette import Signs
from routerterm.tui.transcript.layout.parts import file_lines, result_lines

SIGNS = Signs()
WIDTH = 43
OUTPUT = """total 12   the quick brown fox jumps over the lazy dog and the registration of the parts
  -rw-r--r--  1 jane  staff   1204 Jan  1 12:00  notes.txt   a name with several blanks"""


def rows(lines: list[Line]) -> list[str]:
    """What stands in each row beside its sign."""
    return ["".join(text for text, _ in line.runs)[2:] for line in lines]


def whole(lines: list[Line]) -> str:
    """What is copied of them."""
    joins = ["", *(line.join for line in lines[1:])]
    return "".join(join + row for join, row in zip(joins, rows(lines), strict=True))


def test_output_is_cut_between_words_and_copied_as_it_was() -> None:
    file = file_lines(Text(under_name("$ ls", OUTPUT), "$ ls"), WIDTH, SIGNS, opened=True)[1:]
    result = result_lines(ToolResult("1", OUTPUT, "ls"), WIDTH, SIGNS, opened=True)[1:]
    words = set(OUTPUT.split())
    for lines in (file, result):
        assert OUTPUT in whole(lines)
        assert {word for row in rows(lines) for word in row.split()} <= words | {"$", "ls:", "```"}


@given(st.text(st.sampled_from("ab  \u4e00,x"), max_size=200))
def test_whatever_is_cut_is_copied_as_it_was(text: str) -> None:
    lines = result_lines(ToolResult("1", text, "t"), WIDTH, SIGNS, opened=True)[1:]
    assert whole(lines).rstrip() == text.rstrip()


def test_a_file_has_one_size() -> None:
    part = Text(under_name("notes.txt", "milk\nbread\n"), "notes.txt")
    (head,) = file_lines(part, WIDTH, SIGNS, opened=False)
    assert "11 B" in "".join(text for text, _ in head.runs)
