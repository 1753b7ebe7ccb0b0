"""The keys screen, with the keyboard alone and with the mouse alone, on a model of the test's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.text import Text
from textual import events
from textual.widgets import Button, Input, OptionList

from routerterm.config.keys.errors import WrongPassphrase
from routerterm.config.keys.paste import Pasted, recognise
from routerterm.config.keys.values import KeyLocation, KeyRecord, PlaceStatus, ProbeResult
from routerterm.core.secret import Secret, mask
from routerterm.engine.keys.view import KeyLine, KeysView, grouped
from routerterm.tui.dialogs.unlock import UnlockScreen, open_locked
from routerterm.tui.screens.keys.add import AddKeyScreen
from routerterm.tui.screens.keys.rows import Invitation, KeyRow
from routerterm.tui.screens.keys.screen import KeysScreen
from routerterm.tui.terminal.input import Burst
from routerterm.tui.textual_internals.screens import GuardedApp
from routerterm.tui.themes.adapt import to_textual
from routerterm.tui.themes.values import Theme
from routerterm.tui.widgets.fields import FieldLine
from tests.keys.parts import GROQ, OPENAI, OTHER, PASSPHRASE, PROVIDERS, keyring, opened

NOW = 1_795_262_000.0
SIZES = [(120, 40), (80, 24), (45, 20)]


class Model:
    """A key service that remembers what it was told."""

    def __init__(self, lines: list[KeyLine], vault: str = "ready", keyring: str = "absent") -> None:
        self.lines = lines
        self.vault, self.system = vault, keyring
        self.done: list[Any] = []
        self.passphrase = PASSPHRASE
        self.answer = ProbeResult(True, "OpenAI accepts the key: 2 models.", ("a", "b"), ("500 requests per minute",))

    async def view(self) -> KeysView:
        lines = [
            replace(line, health="locked")
            if line.record.place is KeyLocation.VAULT and self.vault == "locked"
            else line
            for line in self.lines
        ]
        return KeysView(NOW, (self.status(KeyLocation.KEYRING), self.status(KeyLocation.VAULT)), self.grouped(lines))

    def grouped(self, lines: list[KeyLine]) -> Any:
        return grouped(tuple(PROVIDERS.values()), lines, with_empty=True)

    def status(self, place: KeyLocation) -> PlaceStatus:
        state: Any = self.vault if place is KeyLocation.VAULT else self.system
        return PlaceStatus(place, "Encrypted vault" if place is KeyLocation.VAULT else "Secret Service", state)

    def recognise(self, text: str) -> Pasted:
        return recognise(text, PROVIDERS.values())

    async def place_for_new_keys(self) -> PlaceStatus:
        return self.status(KeyLocation.VAULT if self.system == "absent" else KeyLocation.KEYRING)

    async def try_out(self, provider: str, secret: Secret | None) -> ProbeResult:
        self.done.append(("try", provider))
        return self.answer

    async def add(
        self, provider: str, secret: Secret, *, label: str = "", place: KeyLocation | None = None
    ) -> KeyRecord:
        record = KeyRecord(provider, label or "default", place or KeyLocation.VAULT, masked=mask(secret.reveal()))
        self.lines.append(KeyLine(record))
        self.done.append(("add", provider, label, secret.reveal()))
        return record

    async def test(self, record: KeyRecord) -> ProbeResult:
        self.done.append(("test", record.name))
        self.put(record, tested=self.answer)
        return self.answer

    async def set_enabled(self, record: KeyRecord, enabled: bool) -> None:
        self.done.append(("enabled", record.name, enabled))
        self.put(record, record=replace(record, enabled=enabled), health="ready" if enabled else "off")

    async def change(self, record: KeyRecord, /, *, notes: str, quota: int | None) -> KeyRecord:
        self.done.append(("change", record.name, notes, quota))
        return replace(record, notes=notes, quota=quota)

    async def adopt(self, record: KeyRecord) -> KeyRecord:
        self.done.append(("adopt", record.name))
        adopted = replace(record, label="default", place=KeyLocation.VAULT, where="")
        self.lines.append(KeyLine(adopted))
        return adopted

    async def move(self, record: KeyRecord, place: KeyLocation) -> KeyRecord:
        self.done.append(("move", record.name, place))
        moved = replace(record, place=place)
        self.put(record, record=moved)
        return moved

    async def shift(self, record: KeyRecord, by: int) -> None:
        self.done.append(("shift", record.name, by))

    async def remove(self, record: KeyRecord) -> None:
        self.done.append(("remove", record.name))
        self.lines = [line for line in self.lines if line.record != record]

    async def unlock(self, place: KeyLocation, passphrase: str) -> None:
        if self.vault == "locked" and passphrase != self.passphrase:
            raise WrongPassphrase("That passphrase does not open the vault.")
        self.done.append(("unlock", place))
        self.vault = "ready"

    async def lock(self, place: KeyLocation) -> None:
        self.done.append(("lock", place))
        self.vault = "locked"

    async def aclose(self) -> None:
        self.done.append("closed")

    def put(self, old: KeyRecord, **fields: Any) -> None:
        self.lines = [replace(line, **fields) if line.record == old else line for line in self.lines]


def some_lines() -> list[KeyLine]:
    work = KeyRecord("openai", "work", KeyLocation.VAULT, masked=mask(OPENAI), quota=200, notes="paid by the club")
    home = KeyRecord("openai", "home", KeyLocation.VAULT, masked=mask(OTHER), quota=50)
    found = KeyRecord("openai", "env:OPENAI_API_KEY", KeyLocation.ENVIRONMENT, "OPENAI_API_KEY", masked="sk-****9999")
    groq = KeyRecord("groq", "default", KeyLocation.VAULT, masked=mask(GROQ))
    gemini = KeyRecord("gemini", "old", KeyLocation.VAULT, masked="****7777", enabled=False)
    paid = KeyRecord("anthropic", "default", KeyLocation.COMMAND, "pass show anthropic")
    good = ProbeResult(True, "OpenAI accepts the key: 86 models.", (), ("500 requests per minute, 499 left",))
    return [
        KeyLine(work, used=37, used_at=NOW - 130, resets_at=NOW + 8000, tested=good),
        KeyLine(home, "cooling", "rate limited", until=NOW + 41, used=50, used_at=NOW - 4),
        KeyLine(found),
        KeyLine(groq, used_at=NOW - 86_000),
        KeyLine(paid, "out", "the account has no credit", used_at=NOW - 500_000),
        KeyLine(gemini, "off", "disabled by you"),
    ]


class Program(GuardedApp):
    CSS_PATH = Path(__file__).parents[2] / "src/routerterm/tui/routerterm.tcss"

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.active_theme = Theme("phosphor", "Phosphor")
        self.register_theme(to_textual(self.active_theme))
        self.theme = "phosphor"
        self.animation_level = "none"

    def on_mount(self) -> None:
        self.push_screen(KeysScreen(self.model, clock=lambda: NOW))

    def last_words(self, error: Exception) -> Text:
        return Text(repr(error))

    @property
    def keys_screen(self) -> KeysScreen:
        return next(screen for screen in self.screen_stack if isinstance(screen, KeysScreen))

    def note(self) -> str:
        return "".join(span.text for field in self.keys_screen.note.fields for span in field.spans)

    def shown(self) -> str:
        return "\n".join("".join(segment.text for segment in line) for line in self.screen._compositor.render_strips())


async def settled(pilot: Any) -> None:
    for _ in range(3):
        await pilot.pause()
        await asyncio.sleep(0.01)


async def paste(pilot: Any, text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_every_key_is_there_with_its_health_at_every_size(size: tuple[int, int]) -> None:
    app = Program(Model(some_lines()))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        shown = app.shown()
        for word in ("OpenAI", "work", "home", "cooling down 41 s", "Groq", "needs you"):
            assert word in shown, (word, shown)
        assert "sk-****0001" in shown
        assert all(len(line.rstrip("\n")) <= size[0] for line in shown.split("\n"))
        for field in ("Add", "Test", "Back", "Remove", "Lock"):
            assert field in shown, field


async def test_the_countdown_counts_without_asking_anyone() -> None:
    app = Program(Model(some_lines()))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        app.keys_screen._clock = lambda: NOW + 12
        app.keys_screen._tick()
        await settled(pilot)
        assert "cooling down 29 s" in app.shown()


async def test_who_leaves_while_it_still_loads_goes_in_peace() -> None:
    model = Model(some_lines())
    app = Program(model)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        screen, view = app.keys_screen, model.view

        async def late() -> KeysView:
            while screen.children:  # noqa: ASYNC110  (no event says that a screen is being taken down)
                await asyncio.sleep(0)
            return await view()

        model.view = late  # type: ignore[method-assign]
        screen._work("Loading…", screen.reload)
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen is not screen
        assert not screen._busy


async def test_with_the_keyboard_alone() -> None:
    model = Model(some_lines())
    app = Program(model)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        for key in ("t", "space", "space", "J", "down", "d"):
            await pilot.press(key)
            await settled(pilot)
        assert model.done == [
            ("test", "openai/work"),
            ("enabled", "openai/work", False),
            ("enabled", "openai/work", True),
            ("shift", "openai/work", 1),
        ]
        assert "Press d again" in app.note()
        await pilot.press("d")
        await settled(pilot)
        assert model.done[-1] == ("remove", "openai/home")
        await pilot.press("a")
        await settled(pilot)
        assert model.done[-1] == ("adopt", "openai/env:OPENAI_API_KEY")
        await pilot.press("escape")
        await settled(pilot)
        assert model.done[-1] == "closed"


async def test_enter_on_a_provider_asks_for_its_key_and_without_a_vault_there_is_none_to_lock() -> None:
    app = Program(Model([], vault="new"))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("l")
        await settled(pilot)
        assert "No vault is open." in app.note()
        row = app.keys_screen.listing.current
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, AddKeyScreen)
        assert isinstance(row, Invitation)
        assert f"Paste your {row.provider.title} API key." in app.shown()


async def test_a_doubt_about_removing_ends_with_the_next_move() -> None:
    model = Model(some_lines())
    app = Program(model)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("d", "down", "up", "d")
        await settled(pilot)
        assert not any(done[0] == "remove" for done in model.done)


async def test_a_pasted_key_is_recognised_tested_and_stored_in_three_steps() -> None:
    model = Model([], vault="new")
    app = Program(model)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await paste(pilot, f'export GROQ_API_KEY="{GROQ}"\n')
        assert isinstance(app.screen, AddKeyScreen)
        assert "1 of 3" in app.shown()
        assert "A key of Groq." in app.shown()
        assert GROQ not in app.shown()
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, UnlockScreen)
        assert "2 of 3" in app.shown()
        for _ in range(2):
            await pilot.press(*PASSPHRASE.replace(" ", "_"), "enter")
        await settled(pilot)
        assert model.done == [("unlock", KeyLocation.VAULT), ("try", "groq"), ("add", "groq", "", GROQ)]
        assert "Stored in your encrypted vault." in app.note()
        row = app.keys_screen.listing.current
        assert isinstance(row, KeyRow)
        assert row.line.record.name == "groq/default"
        assert GROQ not in app.shown()


async def test_a_key_of_several_possible_owners_asks_whose_it_is() -> None:
    model = Model([])
    app = Program(model)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await paste(pilot, "sk-0123456789abcdef0123456789abcdef")
        assert [option.id for option in app.screen.query_one(OptionList).options] == ["openai", "deepseek"]
        await pilot.press("enter", "down", "enter", "enter")
        await settled(pilot)
        assert model.done[-1] == ("add", "deepseek", "", "sk-0123456789abcdef0123456789abcdef")


async def test_a_refused_key_is_not_stored() -> None:
    model = Model([])
    model.answer = ProbeResult(False, "Incorrect API key.", hint="Copy it again.", refused=True)
    app = Program(model)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await paste(pilot, GROQ)
        await pilot.press("enter")
        await settled(pilot)
        assert model.done == [("try", "groq")]
        assert "It was not stored." in app.note()


async def test_what_is_no_key_is_said_on_the_spot() -> None:
    app = Program(Model([]))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await paste(pilot, "two words")
        assert "no spaces" in app.shown()
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, AddKeyScreen)


async def test_a_wrong_passphrase_may_be_tried_again() -> None:
    model = Model(some_lines(), vault="locked")
    app = Program(model)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "locked" in app.shown()
        await pilot.press("u", *"wrong-one", "enter")
        await settled(pilot)
        assert isinstance(app.screen, UnlockScreen)
        assert "does not open the vault" in app.shown()
        assert app.screen.query_one("#passphrase", Input).value == ""
        model.passphrase = "right-one"
        await pilot.press(*"right-one", "enter")
        await settled(pilot)
        assert model.done == [("unlock", KeyLocation.VAULT)]
        assert "is open" in app.note()


async def test_quota_and_notes() -> None:
    model = Model(some_lines())
    app = Program(model)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("e", "backspace", "tab", *"!", "enter")
        await settled(pilot)
        assert model.done == [("change", "openai/work", "paid by the club!", 20)]


async def test_with_the_mouse_alone() -> None:
    model = Model(some_lines())
    app = Program(model)
    async with app.run_test(size=(45, 20)) as pilot:
        await settled(pilot)
        await pilot.click("#list", offset=(5, 2))
        await settled(pilot)
        row = app.keys_screen.listing.current
        assert isinstance(row, KeyRow)
        assert row.line.record.name == "openai/home"
        await click_action(pilot, app, "Disable")
        assert model.done == [("enabled", "openai/home", False)]
        await click_action(pilot, app, "Lock")
        assert model.done[-1] == ("lock", KeyLocation.VAULT)
        await click_action(pilot, app, "Unlock")
        assert isinstance(app.screen, UnlockScreen)
        await pilot.click("#no")
        await settled(pilot)
        await click_action(pilot, app, "Add")
        assert isinstance(app.screen, AddKeyScreen)
        await pilot.click(app.screen.query_one("#no", Button))
        await settled(pilot)
        await click_action(pilot, app, "Back")
        assert model.done[-1] == "closed"


async def test_what_a_model_needs_is_opened_before_it_is_asked(tmp_path: Path) -> None:
    manager = await opened(tmp_path)
    await manager.add("openai", Secret(OPENAI))
    locked = keyring(tmp_path)
    found: list[Any] = []
    app = Program(Model([]))

    async def ask(model: str) -> None:
        found.append(await open_locked(app, locked, model))
        found.append([key.label for key in await locked.keys(model)] if model == "openai" else None)

    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.run_worker(ask("groq/some-model"))
        await settled(pilot)
        assert found[:1] == [True], "another provider's key is not needed"
        app.run_worker(ask("openai"))
        while not isinstance(app.screen, UnlockScreen):
            await settled(pilot)
        await pilot.press(*PASSPHRASE.replace(" ", ""), "enter")
        await settled(pilot)
        assert "does not open" in app.shown()
        await pilot.press(*(key if key != " " else "space" for key in PASSPHRASE), "enter")
        while len(found) < 4:
            await settled(pilot)
        assert found[2:] == [True, ["default"]]


@pytest.mark.parametrize("second", [PASSPHRASE, "something else"])
@pytest.mark.parametrize("between", ["\r", "\t"])
async def test_what_comes_in_one_burst_goes_where_it_was_meant(second: str, between: str) -> None:
    app = Program(Model([], vault="new"))
    given: list[str] = []

    async def unlock(passphrase: str) -> None:
        given.append(passphrase)

    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.push_screen(UnlockScreen(PlaceStatus(KeyLocation.VAULT, "Encrypted vault", "new"), unlock))
        await settled(pilot)
        for letter in f"{PASSPHRASE}x\b{between}{second}\r":
            key = {"\r": "enter", "\t": "tab", "\b": "backspace"}.get(letter, letter)
            app.post_message(events.Key(key, letter if letter.isprintable() else None))
        await settled(pilot)
        if second == PASSPHRASE:
            assert given == [PASSPHRASE]
            return
        assert given == []
        assert "The passphrases differ." in app.shown()
        app.post_message(Burst(f"{PASSPHRASE}\n{PASSPHRASE}\n"))  # as it is read where all of it came at once
        await settled(pilot)
        assert given == [PASSPHRASE]


async def test_what_goes_wrong_is_a_sentence() -> None:
    model = Model(some_lines())

    async def broken(record: KeyRecord) -> ProbeResult:
        raise WrongPassphrase("It is stuck.", "Pull harder.")

    model.test = broken  # type: ignore[method-assign]
    app = Program(model)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("t")
        await settled(pilot)
        assert app.note() == "It is stuck. Pull harder."


async def click_action(pilot: Any, app: Program, title: str) -> None:
    for bar in app.screen.query("#bar > FieldLine").results(FieldLine):
        for field in bar.fields:
            if field.spans[-1].text.strip() == title:
                strip = "".join(segment.text for segment in bar.render_line(0))
                await pilot.click(bar, offset=(strip.index(f" {title}") + 1, 0))
                await settled(pilot)
                return
    raise AssertionError(f"{title} cannot be clicked")
