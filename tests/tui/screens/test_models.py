"""The model picker: favourites, what is used in turn, and what the present prompt does not fit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from routerterm.catalog.catalog import Catalog
from routerterm.catalog.values import ModelInfo, Prices
from routerterm.config.paths import Paths
from routerterm.core.targets import Target
from routerterm.router.decide.circuit_breaker import Health
from routerterm.router.options import BUILTIN_ROUTES
from routerterm.tui.screens.models.rows import (
    ModelChoices,
    Need,
    choice_rows,
    cycle,
    misfit,
    provider_keys,
    route_misfit,
)
from routerterm.tui.themes.values import Glyphs
from routerterm.tui.widgets.rows import Row, RowList, plain
from tests.driver.probe import picture_of
from tests.tui.chat.program import configure, running, say, screen_text, until

BLIND = ModelInfo("groq", "llama", context=8_000, prices=Prices(Decimal("0.000001"), Decimal("0.000002")))
SEEING = ModelInfo("openai", "gpt", context=128_000, vision=True)
HERE = ModelInfo("local", "tiny", context=4_000, local=True)


@pytest.mark.parametrize(
    ("model", "need", "word"),
    [
        (BLIND, Need(7_000), ""),
        (BLIND, Need(7_900), "too long"),
        (BLIND, Need(images=True), "can't read images"),
        (SEEING, Need(100_000, images=True), ""),
        (SEEING, Need(private=True), "not local"),
        (HERE, Need(private=True), ""),
        (ModelInfo("x", "y", abilities_known=False), Need(9**9), ""),
        (ModelInfo("x", "y", abilities_known=False), Need(images=True), "may not read images"),
        (ModelInfo("x", "y", context=9_000, max_input=2_000), Need(1_900), "too long"),
    ],
)
def test_what_does_not_fit_says_why(model: ModelInfo, need: Need, word: str) -> None:
    assert (word in misfit(model, need)) if word else misfit(model, need) == ""


def test_the_order_is_now_routes_favourites_recent_ready_and_the_rest() -> None:
    entry_list = ModelChoices(
        current="local/tiny",
        routes=tuple(BUILTIN_ROUTES.values()),
        models=(BLIND, SEEING, HERE, ModelInfo("openai", "mini"), ModelInfo("groq", "qwen")),
        favourites=("openai/gpt",),
        recent=("local/tiny", "openai/gpt", "groq/llama"),
        health={Target("groq", "llama"): Health(ttft=0.4, speed=210.0, open_for=20.0)},
        keys={"openai": "", "local": ""},
        need=Need(6_000),
    )
    rows = choice_rows(entry_list, Glyphs())
    headings = [plain(row.cells[0]) for row in rows if not row.id]
    assert [h.partition(" ")[0] for h in headings] == ["now", "routes", "favourites", "recent", "ready", "without"]
    by_id = {row.id: row for row in rows}
    assert len(by_id) - 1 + len(headings) == len(rows), "a model is listed twice"
    assert by_id["local/tiny"].tone == "dim"
    assert "too long" in by_id["local/tiny"].detail
    assert by_id["openai/gpt"].tone == "text"
    assert "no key" in plain(by_id["groq/llama"].cells[2])
    assert plain(by_id["groq/llama"].cells[3]) == "1.00"
    assert "0.4 s" in by_id["groq/llama"].detail


@given(st.lists(st.sampled_from("abcdef"), max_size=6), st.sampled_from("abcdefg"))
def test_walking_on_and_on_visits_every_one(order: list[str], current: str) -> None:
    names = set(order) - {current} | ({current} if current in order else set())
    seen, at = set(), current
    for _ in range(len(order) + 1):
        found = cycle(order, at)
        if found is None:
            assert seen | {at} >= names
            return
        seen.add(found)
        at = found
    assert seen >= names


def test_how_keys_are_is_told_by_provider() -> None:
    lines = [("groq", "cooling", "rests 41 s"), ("openai", "off", "disabled"), ("gemini", "ready", "ready")]
    providers = [("groq", True), ("openai", True), ("gemini", True), ("demo", False), ("mistral", True)]
    assert dict(provider_keys(providers, lines)) == {"groq": "key rests 41 s", "gemini": "", "demo": ""}


async def test_a_favourite_is_kept_and_shown_first(paths: Paths) -> None:
    configure(paths, "# mine\n")
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press("f3")
        await until(pilot, lambda: "demo/echo" in screen_text(app))
        assert "favourites" not in screen_text(app)
        await pilot.press(*"demo/cut")
        await until(pilot, lambda: "demo/slow" not in screen_text(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.services is not None and app.services.settings.ui.favourites == ("demo/cut",))
        await pilot.press("ctrl+u")
        await until(pilot, lambda: "favourites" in screen_text(app))
        await pilot.press("escape")
    text = paths.config_file.read_text()
    assert 'favourites = ["demo/cut"]' in text
    assert "# mine" in text


async def test_without_a_match_no_model_is_spoken_of(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press("f3")
        await until(pilot, lambda: "time to first token" in screen_text(app) or "200k context" in screen_text(app))
        await pilot.press(*"zebra")
        await until(pilot, lambda: "No model matches." in screen_text(app))
        await until(pilot, lambda: "200k context" not in screen_text(app))
        await pilot.press("ctrl+u")
        await until(pilot, lambda: "200k context" in screen_text(app))


async def test_recent_models_are_walked_in_turn(paths: Paths) -> None:
    configure(paths, '[ui]\nfavourites = ["demo/cut", "demo/slow"]\n')
    async with running(paths) as (app, pilot):
        seen = []
        for _ in range(4):
            before = picture_of(app).model
            await pilot.press("ctrl+right_square_bracket")
            await until(pilot, lambda before=before: picture_of(app).model != before)
            seen.append(picture_of(app).model)
        assert seen == ["demo/cut", "demo/slow", "demo/echo", "demo/cut"]
        await say(pilot, "/next")
        await until(pilot, lambda: picture_of(app).model == "demo/slow")


async def test_a_private_conversation_dims_what_is_not_local(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        await say(pilot, "/private")
        await until(pilot, lambda: "private" in picture_of(app).status)
        await pilot.press("f3")
        await until(pilot, lambda: "ready" in screen_text(app))
        await pilot.press(*"private")
        await until(pilot, lambda: "private: not local" in screen_text(app))


def test_a_route_none_of_whose_models_can_take_it_says_so() -> None:
    need = Need(images=True)
    assert route_misfit((BLIND, SEEING), need) == ""
    assert route_misfit((BLIND, BLIND), need) == "can't read images"
    assert route_misfit((), need) == ""
    assert route_misfit((BLIND, SEEING), Need(private=True)) == "private: not local"
    assert route_misfit((BLIND, HERE), Need(9_000, images=True)) == "can't read images"
    assert route_misfit((BLIND, HERE), Need(9_000)) == "prompt of 9k too long"
    small = replace(SEEING, context=400)
    assert route_misfit((BLIND, small), Need(200, images=True)) == "none can take this prompt"


def test_a_route_without_any_key_says_so_and_how_to_get_one() -> None:
    routes = tuple(BUILTIN_ROUTES.values())
    choices = ModelChoices(routes=routes, keys={"groq": ""}, behind={"smart": (SEEING,), "cheap": (BLIND,)})
    rows = {row.id: row for row in choice_rows(choices, Glyphs())}
    assert [name for name in BUILTIN_ROUTES if rows[name].cells[2] == "no key"] == ["smart"]
    assert "F6 adds one" in rows["smart"].detail
    assert rows["smart"].tone == "dim"


async def test_a_picture_in_the_tray_dims_what_does_not_see(paths: Paths, tmp_path: Path) -> None:
    blind = str(next(m.target for m in Catalog.builtin().models() if m.abilities_known and not m.vision))
    configure(paths, f'[routes.mine]\nmodels = ["{blind}"]\n')
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    async with running(paths, (120, 40)) as (app, pilot):

        async def looked_up() -> dict[str, Row]:
            await pilot.press("f3")
            await until(pilot, lambda: bool(app.screen.query(RowList)) and len(app.screen.query_one(RowList).rows) > 9)
            found = {row.id: row for row in app.screen.query_one(RowList).rows}
            await pilot.press("escape")
            return found

        await app.action_command("attach", str(picture))
        await until(pilot, lambda: "cat.png" in screen_text(app))
        rows = await looked_up()
        assert rows[blind].tone == rows["mine"].tone == "dim"
        assert "can't read images" in rows[blind].detail
        assert "can't read images" in rows["mine"].detail
        await pilot.press("backspace")
        await until(pilot, lambda: "cat.png" not in screen_text(app))
        rows = await looked_up()
        assert plain(rows["mine"].cells[2]) == "no key"
        assert "images" not in rows[blind].detail + rows["mine"].detail
