"""The first start, while nothing is set up: three ways in, and a fourth for every server that runs here already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from routerterm.config import local_model
from routerterm.core.counting import counted, format_bytes
from routerterm.core.errors import RoutertermError
from routerterm.tui.widgets.welcome import Option

if TYPE_CHECKING:
    from routerterm.engine.discovery.local_servers import LocalServer
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.view import ChatView

SEEN = "ui:welcome"
"""Where the memory keeps that a way was taken."""
NOTE = "Press a number, or just write and the demo answers. Esc: not now."
DEMO = "The demo answers now, free: write anything and press Enter. F3 picks a demo that fails, F6 adds a key."
HINT = "write a question, Enter sends it"


class Onboarding:
    """Offers the ways, and goes the one that is taken."""

    def __init__(
        self, app: AppContext, view: ChatView, conversation: ConversationController, closed: Callable[[], None]
    ) -> None:
        """``closed`` is called when they are no longer on show."""
        self._app = app
        self._welcome = view.welcome
        self._composer = view.composer
        self._greeting = view.greeting
        self._conversation = conversation
        self._closed = closed
        self._neighbours: dict[str, LocalServer] = {}
        self._stop: threading.Event | None = None

    @property
    def open(self) -> bool:
        """Whether the ways are on show."""
        return self._welcome.display

    async def consider(self) -> None:
        """Offer them if nothing is set up: no key, no weights, no default, no conversation."""
        services = self._app.ready_services
        chosen = ("router", "default") in services.settings.given
        if chosen or services.default_model != "demo/markdown":
            return
        if await services.store.conversations.latest() or await services.store.memory.read(SEEN):
            return
        self.show()
        self._take_early_key()

    def _take_early_key(self) -> None:
        """A number that was pressed while the program got ready means the way, not a text."""
        if self.took_way(self._composer.text):
            self._composer.put("")

    def took_way(self, text: str) -> bool:
        """Whether a text is the number of one of the ways on show, which is then taken."""
        return self.open and self.is_way(text) and self._welcome.press(text.strip())

    @staticmethod
    def is_way(text: str) -> bool:
        """Whether all that was written before the ways were on show is the number of one."""
        return len(text.strip()) == 1 and text.strip() in "123"

    def show(self) -> None:
        """Offer them."""
        self._neighbours.clear()
        self._welcome.offer(self._ways(), NOTE)
        self._greeting.display = False
        self._composer.placeholder = HINT
        self._welcome.run_worker(self._look_around(), group="neighbours", exclusive=True, exit_on_error=False)

    def close(self, *, seen: bool = True) -> None:
        """Take them away; for good unless the person only looks around."""
        if not self.open:
            return
        if self._stop is not None:
            self._stop.set()
        self._welcome.display = False
        self._closed()
        self._composer.focus()
        if seen:
            self._welcome.run_worker(self._remember(), group="welcome", exit_on_error=False)

    async def settle(self) -> None:
        """Something else has changed what answers: then it is decided."""
        if self.open and self._app.ready_services.default_model != "demo/markdown":
            self.close()

    def took_key(self, key: str) -> bool:
        """A key in the composer that means one of the ways, while nothing is written there."""
        if not self.open or self._composer.text:
            return False
        if key == "escape":
            self.close(seen=False)
            return True
        return self._welcome.press(key)

    async def take(self, id: str) -> None:
        """Go one way.  Raises `RoutertermError`."""
        match id:
            case "demo":
                self.close()
                await self._conversation.use_model("demo/markdown")
                self._app.notify(DEMO, timeout=12, markup=False)
            case "local":
                await self._fetch()
            case "key":
                await self._app.screen_maker("add_key")(self._app, asking=True)
            case _:
                await self._settle_with(self._neighbours[id])

    async def _remember(self) -> None:
        await self._app.ready_services.store.memory.change(SEEN, lambda _: {"at": int(datetime.now(UTC).timestamp())})

    def _ways(self) -> list[Option]:
        which, engine = local_model.SMOLLM2, local_model.status(self._app.paths).engine
        local = f"SmolLM2 135M, {format_bytes(which.package_size)}: runs on this computer, offline; "
        local += "small and simple" if engine else "its engine is not installed yet"
        ways = [
            Option("demo", "Demo", "no key, no cost: shows how answers and failures look"),
            Option("local", "Local model", local),
            Option("key", "Paste a key", "OpenAI, Anthropic, Groq …: recognised, tested, stored safely"),
        ]
        for name, found in self._neighbours.items():
            count = len(found.models)
            some = ", ".join(found.models[:2]) + (" …" if count > 2 else "")
            ways.append(Option(name, found.title, f"runs here with {counted(count, 'model')}: {some}"))
        return ways

    async def _look_around(self) -> None:
        """Ask the usual ports of this machine."""
        from routerterm.engine.discovery.local_servers import local_servers
        from routerterm.wiring.keys import ProbeTransports

        services = self._app.ready_services
        line = ProbeTransports(services.settings, services.catalog)
        try:
            today = datetime.now(UTC).date().isoformat()
            found = await local_servers(services.catalog.providers(), line.transport, today)
        finally:
            await line.aclose()
        self._neighbours = {neighbour.provider: neighbour for neighbour in found}
        if self._neighbours and self.open and self._stop is None:
            self._welcome.offer(self._ways(), NOTE)

    async def _settle_with(self, found: LocalServer) -> None:
        """Answer by a server of this machine from now on."""
        from routerterm.config.model_list_cache import keep
        from routerterm.config.write import set_value

        services = self._app.ready_services
        model = f"{found.provider}/{found.models[0]}"
        try:
            await asyncio.to_thread(keep, services.paths, {found.provider: found.listing})
        except OSError as error:
            raise RoutertermError(f"The model list cannot be saved: {error.strerror}.") from None
        await asyncio.to_thread(set_value, services.paths, "router.default", model, services.environ)
        await self._app.take_up_settings()
        self.close()
        await self._conversation.use_model(model)
        if len(found.models) > 1:
            self._app.notify(f"{model} is selected. F3 picks another of its {len(found.models)}.", markup=False)

    async def _fetch(self) -> None:
        """Fetch the local model with a bar to watch; the same key again stops it."""
        if self._stop is not None:
            self._stop.set()
            return
        self._welcome.run_worker(self._fetching(), group="fetch", exit_on_error=False)

    async def _fetching(self) -> None:
        loop, which = asyncio.get_running_loop(), local_model.SMOLLM2
        stop = self._stop = threading.Event()

        def progress(done: int, total: int) -> None:
            loop.call_soon_threadsafe(self._show_progress, done, total)

        self._welcome.progress("local", 0.0, "contacting the package index …")
        self._welcome.say("Press 2 again to stop. You can write meanwhile: the demo answers.")
        try:
            await asyncio.to_thread(local_model.fetch, self._app.paths, progress, stop=stop, which=which)
        except RoutertermError as error:
            if not stop.is_set():
                self._app.show_error(error)
        finally:
            self._stop = None
            if self.open:
                self._welcome.offer(self._ways(), NOTE)
        status = local_model.status(self._app.paths)
        if status.weights is None:
            return
        if not status.engine:
            self._app.show_error(RoutertermError("The engine is missing.", local_model.how_to_add_engine()))
            return
        await self._conversation.reconsider()
        await self.settle()
        self._app.notify(f"local/{which.model} is ready and selected.", markup=False)

    def _show_progress(self, done: int, total: int) -> None:
        self._welcome.progress("local", done / total, f"{done / 1e6:3.0f} of {total / 1e6:.0f} MB")
