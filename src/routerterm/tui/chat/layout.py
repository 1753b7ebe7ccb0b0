"""What of the chat has room: the sidebar or its drawer, the box round everything, and where the panes end."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from textual.geometry import Region
from textual.widgets import Static

from routerterm.tui.themes.adapt import to_palette
from routerterm.tui.widgets.frame import Panes
from routerterm.tui.widgets.framed_screen import BOTTOM_FROM

if TYPE_CHECKING:
    from routerterm.tui.chat.places import Mode
    from routerterm.tui.chat.screen import ChatScreen
    from routerterm.tui.themes.values import Theme

UNDERLINES = "_▁"
"""Cursors of themes that underline the letter instead of covering it."""
DRAWER_BELOW = 80
"""Columns under which the sidebar is a drawer over the transcript."""
WIDE_FROM = 110
"""Columns from which the sidebar is wider."""


class Layout:
    """The chat's panes at the present size; ``sidebar`` is the setting: auto, open or closed."""

    def __init__(self, screen: ChatScreen, sidebar: str) -> None:
        self._screen = screen
        self._sidebar_open: bool | None = {"open": True, "closed": False}.get(sidebar)
        self._before_focus: tuple[bool | None, ...] = ()
        """How it was before Tab opened it."""

    @property
    def _narrow(self) -> bool:
        return self._screen.size.width < DRAWER_BELOW

    def arrange(self) -> None:
        """Give every pane the place that the size leaves it."""
        screen = self._screen
        width, height = screen.size
        opened = (not self._narrow) if self._sidebar_open is None else self._sidebar_open
        screen.set_class(not opened, "-no-sidebar")
        screen.set_class(opened and self._narrow, "-drawer")
        screen.set_class(width >= WIDE_FROM, "-wide")
        screen.set_class(not screen.boxed_at(screen.size), "-no-box")
        screen.set_class(height < BOTTOM_FROM, "-open-box")
        screen.composer_controller.arrange()

    def apply_theme(self, theme: Theme) -> None:
        """Give every pane another theme's signs and fills, and its place; colours follow from the style sheet."""
        screen = self._screen
        screen.title_line.fill = theme.fill
        screen.forecast_line.fill = theme.glyphs.rule
        screen.composer.set_class(theme.glyphs.cursor in UNDERLINES, "-underline")
        screen.conversation_list.glyphs = theme.glyphs
        screen.transcript.set_palette(to_palette(theme))
        screen.query_one("#voice", Static).update("\n".join(theme.voice))
        screen.prompt_glyph.show(theme.glyphs, writing=screen.composer.has_focus)
        self.arrange()

    def panes(self) -> Panes:
        """Lines where the panes end."""
        screen = self._screen
        width, height = screen.size
        top, foot = screen.query_one("#prompt").region.y - 1, screen.status_line.region.y - 1
        split = screen.conversation_list.region.right if screen.conversation_list.display and not self._narrow else None
        return Panes(
            width,
            height,
            boxed=screen.boxed_at(screen.size),
            bottom=height >= BOTTOM_FROM,
            rules=(foot,) if split is not None else (top, foot),
            split=split,
            right_rules=(top,) if split is not None else (),
        )

    def box_of(self, mode: Mode) -> Region | None:
        """A place with the lines round it, as far as there are any."""
        screen = self._screen
        width = screen.size.width
        top, foot = screen.query_one("#prompt").region.y - 1, screen.status_line.region.y - 1
        split = screen.conversation_list.region.right if screen.conversation_list.display and not self._narrow else 0
        match mode:
            case "WRITE":
                return Region(split, top, width - split, foot - top + 1)
            case "MESSAGES":
                return Region(split, 0, width - split, top + 1)
            case "CHATS":
                return Region(0, 0, split + 1, foot + 1) if split else None
            case _:
                assert_never(mode)

    def toggle_sidebar(self) -> None:
        """Show or hide the list; where it is a drawer, it takes the focus."""
        self._sidebar_open = not self._screen.conversation_list.display
        self._before_focus = ()
        self.arrange()
        if self._sidebar_open and self._narrow:
            self._screen.conversation_list.focus()
        elif not self._sidebar_open:
            self._screen.composer.focus()

    def show_for_focus(self, wanted: bool) -> None:
        """Open the list while keys go to it, where it is hidden otherwise; hide it again afterwards."""
        if wanted and not self._screen.conversation_list.display:
            self._before_focus = (self._sidebar_open,)
            self._sidebar_open = True
            self.arrange()
        elif not wanted and self._before_focus:
            (self._sidebar_open,) = self._before_focus
            self._before_focus = ()
            self.arrange()

    def close_drawer(self) -> None:
        """Close the list where it covers the conversation that was chosen from it."""
        if self._narrow:
            self._sidebar_open = False
            self.arrange()
