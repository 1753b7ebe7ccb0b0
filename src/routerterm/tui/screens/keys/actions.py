"""What takes several steps on the keys screen: adding, testing, moving, unlocking.  Each says how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routerterm.config.keys.errors import VaultLocked
from routerterm.config.keys.values import KeyLocation, KeyRecord, PlaceStatus
from routerterm.tui.dialogs.unlock import UnlockScreen
from routerterm.tui.screens.keys.add import AddKeyScreen, NewKey
from routerterm.tui.screens.keys.edit import EditKeyScreen
from routerterm.tui.screens.keys.rows import place_words

if TYPE_CHECKING:
    from routerterm.tui.screens.keys.screen import KeysScreen


class KeysActions:
    """Acts on the screen's model; asks the person where a passphrase or a key is wanted."""

    def __init__(self, screen: KeysScreen) -> None:
        self._screen = screen

    async def add(self, provider: str, pasted: str) -> None:
        """The three steps: the key, the place it goes to, the test."""
        place = await self._screen.model.place_for_new_keys()
        titles = [(known.name, known.title) for known in self._screen.view.providers]
        asking = AddKeyScreen(self._screen.model.recognise, titles, place, provider=provider, pasted=pasted)
        new = await self._screen.app.push_screen_wait(asking)
        if new is None or not await self._opened(place, "2 of 3" if place.state != "ready" else ""):
            return
        await self._try_and_store(new, place)

    async def _try_and_store(self, new: NewKey, place: PlaceStatus) -> None:
        step = "3 of 3 · " if place.state != "ready" else ""
        self._screen.say(f"{step}Asking {new.provider} about the key…", "text")
        result = await self._screen.model.try_out(new.provider, new.secret)
        if result.refused:
            self._screen.say(f"{result.says.rstrip('.')}. It was not stored. {result.hint}".strip(), "error")
            return
        record = await self._screen.model.add(new.provider, new.secret, label=new.label, place=place.place)
        await self._screen.reload(record.name)
        where = place_words(record.place)
        self._screen.say(f"Stored in {where}. {result.says}", "success" if result.ok else "warning")

    async def test(self, record: KeyRecord) -> None:
        """Ask the provider; a locked place is opened first."""
        try:
            result = await self._screen.model.test(record)
        except VaultLocked as locked:
            status = self._screen.view.place(locked.place)
            if status is None or not await self._opened(status, ""):
                return
            result = await self._screen.model.test(record)
        await self._screen.reload()
        self._screen.say(result.says, "success" if result.ok else "error")

    async def test_all(self) -> None:
        """Ask every provider, one after the other."""
        good = bad = 0
        for provider in self._screen.view.providers:
            for line in provider.lines:
                if line.record.enabled:
                    self._screen.say(f"Asking {provider.title} about {line.record.label}…", "text")
                    result = await self._screen.model.test(line.record)
                    good, bad = good + result.ok, bad + (not result.ok)
                    await self._screen.reload()
        self._screen.say(
            f"{good} keys work, {bad} do not." if bad else f"All {good} keys work.", "warning" if bad else "success"
        )

    async def adopt(self, record: KeyRecord) -> None:
        """Store the key of a variable or a command."""
        place = await self._screen.model.place_for_new_keys()
        if await self._opened(place, ""):
            adopted = await self._screen.model.adopt(record)
            await self._screen.reload(adopted.name)
            self._screen.say(
                f"{adopted.name} is now in {place_words(adopted.place)}; {record.where} is its fallback.", "success"
            )

    async def edit(self, record: KeyRecord) -> None:
        """Set quota and notes."""
        noted = await self._screen.app.push_screen_wait(EditKeyScreen(record))
        if noted is not None:
            await self._screen.model.change(record, notes=noted.notes, quota=noted.quota)
            await self._screen.reload()
            self._screen.say(f"Saved for {record.name}.", "success")

    async def move(self, record: KeyRecord) -> None:
        """Let the key live in the other store."""
        if not record.stored:
            await self.adopt(record)
            return
        target = KeyLocation.VAULT if record.place is KeyLocation.KEYRING else KeyLocation.KEYRING
        status = self._screen.view.place(target)
        if status is None or status.state == "absent":
            self._screen.say(f"The key was not moved: {place_words(target)} is not available.", "warning")
            return
        source = self._screen.view.place(record.place)
        if await self._opened(status, "") and (source is None or await self._opened(source, "")):
            moved = await self._screen.model.move(record, target)
            await self._screen.reload(moved.name)
            self._screen.say(f"{moved.name} is now in {place_words(target)}.", "success")

    async def unlock(self) -> None:
        """Open every place that is locked."""
        locked = [status for status in self._screen.view.places if status.state == "locked"]
        if not locked:
            self._screen.say("Nothing is locked.", "dim")
        for status in locked:
            if await self._opened(status, ""):
                self._screen.say(f"{status.title} is open.", "success")

    async def _opened(self, status: PlaceStatus, step: str) -> bool:
        """Whether a place is open, after asking for its passphrase where it is not."""
        if status.state == "ready":
            return True
        dialog = UnlockScreen(status, lambda passphrase: self._screen.model.unlock(status.place, passphrase), step=step)
        opened = await self._screen.app.push_screen_wait(dialog)
        if opened:
            await self._screen.reload()
        return opened
