"""What screens, dialogs and the parts of the chat may ask of the program; `RoutertermApp` is the one that answers.

It is a class between Textual's and ours, not a protocol, so that ``app`` of a screen is still Textual's ``App``.
Nothing above the widgets is imported here: whoever needs the program imports this, and never the program itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from textual.worker import Worker, WorkerState

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.tui.hints import in_chat
from routerterm.tui.terminal import driver_of
from routerterm.tui.textual_internals.leaving import looked_behind
from routerterm.tui.textual_internals.screens import GuardedApp

if TYPE_CHECKING:
    import asyncio

    from rich.text import Text

    from routerterm.config.early_settings import QuickUi
    from routerterm.config.paths import Paths
    from routerterm.core.messages import Message
    from routerterm.engine.chat.active_conversation import ActiveConversation
    from routerterm.tui.gateway_controller import GatewayController
    from routerterm.tui.keymap import CommandInfo
    from routerterm.tui.themes.values import Theme
    from routerterm.tui.widgets.composer import Composer
    from routerterm.wiring import Services


class Editor(Protocol):
    """The person's own editor, which has the terminal while it is open."""

    @property
    def is_open(self) -> bool:
        """Whether the terminal belongs to it now."""
        ...

    def open(self, composer: Composer) -> None:
        """Write what the composer holds elsewhere; what goes wrong becomes a notice."""
        ...

    async def close(self) -> None:
        """Take the terminal back; what the editor has saved is what is written."""
        ...


class StillStarting(RoutertermError):
    """Something was wanted before settings, keys and history are read: it is done as soon as they are."""


class AppContext(GuardedApp):
    """The program, as its screens know it."""

    paths: Paths
    ui: QuickUi
    """What the settings said of looks before the first paint."""
    active_theme: Theme
    """The theme in force."""
    gateway: GatewayController
    editor: Editor
    """Where the composer's text can be written instead."""
    ready: asyncio.Event
    """Set once the services are there."""
    services: Services | None = None
    """What is put together after the first paint; None until then."""
    commands: Mapping[str, type[CommandInfo]]
    """Every command by its name, in the order of the help."""
    keys_of: Mapping[str, tuple[str, ...]]
    """The keys of every command, the person's own before the defaults."""
    motion: str
    """What the settings say of things that move: auto, full or reduced."""
    show_line_speed = False
    recent: tuple[str, ...] = ()
    """The models that are walked through in turn, since one was last chosen otherwise."""

    @property
    def ready_services(self) -> Services:
        """The services.  Raises `StillStarting` before they are there."""
        if self.services is None:
            raise StillStarting("Still starting.", "This takes a moment on a small computer.")
        return self.services

    def show_error(self, error: RoutertermError) -> None:
        """What was wrong and what to do, as a notice."""
        text = f"{error.message}\n{in_chat(error.hint)}" if error.hint else error.message
        failed: Literal["error", "warning"] = "error" if error.exit_code == 1 else "warning"
        self.notify(text, severity="information" if isinstance(error, NotNow) else failed, timeout=8, markup=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A mistake of ours in the background becomes a notice and a report, never a traceback."""
        error = event.worker.error
        if not self.screen_stack:
            return  # the program is ending: what goes wrong now is but a consequence
        if (
            event.state is WorkerState.ERROR
            and isinstance(error, Exception)
            and not looked_behind(error, event.worker.node)
        ):
            from routerterm.config.crash import report

            self.show_error(error if isinstance(error, RoutertermError) else report(error))

    def last_words(self, error: Exception) -> Text:
        """A sentence that names the report."""
        from rich.text import Text

        from routerterm.config.crash import report

        told = error if isinstance(error, RoutertermError) else report(error)
        return Text("\n".join(filter(None, (told.message, told.hint))))

    # -- the conversation on show ----------------------------------------------------------------------

    @property
    def conversation(self) -> ActiveConversation:
        """The one on show."""
        raise NotImplementedError

    @property
    def unsent(self) -> Message:
        """What is written and attached, as the message that it would be."""
        raise NotImplementedError

    async def use_model(self, name: str) -> None:
        """Answer with this one from now on.  Raises `RoutertermError` where there is none of that name."""
        raise NotImplementedError

    async def open_conversation(self, id: str, message_id: str | None = None, word: str = "") -> None:
        """Show a conversation at its end, or at a message, a word in it marked."""
        raise NotImplementedError

    # -- the program -----------------------------------------------------------------------------------

    async def action_command(self, name: str, argument: str = "") -> None:
        """Run a command by its name; what goes wrong becomes a notice."""
        raise NotImplementedError

    async def action_interrupt(self) -> None:
        """Ctrl+C: copy, stop, clear, or quit."""
        raise NotImplementedError

    def screen_maker(self, name: str) -> Callable[..., Any]:
        """What makes or opens the screen of that name (see ``navigation.MAKERS``): it lies above who asks for it."""
        raise NotImplementedError

    async def action_open(self, name: str) -> None:
        """Open one of the screens in place of another; or close it."""
        raise NotImplementedError

    async def take_up_settings(self) -> None:
        """Live by the settings as they are in the file now.  Raises `SettingsError`."""
        raise NotImplementedError

    def set_keys(self, own: Mapping[str, str]) -> None:
        """Bind every command to its keys, the person's own (from ``[bindings]``) before the defaults."""
        raise NotImplementedError

    async def keys_changed(self) -> None:
        """Keys have come or gone: what answers by default may be another, and providers may be ready now."""
        raise NotImplementedError

    def use_theme(self, name: str) -> None:
        """Take on another theme, everywhere, at once."""
        raise NotImplementedError

    @property
    def moves(self) -> bool:
        """Whether something may move that need not: not on slow lines, nor where the settings ask for calm."""
        if self.motion != "auto":
            return self.motion == "full"
        driver = driver_of(self)
        return driver is None or driver.line.animate

    @property
    def pulse(self) -> float:
        """Seconds between two turns of a spinner: slower on a slow line."""
        driver = driver_of(self)
        return 0.25 if driver is None or driver.line.animate else 1.5

    @property
    def line_is_slow(self) -> bool:
        """Whether every byte to the terminal counts."""
        driver = driver_of(self)
        return driver is not None and driver.line.slow

    def line_speed(self) -> float | None:
        """Bytes a second that the terminal is sent, where the settings want it shown."""
        driver = driver_of(self)
        return driver.line.bytes_per_second if driver is not None and self.show_line_speed else None
