"""The first start: what is offered, what each way does, and that nothing that is typed gets lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from routerterm.config import local_model
from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from tests.driver import in_process
from tests.driver.homes import configure
from tests.local_server import LocalHandler, listening

SIZES = ((120, 40), (80, 24), (45, 20))


@pytest.mark.parametrize("size", SIZES)
async def test_three_ways_in_are_seen_at_every_size(paths: Paths, size: tuple[int, int]) -> None:
    async with in_process(paths, size) as it:
        await it.until(lambda: it.offers_ways)
        await it.pilot.pause()
        text = it.picture().text
        for words in ("Choose how to start", " 1 ", "Demo", " 2 ", "Local model", "93 MB", " 3 ", "Paste a key"):
            assert words in text


async def test_the_demo_is_one_key_away_and_is_not_offered_again(paths: Paths) -> None:
    async with in_process(paths) as it:
        await it.until(lambda: it.offers_ways)
        await it.press("1")
        await it.until(lambda: not it.offers_ways)
        await it.say("hello")
        await it.until(lambda: len(it.shown()) == 2 and not it.busy)
    async with in_process(paths) as it:
        await it.pilot.pause(0.3)
        assert not it.offers_ways


async def test_what_is_typed_at_once_reaches_the_composer(paths: Paths) -> None:
    async with in_process(paths) as it:
        await it.until(lambda: it.offers_ways)
        await it.burst("What is 2")
        await it.until(lambda: it.composer.endswith("2"))
        await it.composer_is("What is 2")
        await it.press("enter")
        await it.until(lambda: len(it.shown()) == 2)
        assert not it.offers_ways


async def test_it_is_not_in_the_way_of_who_typed_before_it_came(paths: Paths) -> None:
    async with in_process(paths, ready=False) as it:
        await it.type("early")
        await it.until(lambda: it.offers_ways)
        await it.focus_is("composer")
        await it.composer_is("early")


async def test_it_stays_away_where_something_is_set_up(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.pilot.pause(0.3)
        assert not it.offers_ways


async def test_escape_looks_around_first_and_a_command_brings_it_back(paths: Paths) -> None:
    async with in_process(paths) as it:
        await it.until(lambda: it.offers_ways)
        await it.press("escape")
        await it.until(lambda: not it.offers_ways)
        await it.focus_is("composer")
        await it.say("/welcome")
        await it.until(lambda: it.offers_ways)


async def test_the_mouse_alone_does_it(paths: Paths) -> None:
    async with in_process(paths) as it:
        await it.until(lambda: it.offers_ways)
        await it.click("Demo")
        await it.until(lambda: not it.offers_ways)


async def test_a_pasted_key_is_asked_about_and_never_seen(paths: Paths) -> None:
    key = "sk-ant-api03-" + "Q7" * 20
    async with in_process(paths) as it:
        await it.until(lambda: it.offers_ways)
        await it.paste(key)
        await it.dialog_is("Your key")
        await it.screen_shows("A key of Anthropic")
        assert key not in it.picture().text
        await it.press("escape", "escape")
        await it.chat_is_open()
        await it.until(lambda: it.offers_ways)
        assert key not in it.picture().text


async def test_the_third_way_asks_for_a_key(paths: Paths) -> None:
    async with in_process(paths) as it:
        await it.until(lambda: it.offers_ways)
        await it.press("3")
        await it.dialog_is("Your key")
        await it.press("escape", "escape")
        await it.chat_is_open()
        assert it.offers_ways  # nothing was decided


async def test_the_local_model_comes_with_a_bar_and_can_be_stopped(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(
        _paths: Paths, progress: Callable[[int, int], None], *, stop: threading.Event, which: local_model.Weights
    ) -> Path:
        progress(which.package_size // 2, which.package_size)
        assert stop.wait(20)
        raise RoutertermError("Fetching was stopped.")

    monkeypatch.setattr(local_model, "fetch", fetch)
    async with in_process(paths) as it:
        await it.until(lambda: it.offers_ways)
        await it.press("2")
        await it.until(lambda: "46 of 93 MB" in it.picture().text)
        await it.press("2")
        await it.until(lambda: "46 of 93 MB" not in it.picture().text)
        assert it.offers_ways


@contextmanager
def ollama(*models: str) -> Iterator[str]:
    """A server that lists models as Ollama does."""

    class Handler(LocalHandler, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"models": [{"name": name, "model": name} for name in models]}).encode()
            self.whole(200, body)

    with listening(Handler) as address:
        yield address


async def test_a_server_that_runs_here_is_offered_and_taken(paths: Paths) -> None:
    with ollama("llama3.2:3b", "qwen3:4b") as url:
        paths.make()
        paths.config_file.write_text(f'# mine\n[providers.ollama]\nbase_url = "{url}"\n')
        async with in_process(paths) as it:
            await it.until(lambda: "2 models" in it.picture().text)
            assert "llama3.2:3b" in it.picture().text
            await it.press("4")
            await it.until(lambda: it.model == "ollama/llama3.2:3b")
            assert not it.offers_ways
        written = paths.config_file.read_text()
        assert 'default = "ollama/llama3.2:3b"' in written
        assert "# mine" in written


async def test_nothing_moves_where_calm_is_wished_for(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_text('[ui]\nmotion = "reduced"\n')
    async with in_process(paths, ready=False) as it:
        assert not it.app.moves
        assert all(line in it.picture().text for line in it.app.active_theme.voice)  # no boot lines before it
        await it.until(lambda: it.offers_ways)


async def test_the_start_can_be_watched_and_left_by_any_key(paths: Paths) -> None:
    configure(paths)
    async with in_process(paths) as it:
        await it.say("/boot")
        await it.until(lambda: not it.in_chat)
        await it.press("x", "x")
        await it.chat_is_open()


@pytest.mark.parametrize("entered", [False, True])
async def test_a_number_pressed_before_the_ways_came_means_the_way(paths: Paths, entered: bool) -> None:
    async with in_process(paths, ready=False) as it:
        await it.type("1")
        if entered:
            await it.press("enter")
        await it.ready()
        await it.until(lambda: it.history.rows("SELECT 1 FROM memory WHERE name = 'ui:welcome'"))  # a way was taken
        await it.until(lambda: not it.offers_ways)
        await it.composer_is("")
        assert it.model == "demo/markdown"
        assert not it.shown()


async def test_a_key_pasted_before_it_could_be_recognised_goes_to_the_keys(paths: Paths) -> None:
    async with in_process(paths, ready=False) as it:
        await it.paste("gsk_" + "A1b2C3d4" * 6)
        await it.press("enter")
        # the key's own dialog, or first that of the place it will go to, where no keyring is open
        await it.until(lambda: any(words in it.picture().text for words in ("Your key", "passphrase")))
        for _ in range(4):
            await it.press("escape")
            await it.breathe()
        await it.chat_is_open()
        assert not it.shown()
