"""The pure parts of the interface: frames, lines of fields, rows, fuzzy matching, keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routerterm.tui.actions import Action, bindings_of, offered
from routerterm.tui.commands.registry import COMMANDS, slash_command
from routerterm.tui.keymap import keys_by_command
from routerterm.tui.widgets.fields import Field, Span, fit
from routerterm.tui.widgets.frame import Panes, draw
from routerterm.tui.widgets.fuzzy import best, score
from routerterm.tui.widgets.keybar import action_fields, key_name
from routerterm.tui.widgets.rows import Column, Row, widths


def test_the_frame_is_joined_where_lines_meet() -> None:
    rows = draw(Panes(11, 7, rules=(4,), split=4, right_rules=(2,)), "single")
    assert rows == (
        "┌───┬─────┐",
        "│   │     │",
        "│   ├─────┤",
        "│   │     │",
        "├───┴─────┤",
        "│         │",
        "└─────────┘",
    )


@given(
    st.integers(1, 60), st.integers(1, 30), st.lists(st.integers(-3, 33), max_size=4), st.none() | st.integers(0, 60)
)
def test_any_panes_can_be_drawn(width: int, height: int, rules: list[int], split: int | None) -> None:
    rows = draw(Panes(width, height, rules=tuple(rules), split=split, right_rules=tuple(rules[:1])), "double")
    assert len(rows) == height
    assert all(len(row) == width for row in rows)


fields = st.lists(
    st.builds(
        lambda text, rank, right: Field((Span(text),), rank, right),
        st.text("abc", max_size=12),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=8,
)


@given(fields, st.integers(1, 80), st.integers(0, 4))
def test_fields_never_overlap_and_the_important_ones_stay(some: list[Field], width: int, gap: int) -> None:
    placed = fit(some, width, gap)
    end = 0
    for each in placed:
        assert each.column >= end
        end = each.column + each.width
    assert end <= width
    if some:
        kept = {id(each.field) for each in placed}
        assert any(id(field) in kept for field in some if field.rank == min(f.rank for f in some))


@given(st.lists(st.lists(st.text("xyz", max_size=30), min_size=3, max_size=3), max_size=6), st.integers(1, 100))
def test_columns_fit_the_room(cells: list[list[str]], room: int) -> None:
    columns = (Column("", 1), Column("", 0, grow=True), Column("", 2, right=True))
    sizes = widths(columns, [Row(str(n), tuple(row)) for n, row in enumerate(cells)], room)
    assert sum(sizes.values()) + 2 * max(0, len(sizes) - 1) <= room


def test_fuzzy_prefers_what_is_written_out() -> None:
    names = ["openai/gpt-4o", "groq/llama", "anthropic/claude-sonnet", "local/smollm2"]
    assert best("claude", names, str) == ["anthropic/claude-sonnet"]
    assert best("gpt4", names, str) == ["openai/gpt-4o"]
    assert best("", names, str) == names
    assert score("zebra", "horse") is None


def test_no_two_commands_share_a_key_or_a_slash() -> None:
    keys = [key for command in COMMANDS.values() for key in command.keys]
    assert len(keys) == len(set(keys))
    slashes = [command.slash for command in COMMANDS.values() if command.slash]
    assert len(slashes) == len(set(slashes))


def test_keys_can_be_given_and_taken_away() -> None:
    keys = keys_by_command(COMMANDS.values(), {"stats": "f12, ctrl+x", "themes": "none"})
    assert keys["stats"] == ("f12", "ctrl+x")
    assert keys["themes"] == ()
    assert keys["help"] == COMMANDS["help"].keys


def test_slash_commands_are_told_from_text() -> None:
    assert slash_command("/model smart") == ("model", "smart")
    assert slash_command("/stats") == slash_command("/cost") == ("stats", "")
    assert slash_command("/usr/bin is a folder") is None
    assert slash_command("/model x\nand more") is None
    assert slash_command("tell me /model") is None


def test_keys_are_named_for_a_person() -> None:
    assert [key_name(key) for key in ("f1", "ctrl+o", "ctrl+underscore", "alt+up")] == ["F1", "^O", "^/", "Alt+Up"]


TABLE = (
    Action("n,insert", "Add a key", "add", rank=0, short="New"),
    Action("space", "Switch the key off or on", "switch", rank=1, short=lambda on: "Off" if on else "On"),
    Action("d", "Remove the key", "remove", rank=2, when=lambda on: bool(on)),
    Action("1", "Continue with answer 1", "take(0)", rank=3, short="Continue", shown_key="1–4"),
    Action("escape", "Back", "app.pop_screen", rank=4),
    Action("T", "Test all keys", "test_all"),
)


def test_one_table_gives_the_bindings_and_the_key_bar_of_a_screen() -> None:
    bindings = [(one.key, one.action, one.description) for one in bindings_of(TABLE) if not isinstance(one, tuple)]
    assert ("n,insert", "add", "Add a key") in bindings
    assert ("T", "test_all", "Test all keys") in bindings
    shown = [(field.spans[0].text, field.spans[1].text, field.action) for field in action_fields(TABLE, True)]
    assert shown == [
        (" n ", " New", "screen.add"),
        (" Space ", " Off", "screen.switch"),
        (" d ", " Remove the key", "screen.remove"),
        (" 1–4 ", " Continue", "screen.take(0)"),
        (" Esc ", " Back", "app.pop_screen"),
    ]


def test_the_key_bar_offers_what_can_be_done_now() -> None:
    assert [action.method for action in offered(TABLE, False)] == ["add", "switch", "take(0)", "app.pop_screen"]
    assert [field.spans[1].text for field in action_fields(TABLE, False)][1] == " On"


def test_a_key_is_shown_as_it_is_typed() -> None:
    assert [key_name(key) for key in ("n", "N", "slash", "f6", "ctrl+s", "alt+o", "space", "1–4")] == [
        "n", "N", "/", "F6", "^S", "Alt+O", "Space", "1–4",
    ]  # fmt: skip
