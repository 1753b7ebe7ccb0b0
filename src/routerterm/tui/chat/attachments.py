"""What goes with the next message: its files, and what the chosen model will not do with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from routerterm.core.errors import RoutertermError
from routerterm.core.sanitise import one_line
from routerterm.engine.chat.capabilities import unsupported_options
from routerterm.engine.chat.references import written
from routerterm.tui.chat.attachment_files import Attached, from_paste, load, named, paths_in
from routerterm.tui.widgets.fields import Field, Span

if TYPE_CHECKING:
    from routerterm.engine.chat.active_conversation import ActiveConversation
    from routerterm.engine.chat.session import Session
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.view import ChatView

MOST = 20
"""Files with one message."""
WIDE = 60
"""Columns from which on a chip says more than its size."""
MOST_BYTES = 30_000_000
"""Bytes of all of them: providers refuse larger requests."""


class Attachments:
    """The files of each conversation's unsent message."""

    def __init__(
        self, app: AppContext, view: ChatView, conversation: ActiveConversation, changed: Callable[[], None]
    ) -> None:
        """``changed`` is called whenever there are others."""
        self._app = app
        self._chips = view.chips
        self._composer = view.composer
        self._conversation = conversation
        self._changed = changed
        self._of: dict[str | None, list[Attached]] = {}
        self._unstored: Session | None = None
        """The session of the new conversation whose files stand under no id."""
        self._aside: tuple[Attached, ...] | None = None
        """The files of the next message, while a question is edited."""
        self._landing: list[tuple[str, asyncio.Future[bool]]] = []
        """What was dropped and is still being looked at."""

    @property
    def items(self) -> list[Attached]:
        """Those of the conversation on show.

        Who reads a file first asks for this list and adds to it at last: by then another conversation may be on show.
        """
        here = self._conversation
        session = here.session if here.begun else None
        if here.id is None:
            self._unstored = session
        elif session is self._unstored and None in self._of:
            # its first question has come to the disk, and so to an id, after these were attached
            self._of[here.id] = self._of.pop(None)
        return self._of.setdefault(here.id, [])

    async def attach(self, text: str) -> None:
        """Attach the files that are named.  Raises `RoutertermError` for the first that cannot be."""
        items = self.items
        for path in named(text):
            self._add(await asyncio.to_thread(load, path), items)
        await self.say_unheeded()

    def dropped(self, text: str) -> Coroutine[Any, Any, None]:
        """Attach what was dropped on the terminal, if the text is that; the text then leaves the composer.

        It counts as dropped from now on, not first when the work is begun.
        """
        landing = (text, asyncio.get_running_loop().create_future())
        self._landing.append(landing)
        return self._land(landing, self.items)

    async def _land(self, landing: tuple[str, asyncio.Future[bool]], items: list[Attached]) -> None:
        text, landed = landing
        found = False
        try:
            found = await self._take_dropped(text, items)
            if found:
                self._composer.retract(text)
        finally:
            self._landing.remove(landing)
            landed.set_result(found)

    async def landed(self, text: str) -> str:
        """A text that was sent, without what was dropped into it just before; that is attached when this returns."""
        for dropped, landing in list(self._landing):
            before, found, after = text.rpartition(dropped)
            if found and await landing:
                text = before + after
        return text

    async def _take_dropped(self, text: str, items: list[Attached]) -> bool:
        paths = paths_in(text)
        there = await asyncio.to_thread(lambda: bool(paths) and all(map(_is_there, paths)))
        if not there:
            return False
        for path in paths:
            try:
                self._add(await asyncio.to_thread(load, path, path), items)
            except RoutertermError as error:
                self._app.show_error(error)
                return False
        await self.say_unheeded()
        return True

    async def add(self, item: Attached, items: list[Attached]) -> None:
        """Attach what was read elsewhere to those that were on show then.

        Raises `RoutertermError` where there is no room for it.
        """
        self._add(item, items)
        await self.say_unheeded()

    def pasted(self, text: str) -> None:
        """Keep a long paste as a chip.  Raises `RoutertermError`."""
        items = self.items
        self._add(from_paste(text, 1 + sum(item.name.startswith("pasted text") for item in items)), items)

    def take(self) -> tuple[Attached, ...]:
        """All of them, which then are gone from here."""
        taken = tuple(self.items)
        self.items.clear()
        self.show()
        return taken

    def give_back(self, items: Sequence[Attached]) -> None:
        """They were not sent after all."""
        self.items[:0] = items
        self.show()

    def begin_edit(self, items: Sequence[Attached]) -> None:
        """A question with these files is edited: those of the next message wait until that is done."""
        if self._aside is None:
            self._aside = tuple(self.items)
        self.items[:] = items
        self.show()

    def end_edit(self) -> None:
        """It was sent, or left as it was: the next message has its own files again."""
        if self._aside is not None:
            self.items[:], self._aside = self._aside, None
            self.show()

    def remove(self, index: int) -> None:
        """Take one off; a path that was pasted becomes text again."""
        if -len(self.items) <= index < len(self.items):
            gone = self.items.pop(index)
            if gone.pasted:
                self._composer.insert(gone.pasted)
            if gone.reference:  # what is no longer sent is no reference any more
                text = self._composer.text.replace(written(gone.reference), gone.reference)
                self._composer.put(text, undoable=True)
        self.show()

    def show(self) -> None:
        """Draw the chips."""
        glyphs, model = self._app.active_theme.glyphs, self._conversation.model
        wide = self._app.size.width >= WIDE
        self._chips.fields = tuple(
            Field(
                (Span(f"{glyphs.bullet} ", "faint"), Span(one_line(item.name), "accent"),
                 Span(f" {_facts(item, model) if wide else item.shown_size}", "dim"), Span(" x", "dim")),
                rank=index,
                action=f"screen.take_off({index})",
            )
            for index, item in enumerate(self.items)
        )  # fmt: skip
        self._chips.display = bool(self.items)
        self._changed()

    async def say_unheeded(self) -> None:
        """Say at once what the chosen model will not do."""
        if self._app.services is None:
            return
        from routerterm.wiring.preview import abilities

        now = self._conversation
        book = await abilities(self._app.services)
        pictures = any(item.is_picture for item in self.items)
        for sentence in unsupported_options(
            now.model, book.of(now.model), now.params, pictures=pictures, private=now.private
        ):
            self._app.notify(f"{sentence}\nF3 picks another model.", severity="warning", timeout=8, markup=False)

    def _add(self, item: Attached, items: list[Attached]) -> None:
        if len(items) >= MOST:
            raise RoutertermError(f"A message can have at most {MOST} files.", "Send these first.")
        if sum(other.size for other in items) + item.size > MOST_BYTES:
            raise RoutertermError(
                f"{item.name} would make the message too large.",
                f"All files together may be up to {MOST_BYTES // 1_000_000} MB.",
            )
        items.append(item)
        self.show()


def _facts(item: Attached, model: str) -> str:
    """``text 12 kB ~3k tok``."""
    from routerterm.router.decide.format import format_tokens  # with the router: not before the first picture

    tokens = item.tokens(model)
    return f"{item.kind_and_size} ~{format_tokens(tokens)} tok" if tokens else item.kind_and_size


def _is_there(path: str) -> bool:
    import os.path

    return os.path.isfile(path)
