"""Parsed style sheets that are kept: once for each, and from one start to the next."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from rich.style import Style
from textual import widgets
from textual.css import stylesheet
from textual.css.stylesheet import Stylesheet, StylesheetParseError

from routerterm.config.early_settings import quick_ui
from routerterm.config.paths import Paths
from routerterm.tui.app import RoutertermApp
from routerterm.tui.chat import screen
from routerterm.tui.textual_internals import kept_rules
from routerterm.tui.textual_internals.kept_rules import KeptStylesheet, packed, unpacked

OURS = Path(screen.__file__).parents[1] / "routerterm.tcss"
COLOURS = {"t-text": "#ffffff"}


def sheet(file: Path | None = None, colour: str = "#ffffff") -> KeptStylesheet:
    """One rule, in that colour."""
    made = KeptStylesheet(variables={"t-text": colour}, file=file)
    made.add_source("Kind { color: $t-text; }", ("", "one"))
    assert made.rules
    return made


def test_each_sheet_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(stylesheet, "parse", lambda scope, css, *_, **__: parsed.append(css) or [])
    sheets = KeptStylesheet()
    for number in range(100):
        sheets.add_source(f"Kind{number} {{}}", ("", str(number)))
        assert sheets.rules == []
    sheets.reparse()
    assert len(parsed) == 100
    sheets.set_variables(COLOURS)
    sheets.reparse()
    assert len(parsed) == 200


def test_colours_that_are_wrong_leave_the_rules_as_they_were() -> None:
    sheets = sheet()
    before = sheets.rules
    sheets.set_variables({"t-text": "no colour"})
    with pytest.raises(StylesheetParseError):
        sheets.reparse()
    assert sheets.rules is before


def test_the_next_start_parses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sheet(tmp_path / "styles.bin")
    css = first.css
    first.keep()
    monkeypatch.setattr(stylesheet, "parse", lambda *_, **__: pytest.fail("parsed"))
    second = sheet(tmp_path / "styles.bin")
    assert second.css == css
    second.keep()
    assert (tmp_path / "styles.bin").stat().st_mode & 0o077 == 0


def test_a_sheet_that_moves_is_kept_for_both_of_its_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A widget that inherits from it at another distance gives it another tie breaker, at every start."""

    def moved() -> KeptStylesheet:
        made = sheet(tmp_path / "styles.bin")
        made.add_source("Kind { color: $t-text; }", ("", "one"), tie_breaker=-1)
        made.add_source("Kind { color: $t-text; }", ("", "one"), tie_breaker=0)
        assert made.rules
        return made

    moved().keep()
    monkeypatch.setattr(stylesheet, "parse", lambda *_, **__: pytest.fail("parsed"))
    moved()


@pytest.mark.parametrize("broken", ["other colours", "other version", "cut", "no pickle", "no such file"])
def test_what_does_not_match_is_parsed(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "styles.bin"
    sheet(file).keep()
    data = file.read_bytes()
    match broken:
        case "other version":
            monkeypatch.setattr(kept_rules, "__version__", "0.0")
        case "cut":
            file.write_bytes(data[: len(data) // 2])
        case "no pickle":
            file.write_bytes(b"\x00routerterm")
        case "no such file":
            file.unlink()
    colour = "#000000" if broken == "other colours" else "#ffffff"
    assert sheet(file, colour).css == sheet(None, colour).css


class Harmful:
    """Would run a command where pickles are believed."""

    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise SystemExit('believed')",)


def test_the_file_is_read_as_data() -> None:
    assert unpacked(pickle.dumps((kept_rules.versions(), COLOURS, Harmful())), COLOURS) == {}
    assert unpacked(pickle.dumps((kept_rules.versions(), COLOURS, getattr)), COLOURS) == {}


def test_a_style_brings_no_pickle_of_its_own() -> None:
    style = Style(bold=True)
    style._meta = pickle.dumps(Harmful())
    assert unpacked(pickle.dumps((kept_rules.versions(), COLOURS, {"rules": style})), COLOURS) == {}
    key = ("", ("", ""), False, 0, "")
    (kept,) = unpacked(packed(COLOURS, {key: [style]}), COLOURS)[key]  # type: ignore[list-item]
    assert kept == Style(bold=True)  # type: ignore[comparison-overlap]
    assert kept.meta == {}  # type: ignore[attr-defined]


def test_rules_of_every_sheet_are_the_same_once_they_were_kept(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    variables = RoutertermApp(paths, quick_ui(paths)).get_css_variables()
    plain = Stylesheet(variables=variables)
    plain.read(OURS)
    for name in ("Button", "Input", "OptionList", "Static", "TextArea"):
        plain.add_source(getattr(widgets, name).DEFAULT_CSS, ("", name), is_default_css=True, scope=name)
    rules = plain.rules
    key = ("", ("", ""), False, 0, "")
    kept = unpacked(packed(variables, {key: rules}), variables)[key]
    assert [rule.css for rule in kept] == [rule.css for rule in rules]
    assert [rule.selector_set for rule in kept] == [rule.selector_set for rule in rules]
    assert [rule.pseudo_classes for rule in kept] == [rule.pseudo_classes for rule in rules]
