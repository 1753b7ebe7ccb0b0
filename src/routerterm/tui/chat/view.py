"""What there is to be seen of the chat: its widgets, made once and handed to whatever draws on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from routerterm.tui.themes.adapt import to_palette
from routerterm.tui.transcript.widget import Transcript
from routerterm.tui.widgets.composer import Composer
from routerterm.tui.widgets.conversations import ConversationList
from routerterm.tui.widgets.fields import FieldLine
from routerterm.tui.widgets.framed_screen import FramePart
from routerterm.tui.widgets.greeting import Greeting, Masthead
from routerterm.tui.widgets.prompt_glyph import PromptGlyph
from routerterm.tui.widgets.suggestions import Suggestions
from routerterm.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from routerterm.tui.themes.values import Theme


class ChatView:
    """The panes, from the top."""

    def __init__(self, theme: Theme) -> None:
        glyphs = theme.glyphs
        self.title_line = FieldLine(id="title", fill=theme.fill)
        self._theme = theme
        self.conversation_list = ConversationList(glyphs, id="sidebar")
        self.transcript = Transcript(id="transcript", palette=to_palette(theme))
        self.masthead = Masthead(theme)
        self.greeting = Greeting(theme)
        self.welcome = Welcome(glyphs, theme.boot)
        self.prompt = Horizontal(id="prompt")
        self.prompt_glyph = PromptGlyph(theme.sign, id="sign", markup=False)
        self.chips = FieldLine(id="chips", gap=2, more="…")
        self.composer = Composer(id="composer")
        self.forecast_line = FieldLine(id="forecast", gap=0, fill=glyphs.rule)
        self.status_line = FieldLine(id="status")
        self.key_line = FieldLine(id="keys", gap=1, more=glyphs.ellipsis)
        self.suggestions = Suggestions(glyphs.ellipsis)

    def compose(self) -> ComposeResult:
        """All of them in their places."""
        yield self.title_line
        yield self.masthead
        with FramePart(id="middle"):
            yield self.conversation_list
            with FramePart(id="main"):
                yield self.transcript
                yield self.greeting
                yield self.welcome
                with self.prompt:
                    yield self.prompt_glyph
                    with Vertical(id="writing"):
                        yield self.chips
                        yield self.composer
        with FramePart(id="beneath"):
            yield self.forecast_line
        yield from (self.key_line, self.status_line) if self._below else (self.status_line, self.key_line)
        yield self.suggestions

    @property
    def _below(self) -> bool:
        return self._theme.layout.status in ("below", "below-bar")

    @property
    def classes(self) -> Mapping[str, bool]:
        """What the style sheet must know of the theme's layout."""
        layout = self._theme.layout
        return {
            "-status-below": self._below, "-title-bar": layout.title == "bar",
            "-wide-border": self._theme.frame == "wide", "-status-bar": layout.status in ("bar", "below-bar"),
        }  # fmt: skip

    def arrange_rows(self) -> None:
        """The first row and the status row as the theme has them: which is a bar, and what stands beneath what."""
        layout = self._theme.layout
        self.title_line.fill = self._theme.fill
        self.title_line.reversed = layout.title == "bar"
        self.title_line.centred = layout.title == "centre"
        self.status_line.reversed = layout.status in ("bar", "below-bar")
        self.status_line.divider = layout.divider
        screen, other = self.status_line.parent, self.key_line
        assert isinstance(screen, Screen)
        screen.update_classes(self.classes)
        children = screen.children
        if (children.index(self.status_line) > children.index(other)) != self._below:
            upper, lower = (other, self.status_line) if self._below else (self.status_line, other)
            screen.move_child(lower, after=upper)

    def apply_theme(self, theme: Theme) -> None:
        """Another theme's signs, fills and words; colours follow from the style sheet."""
        self._theme = theme
        self.arrange_rows()
        self.suggestions.ellipsis = theme.glyphs.ellipsis
        self.composer.set_class(theme.glyphs.cursor in UNDERLINES, "-underline")
        self.conversation_list.glyphs = theme.glyphs
        self.transcript.set_palette(to_palette(theme))
        self.greeting.apply_theme(theme)
        self.masthead.apply_theme(theme)
        self.prompt_glyph.show(theme, writing=self.composer.has_focus)


UNDERLINES = "_▁"
"""Cursors of themes that underline the letter instead of covering it."""
