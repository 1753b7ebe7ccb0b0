"""Lines of entries, against files whose every value says on which line it stands."""

from __future__ import annotations

import tomllib
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from routerterm.config.toml_positions import line_of, positions

SAMPLE = '''# a comment with [brackets] and key = value
top = 2
"quoted key" = 3   # [not.a.table]
dotted.inner = 4

[table]
text = """7
not = 8
[nor.this]
\\""" still "" inside""""
after = 11
literal = \'\'\'12
key = 13\'\'\'
list = [   # 14
  15, "a # b", # 15
  { name = 16, other = [16] },
]
[models."openai/gpt.5"]
context = 19

[[rules]]
action = 22
[[rules]]
action = 24
[rules.inner]
deep = 26
[[rules.many]]
x = 28
'''


def test_every_entry_of_a_crowded_file_is_found_on_its_line() -> None:
    lines = positions(SAMPLE)
    assert tomllib.loads(SAMPLE)["table"]["after"] == 11
    expected = {
        ("top",): 2,
        ("quoted key",): 3,
        ("dotted", "inner"): 4,
        ("table",): 6,
        ("table", "text"): 7,
        ("table", "after"): 11,
        ("table", "literal"): 12,
        ("table", "list"): 14,
        ("table", "list", 0): 15,
        ("table", "list", 1): 15,
        ("table", "list", 2): 16,
        ("table", "list", 2, "name"): 16,
        ("table", "list", 2, "other", 0): 16,
        ("models", "openai/gpt.5"): 18,
        ("models", "openai/gpt.5", "context"): 19,
        ("rules", 0): 21,
        ("rules", 0, "action"): 22,
        ("rules", 1): 23,
        ("rules", 1, "action"): 24,
        ("rules", 1, "inner", "deep"): 26,
        ("rules", 1, "many", 0, "x"): 28,
    }
    assert {key: lines.get(key) for key in expected} == expected


def test_windows_line_ends_count_once() -> None:
    assert positions("a = 1\r\n\r\nb = 3\r\n")["b",] == 3


def test_what_has_no_line_takes_that_of_what_holds_it() -> None:
    lines = positions("[a]\nb = 1\n")
    assert line_of(("a", "c", 3), lines) == 1
    assert line_of(("z",), lines) is None


KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc", "Cs"]), max_size=6)
VALUES = st.recursive(
    st.one_of(st.integers(-99, 99), st.booleans(), st.text("ab#[]{}=\"'\\,\n ", max_size=12)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_the_file_holds_all_of_it_is_found_and_nothing_else(body: dict[str, Any]) -> None:
    text = tomlkit.dumps(body)
    assert set(positions(text)) == set(_ways(tomllib.loads(text)))


def _ways(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([way] if way else []) + [found for step, each in inner for found in _ways(each, (*way, step))]
