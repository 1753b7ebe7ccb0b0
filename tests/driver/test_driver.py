"""The driver itself: the same verbs see and do the same in process and in a real terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import pairwise

import pytest

from routerterm.config.paths import Paths
from tests.driver import Driver, Picture, in_process, in_terminal
from tests.driver.homes import PRICED, configure, lived_in, priced
from tests.driver.keys import NAMED, bytes_of
from tests.driver.provider import Answer, serving

Open = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture(params=["in process", "in a terminal"])
def start(request: pytest.FixtureRequest) -> Open:
    return in_process if request.param == "in process" else in_terminal


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (45, 20)])
async def test_what_is_typed_said_and_answered(paths: Paths, start: Open, size: tuple[int, int]) -> None:
    await lived_in(paths)
    async with start(paths, size) as it:
        await it.type("two lines:\nthis one")
        await it.composer_is("two lines:\nthis one")
        await it.sees(lambda seen: seen.line(seen.cursor[1]).endswith("this one"))
        await it.clear()
        await it.ask("hello machine")
        await it.composer_is("")
        await it.screen_shows("hello machine")
        await it.top_shows("demo/echo")
        said = it.history.branch()
        assert [message.role for message in said] == ["user", "assistant"]
        await it.conversation_has("hello machine", said[1].text)
        assert it.history.ledger("client = 'tui' AND provider = 'demo'")[-1]["outcome"] == "done"
        await it.press("ctrl+q")
        assert await it.ended() == 0


async def test_keys_open_and_close_what_lies_over_the_chat(paths: Paths, start: Open) -> None:
    await lived_in(paths)
    async with start(paths, (100, 30)) as it:
        await it.press("f1")
        await it.dialog_is("Help")
        await it.press("escape")
        await it.dialog_gone("Help")
        await it.type("still here")
        await it.composer_is("still here")


async def test_the_mouse_clicks_drags_and_turns_its_wheel(paths: Paths, start: Open) -> None:
    await lived_in(paths)
    async with start(paths, (100, 30)) as it:
        await it.click("Pi cluster: fan cur")
        await it.screen_shows("What do I have to know about this: Pi cluster: fan curve?")
        await it.paste(
            "\n".join(f"{n}" for n in range(30))
        )  # typed, a stalled program takes it all for pasted, Enter too
        await it.screen_shows("29")
        await it.ask("")
        await it.screen_lacks("What do I have to know")
        await it.wheel("up", 40)
        await it.drag("Three", "things")
        await it.sees(lambda seen: seen.look("Word by word") != seen.look("Three") == seen.look("things"))
        await it.resize(60, 20)
        await it.sees(lambda seen: (len(seen.rows), len(seen.rows[0])) == (20, 60))


async def test_pastes_and_bursts_arrive_whole(paths: Paths, start: Open) -> None:
    configure(paths)
    async with start(paths) as it:
        await it.paste("pasted\ntext ")
        await it.burst("and a burst")
        await it.composer_is("pasted\ntext and a burst")
        assert not it.history.count()


async def test_what_is_typed_and_pasted_by_turns_keeps_its_order(paths: Paths) -> None:
    configure(paths)
    pieces = [f"\x1b[200~<{n}>\x1b[201~" if n % 3 else f"typed{n} " for n in range(60)]
    async with in_terminal(paths) as it:
        for piece in pieces:
            await it.send(piece)
            await asyncio.sleep(0.001)  # so that some come in one read and others in two
        await it.screen_shows("<59>")
        await it.press("enter")
        await it.answered()
        assert it.history.branch()[0].text == "".join(f"<{n}>" if n % 3 else f"typed{n} " for n in range(60))


async def test_a_provider_that_costs_and_is_slow(paths: Paths, start: Open) -> None:
    with serving(Answer("one two three four", pause=0.05, tokens=(1000, 1000))) as provider:
        await lived_in(paths, priced(provider), PRICED)
        async with start(paths) as it:
            await it.say("how much is it")
            await it.sees(lambda seen: seen.busy)
            await it.answered()
            assert it.history.branch()[-1].text.split() == ["one", "two", "three", "four"]
        (row,) = it.history.ledger("provider = 'shop'")
        assert row["cost_nanousd"] == 18_000_000
        assert provider.asked[0]["messages"][-1]["content"] == "how much is it"


async def test_a_slow_line_carries_everything_in_the_end(paths: Paths) -> None:
    configure(paths)
    async with in_terminal(paths, (80, 24), rate=4000) as it:
        await it.ask("at 4 kB a second")
        await it.screen_shows("at 4 kB a second")


def test_every_key_has_bytes_of_its_own() -> None:
    keys = [*NAMED, "ctrl+o", "alt+t", "ctrl+home", "shift+up", "alt+up", "ctrl+pageup", "a", "?", "é"]
    sent = sorted(bytes_of(key) for key in keys)
    assert all(one != other for one, other in pairwise(sent))
    assert (bytes_of("ctrl+o"), bytes_of("alt+up"), bytes_of("ctrl+end")) == ("\x0f", "\x1b[1;3A", "\x1b[1;5F")
    with pytest.raises(ValueError, match="no terminal"):
        bytes_of("ctrl+f5")


def test_a_picture_is_read_as_a_person_reads_it() -> None:
    rows = (
        "┌── ROUTERTERM ─── A title ── demo/echo ──┐",
        "│▌Today    │  ┌ Pick one ───────┐        │",
        "│▸ A title │  │ this text wraps  │        │",
        "│  Another │  │ over two rows    │        │",
        "│          │  └─────────────────┘        │",
        "│          ├──────────────────────────────┤",
        "│          │ > written                    │",
        "│          │   here                       │",
        "├──────────┴─ ~8 tok · free ──────────────┤",
        "│ WRITE  ctx 0%   today $0                │",
        "│  F1  Help  F10  Quit                    │",
        "└─────────────────────────────────────────┘",
    )
    seen = Picture(rows)
    assert seen.composer == "written\nhere"
    assert (seen.mode, seen.status, seen.keys) == ("WRITE", "WRITE  ctx 0%   today $0", "F1  Help  F10  Quit")
    assert seen.titles == ("ROUTERTERM", "A title", "demo/echo", "Pick one")
    assert seen.dialog == "Pick one"
    assert seen.shows("wraps over two rows")
    assert not seen.shows("over three rows")
    assert not seen.shows("text over")
    assert seen.chats == ("Today", "A title", "Another")
    assert seen.find("Another") == (3, 3)
    bare = (
        "─ ROUTERTERM ── demo/echo ─",
        "  text",
        "─" * 27,
        " > written",
        "   here",
        "─" * 27,
        "today $0",
        " F1  Help",
    )
    assert Picture(bare).composer == "written\nhere"
    assert Picture(bare).chats == ()
