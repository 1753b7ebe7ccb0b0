"""Commands that open a screen, and those for the program as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from routerterm.core.errors import RoutertermError
from routerterm.tui.commands.base import Choice, Command, CommandContext
from routerterm.tui.dialogs.ask import show_dialog
from routerterm.tui.terminal import driver_of


class Opens(Command):
    """Opens the screen of its name."""

    group = "Screens"
    everywhere = True
    screen: ClassVar[str]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Open it."""
        await chat.app.action_open(self.screen)


class Help(Opens):
    """All keys and commands, those of this screen first."""

    name, title, screen, slash = "help", "Help", "help", "help"
    letter = "h"
    keys = ("f1", "ctrl+underscore")
    rank = 1


class Models(Opens):
    """Choose a model or route: prices, context, capabilities, health."""

    name, title, screen = "models", "Model", "models"
    letter = "m"
    keys = ("f3", "ctrl+o")
    rank = 2


class Stats(Opens):
    """Usage and costs."""

    name, title, screen, slash = "stats", "Stats", "stats", "stats"
    letter = "s"
    keys = ("f4", "ctrl+t")
    rank = 3


class Find(Opens):
    """Find words in all conversations."""

    name, title, screen, slash, argument = "find", "Find", "find", "find", "WORDS"
    letter = "/"
    keys = ("f5", "ctrl+f")
    rank = 3

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Open it, with the words that were given."""
        if argument and chat.app.services is not None:
            from routerterm.tui.screens.find import look_for

            look_for(chat.app, argument)
        else:
            await super().run(chat, argument)


class Keys(Opens):
    """API keys: add, test, disable, remove."""

    name, title, screen, slash = "keys", "Keys", "keys", "keys"
    letter = "k"
    keys = ("f6", "ctrl+g")
    rank = 4


class Route(Opens):
    """Routes, provider health, and a dry run of where a prompt would go."""

    name, title, screen, slash = "route", "Route", "route", "route"
    letter = "o"
    keys = ("f7", "ctrl+r")
    rank = 5


class Themes(Opens):
    """Choose a theme, with a live preview."""

    name, title, screen, slash, argument = "themes", "Theme", "themes", "theme", "NAME"
    letter = "t"
    keys = ("f8", "ctrl+backslash")
    rank = 6

    @classmethod
    async def choices(cls, chat: CommandContext, argument: str) -> Sequence[Choice]:
        """The machines that there are."""
        from routerterm.tui.themes.reader import find_themes

        return [Choice(name) for name in find_themes(chat.app.paths.theme_dirs()) if name.startswith(argument)]

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Become the one that is named, and keep it; or open the picker."""
        from routerterm.config.write import set_value
        from routerterm.tui.themes.reader import find_themes

        if not argument:
            await super().run(chat)
            return
        if argument not in find_themes(chat.app.paths.theme_dirs()):
            raise RoutertermError(f"There is no theme {argument!r}.", "F8 lists the themes.")
        chat.app.use_theme(argument)
        await asyncio.to_thread(set_value, chat.app.paths, "ui.theme", argument)


class Settings(Opens):
    """Every setting, described."""

    name, title, screen, slash = "settings", "Settings", "settings", "settings"
    letter = ","


class Gateway(Opens):
    """Requests of other programs through routerterm, live; turns the gateway on or off."""

    name, title, screen, slash = "gateway", "Gateway", "gateway", "gateway"


class Sidebar(Command):
    """Show or hide the list of conversations."""

    name, title, group, letter = "sidebar", "Side", "Program", "l"
    keys = ("f9", "ctrl+s")
    rank = 5

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Toggle it."""
        chat.toggle_sidebar()


class Leader(Command):
    """Show all commands, each on a letter; with a selection in the composer, cut it."""

    name, title, group = "leader", "All", "Program"
    keys = ("ctrl+x",)
    rank = 0

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Cut what is selected, or wait for a letter."""
        if chat.composer.has_focus and chat.composer.selected_text:
            chat.composer.action_cut()
            return
        from routerterm.tui.screens.which_key import WhichKey

        async def chosen(name: str | None) -> None:
            if name is not None:
                await chat.commands.run(name)

        chat.app.push_screen(
            WhichKey(chat.commands.infos, chat.app.keys_of, chat.app.active_theme.glyphs.ellipsis), chosen
        )


class Palette(Command):
    """Search all commands by name."""

    name, title, group, letter = "palette", "Palette", "Program", "p"
    keys = ("ctrl+p",)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Pick a command, those that were run last first."""
        from routerterm.tui.dialogs.picker import Picker, among
        from routerterm.tui.widgets.fields import Span
        from routerterm.tui.widgets.keybar import key_name
        from routerterm.tui.widgets.rows import Column, Row

        commands = chat.commands.infos
        recent = [name for name in reversed(chat.commands.recent) if name != self.name]
        rows = []
        for name in dict.fromkeys([*recent, *(name for name in commands if name != self.name)]):
            command, keys = commands[name], chat.app.keys_of.get(name, ())
            key = key_name(keys[0]) if keys else f"/{command.slash}" * bool(command.slash)
            cells = (command.title, (Span(command.help(), "dim"),), (Span(key, "bright"),))
            rows.append(Row(name, cells, search=f"{command.title} {command.slash} {command.help()}"))

        async def picked(name: str) -> None:
            await chat.commands.run(name)

        columns = (Column("", 0, most=28), Column("", 1, grow=True), Column("", 0, right=True))
        show_dialog(chat.app, Picker("Commands", columns, among(rows), hint="Enter Run · Esc Close"), picked)


class Notices(Command):
    """Read the notices of this session again, newest first."""

    name, title, group, slash, letter = "notices", "Notices", "Program", "notices", "!"
    keys = ("alt+n",)

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """List them."""
        from routerterm.tui.clock import time_of_day
        from routerterm.tui.dialogs.picker import Picker, among
        from routerterm.tui.widgets.rows import Column, Row

        log = list(reversed(chat.notifications.log))
        rows = [Row(str(n), (time_of_day(when), line), detail=line) for n, (when, line) in enumerate(log)]
        columns = (Column("", 0), Column("", 0, grow=True))
        chat.app.push_screen(Picker("Notices", columns, among(rows), hint="Esc Close", explained=True))


class Redraw(Command):
    """Redraw the screen after another program wrote on it."""

    name, title, group, letter = "redraw", "Redraw", "Program", "."
    keys = ("ctrl+l",)
    everywhere = True

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Forget what is thought to be shown."""
        driver = driver_of(chat.app)
        if driver is not None:
            driver.redraw()
        chat.app.refresh(layout=True)


class Suspend(Command):
    """Suspend to the shell; fg brings routerterm back, and running answers continue then."""

    name, title, group, slash = "suspend", "Suspend", "Program", "suspend"
    keys = ("alt+z",)  # Ctrl+Z takes back what was typed, as in any editor

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Stop as a job of the shell."""
        chat.app.action_suspend_process()


class Quit(Command):
    """Quit; a running answer is kept so far."""

    name, title, group, slash, letter = "quit", "Quit", "Program", "quit", "q"
    keys = ("f10", "ctrl+q")
    rank = 2
    everywhere = True

    async def run(self, chat: CommandContext, argument: str = "") -> None:
        """Stop what runs, save, and go."""
        await chat.leave()
        chat.app.exit(0)
