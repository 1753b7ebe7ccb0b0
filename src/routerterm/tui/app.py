"""The application: a theme, the first screen, and the services that are put together after the first paint."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen

from routerterm.config.paths import Paths
from routerterm.config.problems import first_of
from routerterm.core.errors import RoutertermError
from routerterm.core.gc_control import resume
from routerterm.engine.chat.detached import detach_terminal, on_hangup
from routerterm.tui.chat.opening import Opening
from routerterm.tui.chat.places import as_meant
from routerterm.tui.chat.screen import ChatScreen
from routerterm.tui.commands.registry import COMMANDS, CommandRunner
from routerterm.tui.dialogs.open_editor import ExternalEditor
from routerterm.tui.gateway_controller import GatewayController
from routerterm.tui.keymap import bindings, check_bindings, keys_by_command
from routerterm.tui.navigation import Navigator
from routerterm.tui.notifications import Notifications
from routerterm.tui.settings_watch import SettingsWatch
from routerterm.tui.terminal import driver_class
from routerterm.tui.textual_internals.screens import set_bindings
from routerterm.tui.textual_internals.text import support_every_script
from routerterm.tui.themed_app import ThemedApp
from routerterm.tui.themes.manager import EVERY

if TYPE_CHECKING:
    from routerterm.config.early_settings import QuickUi
    from routerterm.core.messages import Message
    from routerterm.engine.chat.active_conversation import ActiveConversation
    from routerterm.engine.gateway_port import HostMaker
    from routerterm.tui.dialogs.start_failed import Choice
    from routerterm.tui.themes.values import Theme

FIRST_WORDS = "routerterm.tui.markdown.stream"  # importing it with the first answer would hold up the typing
PATIENCE = 5.0
"""Seconds for saving when the program is told to end."""
QUIET_AFTER = 2.0
"""Seconds without a key press."""
PULSE = 0.8
"""Seconds between two looks while the gateway runs in here: what it spends is on the screen within a second."""


class RoutertermApp(ThemedApp):
    """routerterm in a terminal."""

    TITLE = "routerterm"
    CSS_PATH = "routerterm.tcss"
    ENABLE_COMMAND_PALETTE = False  # Ctrl+P is ours
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "interrupt", show=False, system=True)]
    commands = COMMANDS

    def __init__(
        self,
        paths: Paths,
        ui: QuickUi,
        driver_class: type[Any] | None = None,
        gateway: HostMaker | None = None,
        opening: Opening | None = None,
    ) -> None:
        """``gateway`` makes the one that the settings may want inside the chat."""
        super().__init__(paths, ui, driver_class)
        self.opening = opening or Opening()
        self.gateway = GatewayController(gateway)
        self.navigator = Navigator(self)
        self.keys_of = keys_by_command(COMMANDS.values(), {})
        self.ready = asyncio.Event()
        self.notifications = Notifications(self)
        self._settings = SettingsWatch(paths.config_file, self.take_up_settings, self._tell_of_settings)
        self._ending = False
        self.editor = ExternalEditor(self)
        support_every_script()

    def takes_input(self) -> bool:
        """Whether the composer is there, or another screen that takes what was typed."""
        return len(self.screen_stack) > 1 or (bool(self.screen_stack) and self.focused is not None)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a notice, one line in place of any other; what is wrong begins with a sign besides its colour."""
        sign = {"warning": "! ", "error": "!! "}.get(severity, "")
        line = " ".join(f"{sign}{title + ': ' if title else ''}{message}".split())
        self.notifications.keep(line)
        self.clear_notifications()
        for screen in self.screen_stack:
            screen.query("ToastHolder").remove()  # Textual leaves it behind its notice, and it takes the one row
        super().notify(line, severity=severity, timeout=timeout, markup=False)

    async def _watch(self) -> None:
        """Follow what changes outside, one look at all of it: each would cost a turn of Textual's message pumps."""
        while True:
            await asyncio.sleep(EVERY if self.gateway.host is None else PULSE)
            await self.follow_theme()
            await self._follow_settings()
            await self.chat.status.follow_gateway()

    async def _follow_settings(self) -> None:
        if self.services is not None and self.screen_stack and self.chat.begun.is_set():
            await self._settings.look()

    def _tell_of_settings(self, error: RoutertermError | None) -> None:
        if error is not None:  # one line has no room for the folder
            message = error.message.replace(f"{self.paths.config_file.parent}/", "")
            self.show_error(RoutertermError(message, error.hint))
        else:
            self.notify("The settings file changed and was reloaded.", timeout=4)

    def get_default_screen(self) -> Screen[Any]:
        """The chat is where everything begins."""
        return ChatScreen(self, self.opening, self.notifications, CommandRunner)

    async def on_event(self, event: events.Event) -> None:
        """Keys and pastes pass here first, in their order, and are led to where they belong."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded and self.screen_stack:
            screen = self.screen
            if isinstance(event, events.Key):
                event = as_meant(event, self.focused, lambda key: key in screen.active_bindings)
            if isinstance(screen, ChatScreen) and screen.took_input(event):
                return
        await super().on_event(event)

    def on_load(self) -> None:
        """Before the terminal is taken: who asks the program to end gets it back as it was."""
        if sys.platform != "win32":
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._told_to_end, number)

    def _told_to_end(self, number: int) -> None:
        """Save what is there, and end with the code that shells know; at once where it is asked twice."""
        if number == signal.SIGINT and self.editor.is_open:
            return  # Ctrl+C in the person's editor is the editor's
        code = 128 + number
        if self._ending:
            self.exit(code, return_code=code)
            return
        self._ending = True
        self.run_worker(self._leave(code), name="end", exit_on_error=False)

    async def _leave(self, code: int) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.chat.leave()
        finally:
            self.exit(code, return_code=code)

    def on_mount(self) -> None:
        """Paint first; everything that takes time comes after."""
        on_hangup(asyncio.get_running_loop(), self._hung_up)
        self.notifications.begin()
        self.run_worker(self._watch(), name="files", exit_on_error=False)
        self.call_after_refresh(self.run_worker, self._open_services, name="services", exit_on_error=False)

    def _hung_up(self) -> None:
        """The terminal is gone: let running answers finish, save them, and end."""
        detach_terminal()
        self.run_worker(self._finish(), name="detached", group="detached", exclusive=True, exit_on_error=False)

    def on_terminal_lost(self) -> None:
        """The driver has found out before the signal came."""
        self._hung_up()

    async def _finish(self) -> None:
        if self.services is not None:
            await self.chat.gather()
            await self.services.detached.wait_for_replies()
            await self.chat.sidebar.save_all()
        self.exit(0)

    async def _open_services(self) -> None:
        """Import and put together router, store and settings, off the first paint's path; then memory may be swept."""
        try:
            await self._begin()
            await asyncio.to_thread(importlib.import_module, FIRST_WORDS)
            await self.keep_rules()
        finally:
            resume()

    async def _begin(self) -> None:
        try:
            wiring = await asyncio.to_thread(importlib.import_module, "routerterm.wiring")
            await self._settings.in_force()
            self.services = await wiring.open_services(self.paths)
            self.show_line_speed = self.services.settings.ui.show_speed
        except RoutertermError as error:
            from routerterm.tui.dialogs.start_failed import StartFailed

            self.push_screen(StartFailed(error), partial(self._after_failed_start, error))
            return
        self.ready.set()
        self.run_worker(
            self.navigator.get_ready(partial(_is_quiet, self.chat), QUIET_AFTER), name="screens", exit_on_error=False
        )
        await self.chat.begin(self.services)
        await self._serve()

    def _after_failed_start(self, error: RoutertermError, choice: Choice | None) -> None:
        if choice == "again":
            self.run_worker(self._open_services(), name="services", exit_on_error=False)
        else:
            self.exit(error.exit_code, error.exit_code, self.last_words(error))

    async def _serve(self) -> None:
        """Open or close the gateway, as the settings say."""
        assert self.services is not None
        try:
            await self.gateway.follow(self.services)
        except RoutertermError as error:
            self.show_error(error)

    def set_keys(self, own: Mapping[str, str]) -> None:
        """Bind every command to its keys, the person's own before the defaults; some of them work on every screen."""
        self.keys_of = keys_by_command(COMMANDS.values(), own)
        everywhere = [command for command in COMMANDS.values() if command.everywhere]
        set_bindings(self, [*type(self).BINDINGS, *bindings(everywhere, self.keys_of)])
        self.chat.show_keys()
        if problems := list(check_bindings(own, COMMANDS)):
            self.show_error(first_of(problems, Path(self.paths.config_file.name)))

    async def take_up_settings(self) -> None:
        """Live by the settings as they are in the file now.  Raises `SettingsError`."""
        if self.services is None:
            return
        await self._settings.in_force()
        await self.services.reload()
        settings = self.services.settings
        self.show_line_speed = settings.ui.show_speed
        self.motion = settings.ui.motion
        if (settings.ui.theme, settings.ui.scanlines) != (self.active_theme.name, self.scanlines):
            self.scanlines = settings.ui.scanlines
            self.use_theme(settings.ui.theme)
        self.set_keys(settings.bindings)
        self.chat.composer.edit_by(settings.ui.editing)
        await self.chat.status.spent()
        await self._serve()

    @property
    def chat(self) -> ChatScreen:
        """The chat screen, at the bottom of the stack."""
        screen = self.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        return screen

    @property
    def conversation(self) -> ActiveConversation:
        """The one on show."""
        return self.chat.conversation

    @property
    def unsent(self) -> Message:
        """What is written and attached, as the message that it would be."""
        return self.chat.unsent

    async def use_model(self, name: str) -> None:
        """Answer with this one from now on.  Raises `RoutertermError` where there is none of that name."""
        await self.chat.conversation.use_model(name)

    async def open_conversation(self, id: str, message_id: str | None = None, word: str = "") -> None:
        """Show a conversation at its end, or at a message, a word in it marked."""
        await self.chat.conversation.open(id, message_id, word)
        self.chat.composer.focus()

    async def keys_changed(self) -> None:
        """Keys have come or gone: what answers by default may be another, and providers may be ready now."""
        await self.chat.status.refresh_providers()
        await self.chat.conversation.reconsider()
        await self.chat.settle_onboarding()

    async def action_command(self, name: str, argument: str = "") -> None:
        """Run a command by its name; what goes wrong becomes a notice."""
        if name == "new":
            await self.navigator.back_to_chat()
        await self.chat.commands.run(name, argument)

    def screen_maker(self, name: str) -> Callable[..., Any]:
        """What makes or opens the screen of that name, for parts that lie beneath the screens."""
        return self.navigator.maker(name)

    def theme_changed(self, theme: Theme) -> None:
        """The chat takes it on."""
        self.chat.apply_theme(theme)

    async def action_interrupt(self) -> None:
        """Copy what is selected; else stop the answer; else clear what is written; else, pressed twice, quit."""
        if not self.chat.interrupt() and self.notifications.interrupted():
            await self.action_quit()

    def on_app_focus(self) -> None:
        """The terminal is looked at again."""
        self.notifications.on_focus()

    async def action_help_here(self) -> None:
        """Show what can be done on the screen that is open."""
        await self.navigator.show("help")

    async def action_quit(self) -> None:
        """Leave as the command does, from wherever."""
        await self.chat.commands.run("quit")

    async def action_open(self, name: str) -> None:
        """Open one of the screens in place of another; or close it."""
        await self.navigator.open(name)

    async def on_unmount(self) -> None:
        """Leave nothing open."""
        self.notifications.end()
        await self.gateway.close()
        if self.services is not None:
            await self.services.close()


def _is_quiet(chat: ChatScreen) -> bool:
    """Whether a second's standstill would not be felt: nobody types, no answer comes in."""
    return time.monotonic() - chat.status.typed_at > QUIET_AFTER and not chat.turns.any


def run(gateway: HostMaker | None = None, opening: Opening | None = None) -> int:
    """Open the chat in this terminal; the exit code."""
    from routerterm.config.early_settings import quick_ui

    paths = Paths.find()
    ui = quick_ui(paths)
    app = RoutertermApp(paths, ui, _driver(ui), gateway, opening)
    return app.run(mouse=ui.mouse) or app.return_code or 0


def _driver(ui: QuickUi) -> type[Any] | None:
    line = cast(Literal["auto", "fast", "slow"], ui.line if ui.line in ("fast", "slow") else "auto")
    return driver_class(line=line, driver="textual" if ui.driver == "textual" else "lean")
