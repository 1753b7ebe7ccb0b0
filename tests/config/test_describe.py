"""Every setting is described."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from routerterm.config.describe import entries, sentence
from routerterm.config.settings import Settings


def sections(model: type[BaseModel]) -> list[type[BaseModel]]:
    """A section and all that can be in it."""
    found = [model]
    for field in model.model_fields.values():
        for each in (field.annotation, *get_args(field.annotation)):
            if isinstance(each, type) and issubclass(each, BaseModel):
                found += sections(each)
    return found


@pytest.mark.parametrize("model", sections(Settings), ids=lambda model: model.__name__)
def test_every_entry_has_a_sentence(model: type[BaseModel]) -> None:
    for name in model.model_fields:
        text = sentence(model, name)
        assert text.endswith("."), f"{model.__name__}.{name}: {text!r}"


def test_entries_say_what_holds_and_whether_it_was_changed() -> None:
    settings = Settings.model_validate({"ui": {"theme": "amber"}, "routes": {"mine": {"models": ["demo"]}}})
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
    back = Settings.model_validate(tomllib.loads(shown.output))
    assert back == Settings.model_validate(tomllib.loads(text))
