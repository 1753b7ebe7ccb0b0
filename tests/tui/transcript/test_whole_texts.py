"""What models write and CommonMark leaves out: deep nesting, emphasis in every script, definitions at the end."""

from __future__ import annotations

import pytest

from routerterm.tui.markdown.stream import StreamLayout, lay_out
from tests.tui.transcript.test_stream import SIGNS


def shown(text: str, width: int = 60, *, complete: bool = False) -> list[str]:
    return [line.text.rstrip() for line in lay_out(text, width, SIGNS, complete=complete)]


@pytest.mark.parametrize("depth", [13, 40, 200])
@pytest.mark.parametrize("kind", ["list", "quote", "both"])
def test_nothing_is_dropped_however_deep_it_lies(kind: str, depth: int) -> None:
    match kind:
        case "list":
            text = "\n".join("  " * level + f"- n{level}" for level in range(depth))
        case "quote":
            text = "> " * depth + f"n{depth - 1}"
        case _:
            text = "".join("> " if level % 2 else "- " for level in range(depth)) + f"n{depth - 1}"
    text += "\n\n**after** it\n\n## Next\n\n- plain"
    lines = "\n".join(shown(text))
    for words in (f"n{depth - 1}", "after it", "Next", "plain"):
        assert words in lines, words
    layout = StreamLayout(60, SIGNS)
    for start in range(0, len(text), 40):
        layout.feed(text[start : start + 40])
        layout.settle()
    layout.close()
    assert layout.done == lay_out(text, 60, SIGNS)


@pytest.mark.parametrize(
    ("text", "bold"),
    [
        ("**注意：**请先备份。", "注意："),
        ("これは**重要（じゅうよう）**です。", "重要（じゅうよう）"),
        ("**“引号”**里的字", "“引号”"),
        ("**강조(強調)**는 이렇게", "강조(強調)"),
        ("请看**《红楼梦》**这本书", "《红楼梦》"),
        ("中文**强调**中文", "强调"),
        ("a **b** c", "b"),
    ],
)
def test_emphasis_beside_scripts_without_blanks(text: str, bold: str) -> None:
    (line,) = lay_out(text, 80, SIGNS)
    assert [run for run, key in line.runs if key == "strong"] == [bold]


@pytest.mark.parametrize("text", ["2 ** 3 ** 4", "a** b**c", "snake_case_name", "**，**a"])
def test_what_is_no_emphasis_keeps_its_marks(text: str) -> None:
    assert shown(text) == [text]


def test_a_definition_works_in_all_of_a_complete_text() -> None:
    addresses = "".join(f"[{name}]: https://example.org/{name}\n" for name in ("1", "w", "that"))
    text = f"See the [manual][1], [the wiki][W] or [that].\n\n{addresses}"
    lines = "\n".join(shown(text, 120, complete=True))
    assert "][" not in lines
    assert "[that]." not in lines
    assert "manual ‹example.org/1›" in lines
    assert lines.count("example.org") == 3
    assert lines.count("\n\n") == 0
    assert "[manual][1]" in "\n".join(shown(text, 120))


def test_a_definition_that_nothing_refers_to_is_shown() -> None:
    assert shown("Sources.\n\n[9]: https://example.org/nine", complete=True)[-1] == "[9] example.org/nine"
