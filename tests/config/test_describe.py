"""Every setting is described."""

from __future__ import annotations

from typing import Any

import pytest

from routerterm.config.describe import entries, entry_names, sentence
from routerterm.config.schema_base import Section
from routerterm.config.validation import validated


def sections(section: type[Section]) -> list[type[Section]]:
    """A section and all that are made from it."""
    return [section, *(each for inner in section.__subclasses__() for each in sections(inner))]


# by name: which module of the schema is imported first is for whoever imports one, and every worker must find one order
@pytest.mark.parametrize(
    "model", sorted(sections(Section), key=lambda one: one.__name__), ids=lambda model: model.__name__
)
def test_every_entry_has_a_sentence(model: type[Section]) -> None:
    for name in entry_names(model):
        text = sentence(model, name)
        assert text.endswith("."), f"{model.__name__}.{name}: {text!r}"


def test_entries_say_what_holds_and_whether_it_was_changed() -> None:
    settings = validated({"ui": {"theme": "amber"}, "routes": {"mine": {"models": ["demo"]}}})
    found = {entry.way: entry for entry in entries(settings)}
    assert found["ui", "theme"].changed
    assert not found["ui", "line"].changed
    assert found["ui", "line"].choices == ("auto", "slow", "fast")
    assert found["routes", "mine", "models"].value == ("demo",)
    assert found["budget", "day"].kind == "a number"
    assert found["router", "attempts"].kind == "a whole number"
    assert ("routes", "mine", "hedge") not in found


def test_what_is_shown_as_toml_reads_back(home: Any) -> None:
    import tomllib

    from click.testing import CliRunner

    from routerterm.cli.config_command import command

    text = """
    [providers.house]
    protocol = "openai-chat"
    base_url = "http://house/v1"
    keys = ["env:HOUSE", { ref = "cmd:pass show \\"house\\"", quota = 3 }]
    headers = { "X-Who" = "me" }
    [models."house/a.b"]
    price_in = 0.10
    """
    home.mkdir()
    (home / "config.toml").write_text(text)
    shown = CliRunner().invoke(command, ["show", "--changed"])
    assert shown.exit_code == 0, shown.output
    back = validated(tomllib.loads(shown.output))
    assert back == validated(tomllib.loads(text))
