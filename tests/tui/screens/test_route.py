"""The route screen: what stands there is what the router would do, and what is changed there is kept in the file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from routerterm.config.paths import Paths
from routerterm.core.ledger import AttemptRecord
from routerterm.store.database import milliseconds
from routerterm.tui.app import RoutertermApp
from routerterm.tui.screens.routes.rows import Place, moved
from routerterm.tui.screens.routes.screen import RouteScreen
from tests.tui.chat.program import answered, configure, in_chat, running, say, screen_text, until

MINE = """\
# my own words
[routes.mine]  # the usual
strategy = "priority"
models = [
  "demo/echo",  # good
  "demo/slow",  # slow
  "demo/cut",
]
weights = { "demo/echo" = 2 }
"""
PAST = AttemptRecord(
    "past", 1, "tui", "mine", "demo", "echo", milliseconds() - 9000, outcome="done", ttft_ms=10, duration_ms=20,
    input_tokens=5, output_tokens=5, usage_source="reported", cost_nanousd=0,
)  # fmt: skip


@given(st.lists(st.integers(), min_size=1, max_size=8, unique=True), st.data())
def test_moving_keeps_all_and_stops_at_the_ends(numbers: list[int], data: st.DataObject) -> None:
    names = [str(n) for n in numbers]
    one, step = data.draw(st.sampled_from(names)), data.draw(st.sampled_from([-1, 1]))
    after = moved(names, one, step)
    assert sorted(after) == sorted(names)
    assert after.index(one) == max(0, min(len(names) - 1, names.index(one) + step))
    assert [n for n in after if n != one] == [n for n in names if n != one]


async def walk_to(pilot: Pilot[int], screen: RouteScreen, key: str, **wanted: str) -> None:
    """Press a key until the cursor stands on such a row."""
    for _ in range(40):
        if all(getattr(screen._place, name) == value for name, value in wanted.items()):
            return
        await pilot.press(key)
    raise AssertionError(f"there is no {wanted}:\n{screen_text(screen.app)}")


def routes_of(app: RoutertermApp) -> RouteScreen:
    assert isinstance(app.screen, RouteScreen)
    return app.screen


async def test_order_strategy_and_members_are_changed_and_comments_stay(paths: Paths) -> None:
    configure(paths, MINE)
    async with running(paths, (120, 40)) as (app, pilot):

        def models() -> list[str]:
            assert app.services is not None
            return [model.name for model in app.services.options.routes["mine"].models]

        assert app.services is not None
        await app.services.store.ledger.settle(PAST)
        await pilot.press("f7")
        await until(pilot, lambda: "demo/slow" in screen_text(app))
        screen = routes_of(app)
        slow = Place("entry", "mine", "demo/slow", "demo/slow").id
        await pilot.press("end")
        await walk_to(pilot, screen, "up", entry="demo/slow")
        await pilot.press("K")
        await until(pilot, lambda: models() == ["demo/slow", "demo/echo", "demo/cut"])
        await until(pilot, lambda: "The last 30 days (1 request) would have been" in " ".join(screen_text(app).split()))
        await until(pilot, lambda: screen.listing.current is not None and screen.listing.current.id == slow)
        await pilot.press("shift+down", "J")
        await until(pilot, lambda: models() == ["demo/echo", "demo/cut", "demo/slow"])
        await pilot.press("h")
        await until(pilot, lambda: "hedged" in screen_text(app))
        await pilot.press("s")
        await until(pilot, lambda: "round-robin" in paths.config_file.read_text())
        await pilot.press("x")
        await until(pilot, lambda: models() == ["demo/echo", "demo/cut"])
        await until(pilot, lambda: "demo/slow" not in screen_text(app))
        assert screen._place.route == "mine"
        await pilot.press("n", *"nonsense", "enter")
        await until(pilot, lambda: "nonsense" in screen_text(app) and len(app.screen_stack) == 3)
        await pilot.press("ctrl+u", *"demo/flaky", "enter")
        await until(pilot, lambda: models() == ["demo/echo", "demo/cut", "demo/flaky"])
    text = paths.config_file.read_text()
    for word in ("# my own words", "# the usual", "weights", "hedge = true"):
        assert word in text


async def test_a_built_in_route_is_written_down_when_it_is_changed(paths: Paths) -> None:
    configure(paths)
    async with running(paths, (120, 40)) as (app, pilot):
        assert app.services is not None
        await pilot.press("f7")
        await until(pilot, lambda: "smart" in screen_text(app) and routes_of(app)._place.route == "smart")
        await pilot.press("s")
        await until(pilot, lambda: "smart" in app.services.options.routes)  # type: ignore[union-attr]
        route = app.services.options.routes["smart"]
        assert [model.name for model in route.models] == ["openai", "anthropic", "gemini"]
        assert route.strategy == "round-robin"
        await pilot.press("N", *"mine = demo/echo, demo/cut".replace(" ", ""), "enter")
        await until(pilot, lambda: "mine" in app.services.options.routes)  # type: ignore[union-attr]


async def test_a_model_is_avoided_told_of_and_forgiven(paths: Paths) -> None:
    configure(paths, MINE)
    async with running(paths, (120, 40)) as (app, pilot):
        await pilot.press("f7")
        await until(pilot, lambda: "demo/echo" in screen_text(app))
        screen = routes_of(app)
        await pilot.press("end")
        await walk_to(pilot, screen, "up", target="demo/echo")
        await pilot.press("a")
        await until(pilot, lambda: "avoided for 10 min" in screen_text(app))
        assert "needs no key" in screen_text(app)
        await pilot.press("d", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "WhyScreen" and "demo/slow" in screen_text(app))
        await pilot.press("escape", "f")
        await until(pilot, lambda: "avoided for" not in screen_text(app))


async def test_why_tells_the_attempts_as_a_timeline(paths: Paths) -> None:
    configure(paths, default="demo/flaky")
    async with running(paths) as (app, pilot):
        await say(pilot, "go")
        await answered(app, pilot)
        await say(pilot, "/why")
        await until(pilot, lambda: type(app.screen).__name__ == "WhyScreen")
        await until(pilot, lambda: "answered by demo/flaky" in screen_text(app))
        text = screen_text(app)
        assert text.index("rate limited") < text.index("answered by demo/flaky")
        await pilot.press("escape")
        await until(pilot, lambda: in_chat(app))
