"""Every mistake in the settings is named, in words about settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.program import routerterm

from routerterm.config.paths import Paths
from routerterm.config.settings import check_text, load_settings
from routerterm.config.validation import _VALIDATORS


def messages(text: str) -> list[str]:
    return [problem.message for problem in check_text(text, {})[1]]


def test_what_is_wrong_in_one_place_hides_nothing_elsewhere() -> None:
    text = (
        '[router]\ndefault = "nowhere/x"\n[routes.hollow]\nmodels = []\n[aliases]\na = "hollow"\nb = "missing"\n'
        '[budget]\ntimezone = "Mars/Olympus"\n[ui]\nshow_speed = "maybe"\n'
    )
    found = "\n".join(messages(text))
    for words in (
        "routes.hollow.models must have at least 1 entry",
        "nowhere",
        "missing",
        "time zone",
        "true or false",
    ):
        assert words in found
    assert '"hollow"' not in found
    assert "tuple" not in found


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("[router]\ndefault = 3", "text in quotes"),
        ('[routes.r]\nmodels = "smart"', "a list"),
        ("[providers]\nopenai = 1", "a table"),
    ],
)
def test_kinds_in_words(entry: str, words: str) -> None:
    (message,) = messages(entry)
    assert words in message


def test_the_chats_own_names_are_looked_at_too(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_text(
        '[ui]\ntheme = "phosphorous"\n[bindings]\nstatz = "f4"\nstats = "ctrl+blah"\nfind = "enter"\n'
        'help = "f1, shift+f2"\ntheme = "f1"\nquit = "none"\n'
    )
    ran = routerterm("config", "check")
    assert ran.code == 2
    for words in (
        "line 2",
        "phosphor",
        '"statz"',
        '"ctrl+blah" is not a key',
        "enter is needed",
        "already used by help",
    ):
        assert words in ran.err
    assert "bindings.help" not in ran.err
    assert "bindings.quit" not in ran.err


def test_a_byte_order_mark_is_no_mistake(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_bytes(b'\xef\xbb\xbf[ui]\r\ntheme = "amber"\r\n')
    assert load_settings(paths, {}).ui.theme == "amber"
    paths.config_file.write_bytes('[ui]\ntheme = "amber"\n'.encode("utf-16"))
    assert "UTF-8" in routerterm("config", "check").err


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("postgresql://rt:hidden-word@db/x", "must not contain a password"),
        ("redis://:hidden-word@db:6379/0", "must not contain a password"),
        ("postgresql://db/x?password=hidden-word", "must not contain a password"),
        ("mysql://db/x", "must be a URL that begins with postgresql:// or redis://"),
        ("env:not a name", "must name a variable"),
        ("postgresql://rt@db/x", ""),
        ("postgresql:///x?host=/run/postgresql", ""),
        ("redis://db:6379/0", ""),
        ("env:ROUTERTERM_STATE", ""),
    ],
)
def test_where_gateways_share_is_a_url_without_a_password(said: str, words: str) -> None:
    found = messages(f'[gateway]\nstate = "{said}"\n')
    assert (words in found[0]) if words else not found
    assert "hidden-word" not in "".join(found)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text('[gateway]\nstate = "env:RT_NOT_THERE"\n')
    ran = routerterm("gateway", "key", "list", env={"ROUTERTERM_HOME": str(home)})
    assert ran.code == 2
    assert "RT_NOT_THERE" in ran.err
    assert "export RT_NOT_THERE=" in ran.err


def test_every_validator_is_in_force() -> None:
    for section, validators in _VALIDATORS.items():
        assert not validators.keys() & set(section.__struct_fields__), section


def test_a_proxy_in_two_pieces_is_named() -> None:
    assert "router.proxy must not contain a line break, a space" in messages('[router]\nproxy = "http://a b"\n')[0]
