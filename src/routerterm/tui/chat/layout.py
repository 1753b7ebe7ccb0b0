"""What of the chat has room: the sidebar or its drawer, the box round everything, and where the panes end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from textual.geometry import Region

from routerterm.tui.widgets.frame import Panes
from routerterm.tui.widgets.framed_screen import BOTTOM_FROM
from routerterm.tui.widgets.greeting import has_masthead

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.places import Mode
    from routerterm.tui.chat.view import ChatView
    from routerterm.tui.widgets.framed_screen import FramedScreen

DRAWER_BELOW = 80
"""Columns under which the sidebar is a drawer over the transcript."""
TALL = 24
"""Rows from which a first row that is a bar has the frame beneath it instead of over it."""
WIDE_FROM = 110
"""Columns from which the sidebar is wider."""
BROAD_FROM = 132
"""Columns from which it has room for the model and the cost of each conversation; the answers beside it keep a width in
which code is not wrapped (each wrapped line is one more to send)."""


class Layout:
    """The chat's panes at the present size; ``sidebar`` is the setting: auto, open or closed."""

    def __init__(self, app: AppContext, screen: FramedScreen, view: ChatView, sidebar: str) -> None:
        self._app = app
        self._screen = screen
        self._view = view
        self._sidebar_open: bool | None = {"open": True, "closed": False}.get(sidebar)
        self._before_focus: tuple[bool | None, ...] = ()
        """How it was before Tab opened it."""

    @property
    def _narrow(self) -> bool:
        return self._screen.size.width < DRAWER_BELOW

    @property
    def _split(self) -> int | None:
        """The column of the line between list and conversation; None where the list is not beside it."""
        beside = self._view.conversation_list
        return beside.region.right if beside.display and not self._narrow else None

    @property
    def _foot(self) -> int:
        """The row of the line over status and keys, whichever of them is the upper one."""
        return min(self._view.status_line.region.y, self._view.key_line.region.y) - 1

    @property
    def _top(self) -> int:
        """The row of the upper edge: beneath a first row that is a bar, where there is room for both."""
        screen = self._screen
        bar = self._app.active_theme.layout.title == "bar" and screen.boxed_at(screen.size)
        return int(bar and screen.size.height >= TALL)

    @property
    def classes(self) -> Mapping[str, bool]:
        """What the style sheet must know of the size."""
        screen = self._screen
        width, height = screen.size
        opened = (not self._narrow) if self._sidebar_open is None else self._sidebar_open
        return {
            "-no-sidebar": not opened, "-drawer": opened and self._narrow, "-wide": width >= WIDE_FROM,
            "-broad": width >= BROAD_FROM, "-no-box": not screen.boxed_at(screen.size),
            "-open-box": height < BOTTOM_FROM, "-low-box": bool(self._top),
        }  # fmt: skip

    def arrange(self) -> None:
        """Give every pane the place that the size leaves it."""
        screen = self._screen
        screen.update_classes(self.classes)
        self._view.masthead.display = has_masthead(self._app.active_theme, screen.size)
        self._arrange_forecast()
        if self._view.suggestions.open:
            region = self._view.prompt.region
            self._view.suggestions.place(region.x, region.y, region.width)

    def _arrange_forecast(self) -> None:
        """Keep the forecast under the composer."""
        screen, view, theme = self._screen, self._view, self._app.active_theme
        view.forecast_line.fill = theme.glyphs.rule if screen.frame not in ("none", "wide") else " "
        view.welcome.glyphs = theme.glyphs
        view.welcome.boot = theme.boot
        split = view.conversation_list.display and not self._narrow
        width = view.conversation_list.styles.width  # not its size: that is known only once all is laid out
        left = (int(width.value) if split and width is not None else 0) + (4 if split else 2)
        view.forecast_line.styles.margin = (0, 2 if screen.has_class("-no-box") else 3, 0, left)

    def panes(self) -> Panes:
        """Lines where the panes end."""
        screen = self._screen
        width, height = screen.size
        top, foot = self._view.prompt.region.y - 1, self._foot
        split = self._split
        return Panes(
            width,
            height,
            boxed=screen.boxed_at(screen.size),
            bottom=height >= BOTTOM_FROM,
            top=self._top,
            rules=(foot,) if split is not None else (top, foot),
            split=split,
            right_rules=(top,) if split is not None else (),
        )

    def box_of(self, mode: Mode) -> Region | None:
        """A place with the lines round it, as far as there are any."""
        screen = self._screen
        width = screen.size.width
        top, foot = self._view.prompt.region.y - 1, self._foot
        split = self._split or 0
        match mode:
            case "WRITE":
                return Region(split, top, width - split, foot - top + 1)
            case "MESSAGES":
                return Region(split, self._top, width - split, top + 1 - self._top)
            case "CHATS":
                return Region(0, self._top, split + 1, foot + 1 - self._top) if split else None
            case _:
                assert_never(mode)

    def toggle_sidebar(self) -> None:
        """Show or hide the list; where it is a drawer, it takes the focus."""
        self._sidebar_open = not self._view.conversation_list.display
        self._before_focus = ()
        self.arrange()
        if self._sidebar_open and self._narrow:
            self._view.conversation_list.focus()
        elif not self._sidebar_open:
            self._view.composer.focus()

    def show_for_focus(self, wanted: bool) -> None:
        """Open the list while keys go to it, where it is hidden otherwise; hide it again afterwards."""
        if wanted and not self._view.conversation_list.display:
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
