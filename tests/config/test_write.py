"""Changing one entry: all that the person wrote stays, and a half-written file is never seen."""

from __future__ import annotations

import os
import stat
from decimal import Decimal
from typing import Any

import pytest

from routerterm.config.describe import changed_entries
from routerterm.config.paths import Paths
from routerterm.config.settings import load_settings
from routerterm.config.write import set_value, set_values
from routerterm.core.errors import SettingsError, StoreError

WRITTEN = """\
# my settings
[ui]   # looks
theme = "amber"  # warm

[routes.fast]
models = [
  "groq",   # quick
  "openai",
]
"""


@pytest.fixture
def written(paths: Paths) -> Paths:
    paths.make()
    paths.config_file.write_text(WRITTEN, encoding="utf-8")
    return paths


def test_a_changed_entry_keeps_its_comment_and_the_rest_keeps_everything(written: Paths) -> None:
    set_value(written, "ui.theme", "vt220")
    assert written.config_file.read_text(encoding="utf-8") == WRITTEN.replace('"amber"', '"vt220"')


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("router.default", "fast", lambda s: s.router.default),
        ("budget.day", Decimal("2.00"), lambda s: s.budget.day),
        ("ui.mouse", False, lambda s: s.ui.mouse),
        ('models."openai/gpt-5".price_in', Decimal("1.25"), lambda s: s.models["openai/gpt-5"].price_in),
        ("routes.fast.models", ["gemini", "groq"], lambda s: list(s.routes["fast"].models)),
        (
            "budget.providers.openai",
            {"day": Decimal("0.5")},
            lambda s: changed_entries(s.budget.providers["openai"]),
        ),
    ],
)
def test_what_is_set_is_read_and_the_old_lines_stay(written: Paths, name: str, value: Any, read: Any) -> None:
    set_value(written, name, value)
    assert read(load_settings(written, {})) == value
    text = written.config_file.read_text(encoding="utf-8")
    assert "# my settings" in text
    assert 'theme = "amber"  # warm' in text


def test_a_file_is_made_where_there_is_none(paths: Paths) -> None:
    set_value(paths, "ui.theme", "amber")
    assert paths.config_file.read_text(encoding="utf-8") == '[ui]\ntheme = "amber"\n'
    assert stat.S_IMODE(paths.config_file.stat().st_mode) == 0o600


def test_none_takes_an_entry_out(written: Paths) -> None:
    set_value(written, "ui.theme", None)
    set_value(written, "guard.enabled", None)
    assert load_settings(written, {}).ui.theme == "phosphor"
    assert "[guard]" not in written.config_file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ui.them", "x"),
        ("router.default", "nobody"),
        ("ui", 3),
        ("ui.theme.x", 1),
        ("", 1),
        ("ui..theme", 1),
        ("ui.", 1),
    ],
)
def test_a_change_that_would_break_the_file_is_refused_and_nothing_is_written(
    written: Paths, name: str, value: Any
) -> None:
    with pytest.raises(SettingsError):
        set_value(written, name, value)
    assert written.config_file.read_text(encoding="utf-8") == WRITTEN


def test_a_file_that_is_broken_already_is_left_alone(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_text("[ui\n")
    with pytest.raises(SettingsError, match="cannot be changed"):
        set_value(paths, "ui.theme", "amber")
    assert paths.config_file.read_text() == "[ui\n"


def test_a_link_stays_a_link(written: Paths) -> None:
    elsewhere = written.data / "dotfiles.toml"
    written.config_file.rename(elsewhere)
    written.config_file.symlink_to(elsewhere)
    set_value(written, "ui.theme", "vt220")
    assert written.config_file.is_symlink()
    assert "vt220" in elsewhere.read_text(encoding="utf-8")


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(written: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = sorted(written.data.iterdir())
    with pytest.raises(StoreError, match="No space left") as caught:
        set_value(written, "ui.theme", "vt220")
    assert "unchanged" in caught.value.hint
    assert sorted(written.data.iterdir()) == before
    assert written.config_file.read_text(encoding="utf-8") == WRITTEN


def test_an_item_of_a_list_that_moves_takes_its_comment_along(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_text(
        '# mine\n[routes.mine] # the one\nmodels = [\n  "openai", # good\n  # a word between\n  "groq", # quick\n'
        '  "demo/echo"\n] # in order\nweights = { openai = 2 }\n'
    )
    set_values(paths, {"routes.mine.models": ["groq", "demo/echo", "openai"], "routes.mine.strategy": "fastest"})
    text = paths.config_file.read_text()
    lines = [line.strip() for line in text.splitlines()]
    assert '"groq", # quick' in lines
    assert any(line.startswith('"openai"') and line.endswith("# good") for line in lines)
    assert [word for word in ("# mine", "# the one", "# a word between", "# in order") if word not in text] == []
    route = load_settings(paths).routes["mine"]
    assert (route.models, route.strategy, route.weights) == (("groq", "demo/echo", "openai"), "fastest", {"openai": 2})
    set_value(paths, "routes.mine.models", ["openai"])
    assert load_settings(paths).routes["mine"].models == ("openai",)
    assert "# in order" in paths.config_file.read_text()
