"""The chat: its keys, clicks and messages, led to the part that they concern.

`Sidebar` keeps the list of conversations in step with the store, `ConversationController` shows one
conversation, `TurnRunner` runs answers, `StatusController` tells the moment; commands act on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult

from routerterm.core.errors import RoutertermError
from routerterm.core.messages import Message
from routerterm.tui.chat.lifecycle import begin, gather, keep_last_draft, leave
from routerterm.tui.chat.parts import ChatParts
from routerterm.tui.chat.turn import PENDING
from routerterm.tui.chat.view import ChatView
from routerterm.tui.keymap import bindings
from routerterm.tui.textual_internals.screens import set_bindings
from routerterm.tui.transcript.widget import Transcript
from routerterm.tui.widgets.composer import Composer
from routerterm.tui.widgets.conversations import ConversationList
from routerterm.tui.widgets.frame import Panes
from routerterm.tui.widgets.framed_screen import FramedScreen
from routerterm.tui.widgets.greeting import Greeting
from routerterm.tui.widgets.keybar import key_fields
from routerterm.tui.widgets.suggestions import Suggestions
from routerterm.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from textual.geometry import Region

    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.context import Commands
    from routerterm.tui.chat.opening import Opening
    from routerterm.tui.notifications import Notifications
    from routerterm.tui.themes.values import Theme
    from routerterm.tui.transcript import messages
    from routerterm.wiring import Services

ACTIONS: Mapping[str, str] = {
    "edit": "edit", "regenerate": "retry", "regenerate_with": "retry_with", "menu": "menu", "keep": "keep",
    "undo": "undo", "redo": "redo", "tree": "tree", "fork": "fork", "previous": "previous", "next": "next",
    "why": "why", "continue": "continue", "find": "look", "leave_out": "leave_out", "start": "start",
}  # fmt: skip
"""Which command does what the transcript asks for."""


class ChatScreen(FramedScreen):
    """Conversations, transcript, composer, status line, key bar."""

    AUTO_FOCUS = "#composer"
    app: AppContext

    def __init__(
        self,
        app: AppContext,
        opening: Opening,
        notifications: Notifications,
        commands: Callable[[ChatScreen], Commands],
        *,
        sidebar: str = "auto",
    ) -> None:
        super().__init__()
        self.frame = app.active_theme.frame
        self._opening = opening
        self.notifications = notifications
        self.commands = commands(self)
        self._view = view = ChatView(app.active_theme)
        self.composer = view.composer
        self.transcript = view.transcript
        self.conversation_list = view.conversation_list
        self._parts = parts = ChatParts(
            app, self, view, commands=self.commands, notifications=notifications, sidebar=sidebar
        )
        self.begun = parts.begun
        self.conversation = parts.conversation
        self.turns = parts.turns
        self.sidebar = parts.sidebar
        parts.keys_changed = self._show_keys
        self.attachments = parts.attachments
        self.compare = parts.compare
        self.places = parts.places
        self.spending = parts.spending
        self.composer_controller = parts.composer_controller
        self.status = parts.status
        self.chosen: str | None = None
        """The message that a command is about; None is the last one."""
        self._listed: str | None = None
        """The conversation of the list that a command is about; None is the open one."""

    @property
    def services(self) -> Services:
        """What was put together after the first paint."""
        return self.app.ready_services

    @property
    def unsent(self) -> Message:
        """What is written and attached, as the message that it would be."""
        return self._parts.unsent

    @property
    def about(self) -> str | None:
        """The conversation that a command is about; None for one that is on no disk yet."""
        return self._listed or self.conversation.id

    @property
    def pointed(self) -> str | None:
        """The message under the transcript's cursor, or the last one."""
        entry = self.transcript.current
        return entry.id if entry is not None and entry.id != PENDING else None

    def compose(self) -> ComposeResult:
        """The panes, from the top; what their styles depend on is said before, so that each is styled once."""
        self.update_classes({**self._view.classes, **self._parts.layout.classes})
        yield from self._view.compose()

    def on_mount(self) -> None:
        """The keys work from the first paint on."""
        super().on_mount()
        self._view.arrange_rows()
        self._view.prompt_glyph.show(self.app.active_theme, writing=self.composer.has_focus)
        self._parts.layout.arrange()
        self.show_keys()
        self._parts.show_idle_text(True)
        self._parts.composer_controller.begin()
        self._parts.boot.begin()
        self.status.refresh()

    async def begin(self, services: Services) -> None:
        """Services are there: fill the panes, and send what was typed in the meantime."""
        await begin(self._parts, services, self._opening)

    def toggle_sidebar(self) -> None:
        """Show or hide the list; where it is a drawer, it takes the focus."""
        self._parts.layout.toggle_sidebar()

    def show_welcome(self) -> None:
        """Show how to start."""
        self._parts.onboarding.show()

    async def settle_onboarding(self) -> None:
        """Something else has changed what answers: then the choice of how to start is made."""
        await self._parts.onboarding.settle()

    def show_keys(self) -> None:
        """Bind every command to the keys it has now, and show them."""
        set_bindings(self, bindings(self.app.commands.values(), self.app.keys_of))
        self._show_keys()

    def _show_keys(self) -> None:
        """The keys of the present mode, and those of the commands."""
        self._view.key_line.fields = key_fields(
            self.app.commands.values(), self.app.keys_of, self.app.active_theme.keys, actions=self._parts.key_actions
        )

    def interrupt(self) -> bool:
        """Ctrl+C: copy what is selected; else stop the answer; else clear what is written.  False if none was there."""
        here = self.is_current
        if here and self.transcript.selection is not None:
            self.transcript.action_copy()
            return True
        if self.compare.open is not None and self.compare.open.comparison.stop():
            return True
        if self.turns.stop():
            return True
        if self.composer.text.strip() and here:
            self.composer.put("", undoable=True)
            self.notify("Cleared. Ctrl+Z restores it.", timeout=3)
            return True
        return False

    def apply_theme(self, theme: Theme) -> None:
        """Take on another theme's frame, signs and words; colours follow from the style sheet."""
        self.frame = theme.frame
        self._view.apply_theme(theme)
        self._parts.layout.arrange()
        self._show_keys()
        self.reframe()
        self.status.refresh()

    async def gather(self) -> None:
        """Keep all that was sent and is not asked yet, and what is being written, as the draft."""
        gather(self._parts)
        await keep_last_draft(self._parts)

    async def leave(self) -> None:
        """Stop and save everything; one step that fails holds up none of the others.  Raises `RoutertermError`."""
        await leave(self._parts)

    def focus_box(self) -> Region | None:
        """Where the keyboard is, for the brighter frame."""
        return self._parts.layout.box_of(self.places.mode)

    def panes(self) -> Panes:
        """Lines where the panes end."""
        return self._parts.layout.panes()

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        self._parts.layout.arrange()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        self._view.prompt_glyph.show(self.app.active_theme, writing=self.composer.has_focus)
        self._show_keys()
        self.status.refresh()
        self.focus_moved()

    def took_input(self, event: events.Key | events.Paste) -> bool:
        """Look at a key or a paste before it is handed on; True where it answered what the status row asks."""
        if not self.children:
            return False  # nothing is composed yet
        if self.focused is None:  # what had the keys is hidden, as the list is when the terminal gets narrow
            self.places.go("WRITE")
        if isinstance(event, events.Paste):
            self.places.before_paste()
        elif any(took(event.key) for took in (*self._parts.questions, self.composer.redoes)):
            return True
        else:
            self.places.before_key(event)
        return False

    def action_place(self, by: int) -> None:
        """To the next of writing, messages and list, or the one before."""
        self.places.step(by)

    def action_confirm(self, yes: bool) -> None:
        """Answer what the status row asks."""
        self._parts.confirmation.answer(yes)

    def action_approve(self, key: str) -> None:
        """Answer whether a tool may be called."""
        self._parts.approvals.answer(key)

    @on(Composer.Submitted)
    async def _submitted(self, event: Composer.Submitted) -> None:
        """Send it, or run it if it is a command; what cannot be sent stands in the composer again."""
        try:
            if not self._parts.greeting.took(event.text):
                await self._parts.composer_controller.submitted(event.text)
        except RoutertermError as error:
            self.composer.give_back(event.text)
            self.app.show_error(error)

    @on(Composer.Edited)
    def _edited(self) -> None:
        self._parts.greeting.edited()
        self._parts.composer_controller.edited()
        self.status.typed()

    @on(Composer.ModeChanged)
    def _mode_changed(self) -> None:
        self.status.refresh()

    @on(Composer.Emptied)
    def _emptied(self) -> None:
        self.attachments.remove(-1)

    @on(Welcome.Taken)
    async def _way_taken(self, event: Welcome.Taken) -> None:
        try:
            await self._parts.onboarding.take(event.id)
        except RoutertermError as error:
            self.app.show_error(error)

    @on(Suggestions.Chosen)
    async def _suggested(self, event: Suggestions.Chosen) -> None:
        await self._parts.composer_controller.accept(event.index)

    def action_take_off(self, index: int) -> None:
        """Take a file off the next message."""
        self.attachments.remove(index)
        self.composer.focus()

    @on(Composer.ScrollWanted)
    async def _scroll(self, event: Composer.ScrollWanted) -> None:
        match event.where:
            case "page_up" | "page_down":
                self.transcript.action_page(-1 if event.where == "page_up" else 1)
            case "end":
                self.transcript.action_to_end()
            case "start":
                await self.commands.run("start")

    @on(Greeting.Chosen)
    @on(ConversationList.Chosen)
    async def _chosen(self, event: Greeting.Chosen | ConversationList.Chosen) -> None:
        if self.places.mode == "CHATS":
            self.places.go("WRITE")
        self._parts.layout.close_drawer()
        await self.conversation.open(event.id)

    @on(ConversationList.FilterBegun)
    async def _filter(self) -> None:
        await self.sidebar.load_all()

    @on(ConversationList.Asked)
    async def _asked(self, event: ConversationList.Asked) -> None:
        self._listed = event.id
        try:
            await self.commands.run(event.command)
        finally:
            self._listed = None

    @on(ConversationList.CostsWanted)
    async def _costs(self) -> None:
        await self.sidebar.refresh()

    @on(ConversationList.MoreWanted)
    async def _more(self) -> None:
        await self.sidebar.more()

    @on(Transcript.OlderWanted)
    async def _older(self) -> None:
        await self.conversation.older()

    @on(Transcript.EntryAction)
    async def _entry_action(self, event: messages.EntryAction) -> None:
        self.chosen = event.id
        try:
            await self.commands.run(ACTIONS[event.action])
        finally:
            self.chosen = None

    @on(Transcript.FindChanged)
    def _found(self, event: messages.FindChanged) -> None:
        if event.place:
            where = f"Message {event.place} of {event.count} match"
            self.notify(f"{where}: n previous, N next.", timeout=3, markup=False)

    @on(Transcript.CopyRequested)
    def _copy(self, event: messages.CopyRequested) -> None:
        """Hand it to the terminal; whether the terminal takes it, nobody can know, and nobody says."""
        self.app.copy_to_clipboard(event.text)
        self.notify(f"Copied the {event.what}.", timeout=3)

    async def run_clicked(self, action: str) -> None:
        """What the key bar shows belongs to the place that has the keys."""
        here = not action.startswith(("app.", "screen."))
        await self.app.run_action(action, self.focused if here and self.focused is not None else self)
