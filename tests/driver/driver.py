"""The verbs of a test: what a person does with a terminal, and what they see there."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from routerterm.config.paths import Paths
from tests.driver.history import History
from tests.driver.picture import STARTING, WAYS, Look, Picture

_MOST_LINES = 400
"""Of a text that `Driver.clear` empties."""
_MOST_ESCAPES = 400
"""Until nothing lies over the chat: a few are enough, more only where a key's screen comes late."""
PATIENCE = float(os.environ.get("ROUTERTERM_PATIENCE", "150"))
"""Seconds until a test gives up: far more than anything takes, a safety net and never a measure."""
PAUSE = 0.02
"""Seconds until the screen is looked at a second time; the next looks come more and more slowly."""
LONGEST_PAUSE = 0.15


class Driver(ABC):
    """A person in front of the program.  Every ``…_shows``, ``…_is`` and ``…_has`` waits until it is so."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.history = History(paths.database)
        self._messages_before = 0

    # -- what each kind does in its own way ------------------------------------------------------------

    @abstractmethod
    async def press(self, *keys: str) -> None:
        """Press keys by their names (``enter``, ``ctrl+o``, ``alt+t``, ``shift+tab``, ``f5``) or as letters."""

    @abstractmethod
    async def paste(self, text: str) -> None:
        """Paste a text as the terminal hands it over, in brackets."""

    @abstractmethod
    async def burst(self, text: str) -> None:
        """Type faster than the program reads: all letters at once, without brackets."""

    @abstractmethod
    async def mouse(self, what: str, x: int, y: int) -> None:
        """One report of the mouse at a cell: ``down``, ``up``, ``drag``, ``wheel up`` or ``wheel down``."""

    @abstractmethod
    async def resize(self, width: int, height: int) -> None:
        """Make the terminal another size."""

    @abstractmethod
    def picture(self) -> Picture:
        """What is shown now."""

    @abstractmethod
    def focus(self) -> str:
        """What has the keys now: ``composer``, ``messages``, ``chats``, or ``dialog``."""

    @abstractmethod
    async def ended(self) -> int:
        """Wait for the program to end; its exit code."""

    async def breathe(self) -> None:
        """Let the program do something."""
        await asyncio.sleep(PAUSE)

    # -- what a person does ----------------------------------------------------------------------------

    async def type(self, text: str) -> None:
        """Type a text, a key after the other; a line break is Ctrl+J."""
        await self.press(*("ctrl+j" if letter == "\n" else letter for letter in text))

    async def say(self, text: str) -> None:
        """Type a text and press Enter."""
        self._messages_before = self.history.count()
        await self.type(text)
        await self.press("enter")

    async def ask(self, text: str) -> None:
        """Say something and wait for the end of the answer."""
        await self.say(text)
        await self.answered()

    async def answered(self) -> None:
        """Wait until something has come of what was said last, and no answer is running."""
        before = self._messages_before
        await self.until(lambda: self.history.count() > before, "nothing was written down")
        await self.rests()

    async def rests(self) -> None:
        """Wait until no answer is running, on the screen and on disk."""
        await self.until(lambda: not self.busy, "an answer runs and runs")

    async def go_to(self, place: str) -> None:
        """Lead the keys with Tab to ``composer``, ``messages`` or ``chats``."""
        for _ in range(3):
            before = self.focus()
            if before == place:
                return
            await self.press("tab")
            await self.until(lambda before=before: self.focus() != before, "Tab led nowhere")
        await self.focus_is(place)

    async def leave(self, into: Callable[[], bool] | None = None) -> None:
        """Press Escape until nothing lies over the chat, or until it is so: a key may open something a moment later."""
        done = into or (lambda: self.in_chat)
        for _ in range(_MOST_ESCAPES):
            if done():
                return
            await self.press("escape")
        raise AssertionError(f"{_MOST_ESCAPES} times Escape lead nowhere:\n{self.picture().text}")

    async def open_chat(self, title: str) -> None:
        """Switch to the conversation of this title, by Alt+O; on a narrow screen wait for its text afterwards."""
        await self.press("alt+o")
        await self.until(lambda: not self.in_chat, "no list of conversations opened")
        await self.paste(title)
        await self.screen_shows(f">{title[:8]}")  # the cursor is on it; the list behind shows it too
        await self.press("enter")
        await self.chat_is_open()
        if len(self.picture().rows[0]) >= 80:  # a narrow top row keeps a long model's name and drops the title
            await self.top_shows(title)

    async def clear(self) -> None:
        """Empty the composer, which has the keys, from the end of its text."""
        for _ in range(_MOST_LINES):
            if not self.picture().composer:
                return
            await self.press("ctrl+u", "backspace")
            await self.breathe()
        raise AssertionError(f"the composer is not emptied by Ctrl+U and Backspace:\n{self.picture().text}")

    async def click(self, words: str, *, last: bool = False, right: int = 1, below: int = 0, times: int = 1) -> None:
        """Press and release the left button on these words, once they are seen: so many cells right of and below."""
        x, y = await self._place(words, last=last)
        for _ in range(times):
            await self.click_at(x + right, y + below)

    async def click_at(self, x: int, y: int) -> None:
        """Press and release the left button on a cell."""
        await self.mouse("down", x, y)
        await self.mouse("up", x, y)

    async def drag(self, start: str, end: str) -> None:
        """Hold the left button from the first cell of some words to the last cell of others."""
        (x, y), (to_x, to_y) = await self._place(start), await self._place(end)
        to_x += len(end) - 1
        await self.mouse("down", x, y)
        await self.mouse("drag", (x + to_x) // 2, to_y)
        await self.mouse("drag", to_x, to_y)
        await self.mouse("up", to_x, to_y)

    async def wheel(self, direction: str, times: int = 1, at: str = "") -> None:
        """Turn the wheel ``up`` or ``down``, over some words or over the middle of the screen."""
        rows = self.picture().rows
        x, y = await self._place(at) if at else (len(rows[0]) * 2 // 3, len(rows) // 3)
        for _ in range(times):
            await self.mouse(f"wheel {direction}", x, y)

    async def _place(self, words: str, *, last: bool = False) -> tuple[int, int]:
        await self.screen_shows(words)
        found = self.picture().find(words, last=last)
        assert found is not None, f"{words!r} went away, or is wrapped:\n{self.picture().text}"
        return found

    # -- what a person sees ----------------------------------------------------------------------------

    async def until(self, holds: Callable[[], Any], complaint: str = "it never came") -> None:
        """Wait until something holds."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + PATIENCE
        between = PAUSE
        while not holds():
            if loop.time() > limit:
                raise AssertionError(f"{complaint}; the screen is:\n{self.picture().text}")
            await asyncio.sleep(between)
            between = min(between * 1.3, LONGEST_PAUSE)

    async def sees(self, holds: Callable[[Picture], Any], complaint: str = "it was never seen") -> Picture:
        """Wait for a picture that is so."""
        pictures: list[Picture] = []

        def found() -> bool:
            pictures[:] = [self.picture()]
            return bool(holds(pictures[0]))

        await self.until(found, complaint)
        return pictures[0]

    async def screen_shows(self, *texts: str) -> Picture:
        """Wait until all these are seen at once; each in one row, or wrapped at its spaces."""
        return await self.sees(lambda seen: all(map(seen.shows, texts)), f"{' and '.join(map(repr, texts))} never came")

    async def screen_lacks(self, *texts: str) -> Picture:
        """Wait until none of these is seen."""
        return await self.sees(
            lambda seen: not any(map(seen.shows, texts)), f"{' or '.join(map(repr, texts))} never went"
        )

    async def top_shows(self, text: str) -> None:
        """Wait until the top row shows it: the title, the model."""
        await self.sees(lambda seen: text in seen.top, f"{text!r} never came to the top row")

    async def status_shows(self, text: str) -> None:
        """Wait until the status row shows it."""
        await self.sees(lambda seen: text in seen.status, f"{text!r} never came to the status row")

    async def keys_show(self, text: str) -> None:
        """Wait until the key bar shows it."""
        await self.sees(lambda seen: text in seen.keys, f"{text!r} never came to the key bar")

    async def mode_is(self, mode: str) -> None:
        """Wait until the status row begins with this mode: WRITE, MESSAGES, CHATS."""
        await self.sees(lambda seen: seen.mode == mode, f"the mode was never {mode}")

    async def focus_is(self, place: str) -> None:
        """Wait until ``composer``, ``messages``, ``chats`` or a ``dialog`` has the keys."""
        await self.until(lambda: self.focus() == place, f"{place} never had the keys")

    async def dialog_is(self, title: str) -> Picture:
        """Wait until a frame's top edge carries this title: of a dialog, or of a screen over the chat."""
        return await self.sees(
            lambda seen: any(title in each for each in seen.titles), f"no frame was titled {title!r}"
        )

    async def dialog_gone(self, title: str) -> Picture:
        """Wait until no frame carries this title."""
        return await self.sees(lambda seen: not any(title in each for each in seen.titles), f"{title!r} never went")

    async def chat_is_open(self) -> None:
        """Wait until nothing lies over the chat."""
        await self.until(lambda: self.focus() != "dialog", "the chat was never back")

    async def composer_is(self, text: str) -> None:
        """Wait until exactly this is written in the composer."""

        def same(seen: Picture) -> bool:
            if all(len(row) < seen.composer_width for row in text.split("\n")):
                return seen.composer.rstrip() == text.rstrip()
            return "".join(seen.composer.split()) == "".join(text.split())

        await self.sees(same, f"{text!r} never was what the composer holds")

    async def chats_are(self, *titles: str) -> None:
        """Wait until the list holds exactly these conversations, from the top (headings left away)."""
        await self.until(lambda: tuple(chat.title for chat in self.history.conversations()) == titles)
        await self.sees(lambda seen: all(title[:12] in "\n".join(seen.chats) for title in titles))

    async def conversation_has(self, *texts: str, title: str = "") -> None:
        """Wait until the branch that is open in a conversation (the last one, or that of a title) has these texts."""
        await self.until(
            lambda: tuple(message.text for message in self.history.branch(title)) == texts,
            f"the conversation never was {texts}",
        )

    async def ready(self) -> None:
        """Wait until the program has come up: the top row names a model."""
        await self.sees(lambda seen: seen.top.strip() and STARTING not in seen.top, "it never came up")

    def line(self, number: int) -> str:
        """A row as it is now, without its frame."""
        return self.picture().line(number)

    def look(self, words: str, *, last: bool = False) -> Look:
        """How these words look now."""
        return self.picture().look(words, last=last)

    def shown(self) -> list[str]:
        """The texts of the conversation that is open, as they are on disk now; none in a new one."""
        title = self.title
        return [message.text for message in self.history.branch(title)] if title else []

    @property
    def open_id(self) -> str | None:
        """The conversation that is open, by its title in the top row; None for a new one."""
        chat = self.history.latest(self.title) if self.title else None
        return chat.id if chat else None

    @property
    def title(self) -> str:
        """The title of the conversation that is open; empty in a new one."""
        return self.picture().title

    @property
    def model(self) -> str:
        """The model, route or models that the top row names."""
        return self.picture().model

    @property
    def composer(self) -> str:
        """What is written in the composer now, as far as it is seen."""
        return self.picture().composer

    @property
    def busy(self) -> bool:
        """Whether an answer is running, on the screen or on disk."""
        return self.picture().busy or self.history.running()

    @property
    def in_chat(self) -> bool:
        """Whether nothing lies over the chat."""
        return self.focus() != "dialog"

    @property
    def offers_ways(self) -> bool:
        """Whether the first start's offer is seen."""
        return WAYS in self.picture().text

    @property
    def cursor(self) -> tuple[int, int]:
        """Where the cursor stands now: column, row; in a terminal that hides it, where it was left."""
        return self.picture().cursor
