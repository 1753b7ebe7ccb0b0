"""Bindings, drawing and errors: what Textual's apps, screens and widgets keep to themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual._compositor import Compositor
from textual._styles_cache import StylesCache
from textual.app import App
from textual.binding import BindingsMap
from textual.widget import Widget

from routerterm.tui.textual_internals.leaving import LeavableWork, looked_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.text import Text
    from textual import events
    from textual.binding import Binding, BindingType
    from textual.color import Color
    from textual.dom import DOMNode
    from textual.filter import LineFilter
    from textual.geometry import Region, Size
    from textual.screen import Screen
    from textual.scrollbar import ScrollBar
    from textual.strip import Strip

# -- keys ----------------------------------------------------------------------------------------------


def bindings_of(node: DOMNode) -> Mapping[str, list[Binding]]:
    """What each key is bound to on a part of the screen, its own class's and those that it extends together."""
    return node._bindings.key_to_bindings


def set_bindings(node: DOMNode, bindings: Iterable[BindingType]) -> None:
    """Replace what keys are bound to on a part of the screen: the person's own keys are known late."""
    node._bindings = BindingsMap(bindings)


def add_binding(node: DOMNode, key: str, action: str, description: str) -> None:
    """Bind one more key on a part of the screen, before whatever has the focus sees it."""
    node._bindings.bind(key, action, description, priority=True)


def hand_on(widget: Widget, event: events.Key) -> None:
    """Give a key to the widget that has the focus now, in the order in which keys came."""
    widget._forward_event(event)


async def press(widget: Widget, event: events.Key) -> None:
    """Have a widget deal with a key at once."""
    await widget._on_key(event)


# -- what is drawn -------------------------------------------------------------------------------------


def places_of(widget: Widget) -> Mapping[Widget, tuple[Region, Region]] | None:
    """Where the widgets of the screen are and what they are clipped to, by Textual's last layout.

    The same mapping until there is another layout; None while there is going to be one, or nothing is to be drawn.
    """
    screen, app = widget.screen, widget.app
    if screen._layout_required or screen._scroll_required or screen._recompose_required:
        return None
    # Not `is_current`: that is true of what shows through from beneath a dialog, too.
    return screen._compositor.visible_widgets if screen is app.screen and not app._batch_count else None


def waits_to_be_drawn(screen: Screen[Any]) -> bool:
    """Whether there is something to draw that waits for Textual's next tick, and may be drawn."""
    if screen.app._batch_count:
        return False
    return bool(screen._dirty_widgets or screen._layout_required or screen._repaint_required or screen._scroll_required)


def draw_now(screen: Screen[Any]) -> None:
    """Do what Textual does at its next tick."""
    screen.call_next(screen._on_timer_update)


class ScreenCompositor(Compositor):
    """Puts a screen together, and lets what comes of it be changed before it is drawn."""

    def composed(self, crop: Region, wanted: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        """The strips of each row by their columns, as Textual puts them together."""
        return super()._render_chops(crop, wanted)

    def changed(self, crop: Region, wanted: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        """The same as it is drawn."""
        return self.composed(crop, wanted)

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        return self.changed(crop, is_rendered_line)


def compositor_of(screen: Screen[Any]) -> Compositor:
    """What puts a screen together."""
    return screen._compositor


def set_compositor(screen: Screen[Any], compositor: Compositor) -> None:
    """Have a screen put together otherwise, before it is first laid out."""
    screen._compositor = compositor


def composed_by(compositor: Compositor, crop: Region, wanted: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
    """The strips of each row by their columns."""
    return compositor._render_chops(crop, wanted)


class LineCache(StylesCache):
    """Takes a widget's rows as they are; Textual would look for borders, padding and shades on each of them."""

    def __init__(self, *, whole: bool = False) -> None:
        """``whole``: the widget draws its borders and padding too."""
        super().__init__()
        self._whole = whole
        self._through: tuple[Sequence[LineFilter], Color] | None = None

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        """The rows of ``crop``."""
        if widget.styles.gutter and not self._whole:
            return super().render_widget(widget, crop)
        width = widget.outer_size.width if self._whole else widget.size.width
        background = widget.background_colors[1]
        through = (widget.get_line_filters(), background)
        if width != self._width or through != self._through:
            self.clear()
            self._width, self._through = width, through
        strips = []
        for y in crop.line_range:
            strip = self._cache.get(y)
            if strip is None or y in self._dirty_lines:
                strip = widget.render_line(y)
                for line_filter in through[0]:
                    strip = strip.apply_filter(line_filter, background)
                self._cache[y] = strip
            strips.append(strip)
        self._dirty_lines.difference_update(crop.line_range)
        if crop.column_span != (0, width):
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips


def keep_lines(widget: Widget, *, whole: bool = False) -> None:
    """Keep a widget's rows until they change; ``whole``: it draws its borders and padding too."""
    widget._styles_cache = LineCache(whole=whole)


def forget_lines(widget: Widget, regions: Iterable[Region]) -> None:
    """What was kept of a widget's rows is out of date there."""
    widget._styles_cache.set_dirty(*regions)


class QuietWidget(Widget):
    """Told its size at every layout, and so with every key typed: where nothing changed, nothing is drawn."""

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        if size == self._size and size - self.styles.gutter.totals == self._container_size:
            return False
        return super()._size_updated(size, virtual_size, container_size, layout)


def own_scrollbar(widget: Widget, make: Callable[[], ScrollBar]) -> ScrollBar:
    """A widget's vertical scrollbar, made when it is first asked for, as Textual does."""
    if widget._vertical_scrollbar is None:
        widget._vertical_scrollbar = make()
        widget._vertical_scrollbar.display = False
        widget.app._start_widget(widget, widget._vertical_scrollbar)
    return widget._vertical_scrollbar


# -- themes and errors ---------------------------------------------------------------------------------


def colours_changed(app: App[Any], theme: str) -> None:
    """The theme in force keeps its name, but has other colours."""
    app._watch_theme(theme)


class GuardedApp(App[int]):
    """Ends on a text of ours where something goes wrong; Textual's own picture of an error shows variables, so keys."""

    def __init__(self, driver_class: type[Any] | None = None) -> None:
        super().__init__(driver_class=driver_class)
        self._workers = LeavableWork(self)

    def last_words(self, error: Exception) -> Text:
        """What the program ends on."""
        raise NotImplementedError

    def _handle_exception(self, error: Exception) -> None:
        if looked_behind(error):
            return  # nobody is there any more to whom it matters
        self._return_code = 1
        if self._exception is None:  # what goes wrong while we end is but a consequence
            self._exception = error
            self.panic(self.last_words(error))
            self._exception_event.set()  # what Textual's tests wait for
