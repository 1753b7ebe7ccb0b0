"""What goes with the next message: its files, and what the chosen model will not do with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from routerterm.core.errors import RoutertermError
from routerterm.core.sanitise import one_line
from routerterm.engine.chat.capabilities import unsupported_options
from routerterm.engine.chat.references import written
from routerterm.tui.chat.attachment_files import Attached, from_paste, load, named, paths_in
from routerterm.tui.widgets.fields import Field, Span

if TYPE_CHECKING:
    from routerterm.engine.chat.active_conversation import ActiveConversation
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

    @property
    def items(self) -> list[Attached]:
        """Those of the conversation on show."""
        return self._of.setdefault(self._conversation.id, [])

    async def attach(self, text: str) -> None:
        """Attach the files that are named.  Raises `RoutertermError` for the first that cannot be."""
        for path in named(text):
            self._add(await asyncio.to_thread(load, path))
        await self.say_unheeded()

    async def dropped(self, text: str) -> bool:
        """Attach what was dropped on the terminal, if the text is that; whether it was."""
        paths = paths_in(text)
        there = await asyncio.to_thread(lambda: bool(paths) and all(map(_is_there, paths)))
        if not there:
            return False
        for path in paths:
            try:
                self._add(await asyncio.to_thread(load, path, path))
            except RoutertermError as error:
                self._app.show_error(error)
                return False
        await self.say_unheeded()
        return True

    async def add(self, item: Attached) -> None:
        """Attach what was read elsewhere.  Raises `RoutertermError` where there is no room for it."""
        self._add(item)
        await self.say_unheeded()

    def pasted(self, text: str) -> None:
        """Keep a long paste as a chip.  Raises `RoutertermError`."""
        self._add(from_paste(text, 1 + sum(item.name.startswith("pasted text") for item in self.items)))

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

    def _add(self, item: Attached) -> None:
        if len(self.items) >= MOST:
            raise RoutertermError(f"A message can have at most {MOST} files.", "Send these first.")
        if sum(other.size for other in self.items) + item.size > MOST_BYTES:
            raise RoutertermError(
                f"{item.name} would make the message too large.",
                f"All files together may be up to {MOST_BYTES // 1_000_000} MB.",
            )
        self.items.append(item)
        self.show()


def _facts(item: Attached, model: str) -> str:
    """``text 12 kB ~3k tok``."""
    from routerterm.router.decide.format import format_tokens  # with the router: not before the first picture

    tokens = item.tokens(model)
    return f"{item.kind_and_size} ~{format_tokens(tokens)} tok" if tokens else item.kind_and_size


def _is_there(path: str) -> bool:
    import os.path

    return os.path.isfile(path)
