"""What goes with the next message: its files, who is to answer it, and what the chosen model will not do with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.core.errors import RoutertermError
from routerterm.core.files import Attached, Draft
from routerterm.core.sanitise import one_line
from routerterm.engine.chat.capabilities import unsupported_options
from routerterm.engine.chat.params import params_from_json
from routerterm.engine.chat.references import written
from routerterm.tui.chat.attachment_files import from_paste, load, named, paths_in, tokens_of
from routerterm.tui.chat.in_force import words_of
from routerterm.tui.chat.turn import Asked, joined
from routerterm.tui.widgets.fields import Field, Span

if TYPE_CHECKING:
    from routerterm.tui.app_context import AppContext
    from routerterm.tui.chat.conversation import ConversationController
    from routerterm.tui.chat.view import ChatView

MOST = 20
"""Files with one message."""
WIDE = 60
"""Columns from which on a chip says more than its size."""
MOST_BYTES = 30_000_000
"""Bytes of all of them: providers refuse larger requests."""
SHORT = 16
"""Letters of a file's name where there is no room for all chips."""
ANSWERER = MOST
"""The number of the chip that says who answers, behind those of all files."""


class Tray(list[Attached]):
    """The files of one conversation's unsent message: here while it is on show, afterwards on the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        """Whether its conversation was left, and its files are on the disk."""
        self.id: str | None = None
        """The conversation with which they were kept."""
        self.answerer: Draft | None = None
        """Who answers it and how, where it was given back with that; its text and files are not in here."""

    @property
    def draft(self) -> Draft:
        """What is to be kept of it: a project attaches its files anew to each conversation."""
        who = self.answerer or Draft()
        return Draft("", tuple(file for file in self if not file.from_project), who.model, who.params)


class Attachments:
    """What goes with the unsent message of the conversation on show."""

    def __init__(
        self, app: AppContext, view: ChatView, conversation: ConversationController, changed: Callable[[], None]
    ) -> None:
        """``changed`` is called whenever something else goes with it."""
        self._app = app
        self._chips = view.chips
        self._composer = view.composer
        self._conversation = conversation
        self._changed = changed
        self._tray = Tray()
        self._leaving: Tray | None = None
        """That of the conversation which is being left, until it is on the disk."""
        self._aside: Tray | None = None
        """That of the next message, while a question is edited."""
        self._landing: list[tuple[str, asyncio.Task[bool]]] = []
        """What was dropped and is still being looked at."""

    @property
    def items(self) -> Tray:
        """Those of the conversation on show.

        Who reads a file first asks for this tray and adds to it at last: by then another conversation may be on show.
        """
        return self._tray

    @property
    def anything(self) -> bool:
        """Whether there is a chip."""
        return bool(self._tray) or self._tray.answerer is not None

    @property
    def unsent(self) -> Draft:
        """All that is here and was not sent."""
        drafts = [tray.draft for tray in (self._aside, self._leaving, self._tray) if tray is not None]
        who = next((one for one in drafts if one.model or one.params is not None), Draft())
        return Draft("", tuple(file for one in drafts for file in one.files), who.model, who.params)

    # -- another conversation --------------------------------------------------------------------------

    def leave(self) -> None:
        """Another conversation is about to be opened: what is attached from now on is for that one."""
        self._leaving, self._tray = self._tray, Tray()
        self.show()

    @property
    def left(self) -> Draft:
        """What is to be kept with the conversation that is being left."""
        return self._leaving.draft if self._leaving is not None else Draft()

    def put_away(self, id: str | None) -> None:
        """It is on the disk, with this conversation."""
        if self._leaving is not None:
            self._leaving.is_away, self._leaving.id = True, id
            self._leaving = None

    def stay(self) -> None:
        """No other conversation could be opened."""
        if self._leaving is not None:
            self._leaving.extend(self._tray)
            self._tray, self._leaving = self._leaving, None
        self.show()

    def opened(self, draft: Draft) -> None:
        """A conversation is on show, with which this was kept."""
        self._tray[:0] = draft.files
        self._tray.answerer = draft if draft.model or draft.params is not None else None
        self.show()

    # -- attaching -------------------------------------------------------------------------------------

    async def attach(self, text: str) -> None:
        """Attach the files that are named.  Raises `RoutertermError` for the first that cannot be."""
        tray = self._tray
        for path in named(text):
            await self.add(await asyncio.to_thread(load, path), tray)

    def dropped(self, text: str) -> None:
        """Attach what was dropped on the terminal, if the text is that; the text then leaves the composer."""
        task = asyncio.get_running_loop().create_task(self._land(text, self._tray))
        landing = (text, task)
        self._landing.append(landing)
        task.add_done_callback(lambda _: self._landing.remove(landing))

    async def _land(self, text: str, tray: Tray) -> bool:
        found = await self._take_dropped(text, tray)
        if found:
            self._composer.retract(text)
        return found

    async def landed(self, text: str) -> str:
        """A text that was sent, without what was dropped into it just before; that is attached when this returns."""
        for dropped, landing in list(self._landing):
            before, found, after = text.rpartition(dropped)
            if found:
                await asyncio.wait([landing])  # however it ends: it may be cancelled before it begins
                if not landing.cancelled() and landing.exception() is None and landing.result():
                    text = before + after
        return text

    def stop_landing(self) -> None:
        """The program is left: what was dropped and is not read yet stays the text that it was."""
        for _, landing in self._landing:
            landing.cancel()

    async def _take_dropped(self, text: str, tray: Tray) -> bool:
        paths = paths_in(text)
        there = await asyncio.to_thread(lambda: bool(paths) and all(map(_is_there, paths)))
        if not there:
            return False
        for path in paths:
            try:
                await self.add(await asyncio.to_thread(load, path, path), tray)
            except RoutertermError as error:
                self._app.show_error(error)
                return False
        return True

    async def add(self, item: Attached, tray: Tray) -> None:
        """Attach what was read elsewhere to those that were on show then.

        Raises `RoutertermError` where there is no room for it.
        """
        async with self._conversation.opening:  # while one is opened, it is not known where the tray will be
            if tray.is_away and tray.id != self._conversation.id:
                drafts = self._app.ready_services.store.drafts
                _check_room(item, (await drafts.read(tray.id)).files)
                await drafts.add(tray.id, Draft("", (item,)))
                return
            self.place(item, self._tray if tray.is_away else tray)
        await self.say_unheeded()

    def place(self, item: Attached, tray: Tray) -> None:
        """The same, of a conversation that is on show or is being opened."""
        _check_room(item, tray)
        tray.append(item)
        self.show()

    def pasted(self, text: str) -> None:
        """Keep a long paste as a chip.  Raises `RoutertermError`."""
        number = 1 + sum(item.name.startswith("pasted text") for item in self._tray)
        self.place(from_paste(text, number), self._tray)

    # -- sending ---------------------------------------------------------------------------------------

    def take(self) -> tuple[Attached, ...]:
        """All files, which then are gone from here."""
        taken = tuple(self._tray)
        self._tray.clear()
        self.show()
        return taken

    def take_for(self, text: str) -> Asked:
        """What is sent with this text: the files, and who answers where it was given back with that."""
        who, self._tray.answerer = self._tray.answerer or Draft(), None
        params = params_from_json(who.params) if who.params is not None else None
        return Asked(text, self.take(), who.model, params)

    def give_back(self, *asked: Asked) -> None:
        """They were not sent after all; the first who names somebody to answer it names it for all of them."""
        back = joined(asked)
        self._tray[:0] = back.files
        if self._tray.answerer is None and (back.model or back.params is not None):
            self._tray.answerer = back.draft
        self.show()

    def begin_edit(self, items: Sequence[Attached]) -> None:
        """A question with these files is edited: those of the next message wait until that is done."""
        if self._aside is None:
            self._aside, self._tray = self._tray, Tray()
        self._tray[:] = items
        self.show()

    def end_edit(self) -> None:
        """It was sent, or left as it was: the next message has its own files again."""
        if self._aside is not None:
            self._tray, self._aside = self._aside, None
            self.show()

    def remove(self, index: int) -> None:
        """Take one off; a path that was pasted becomes text again.  Behind the last file is who answers."""
        if index == ANSWERER or not self._tray:
            self._tray.answerer = None
        elif -len(self._tray) <= index < len(self._tray):
            gone = self._tray.pop(index)
            if gone.pasted:
                self._composer.insert(gone.pasted)
            if gone.reference:  # what is no longer sent is no reference any more
                text = self._composer.text.replace(written(gone.reference), gone.reference)
                self._composer.put(text, undoable=True)
        self.show()

    # -- drawing ---------------------------------------------------------------------------------------

    def show(self) -> None:
        """Draw the chips."""
        model, wide = self._conversation.model, self._app.size.width >= WIDE
        chips = [
            self._chip(one_line(item.name), _facts(item, model) if wide else item.shown_size, item.shown_size, index)
            for index, item in enumerate(self._tray)
        ]
        if (who := self._tray.answerer) is not None:
            words = self._answerer_words(who)
            chips.insert(0, self._chip("asks", words, words, ANSWERER))
        gaps, room = self._chips.gap * (len(chips) - 1), self._chips.size.width or self._composer.size.width
        if sum(chip.width for chip in chips) + gaps > room > 0:
            chips = [replace(chip, spans=chip.short, short=()) for chip in chips]
        self._chips.lines = 2 if sum(chip.width for chip in chips) + gaps > room > 0 else 1
        self._chips.fields = tuple(chips)
        self._chips.display = bool(chips)
        self._changed()

    def _chip(self, name: str, facts: str, short: str, index: int) -> Field:
        """One of them; ``short`` and a shorter name where there is no room for all of it."""
        sign, end = Span(f"{self._app.active_theme.glyphs.bullet} ", "faint"), Span(" x", "dim")
        brief = name if len(name) <= SHORT else f"{name[: SHORT - 1]}…"
        return Field(
            (sign, Span(name, "accent"), Span(f" {facts}", "dim"), end),
            action=f"screen.take_off({index})",
            short=(sign, Span(brief, "accent"), Span(f" {short}", "dim"), end),
        )

    def _answerer_words(self, who: Draft) -> str:
        """``demo/slow · web search``: what is otherwise than in the conversation."""
        here = self._conversation
        wished = words_of(params_from_json(who.params)) if who.params is not None else ()
        usual = set(words_of(here.params))
        return " · ".join((who.model or here.model, *(words for words in wished if words not in usual)))

    async def say_unheeded(self) -> None:
        """Say at once what the chosen model will not do."""
        if self._app.services is None:
            return
        from routerterm.wiring.preview import abilities

        now = self._conversation
        book = await abilities(self._app.services)
        pictures = any(item.is_picture for item in self._tray)
        for sentence in unsupported_options(
            now.model, book.of(now.model), now.params, pictures=pictures, private=now.private
        ):
            self._app.notify(f"{sentence}\nF3 picks another model.", severity="warning", timeout=8, markup=False)


def _check_room(item: Attached, others: Sequence[Attached]) -> None:
    if len(others) >= MOST:
        raise RoutertermError(f"A message can have at most {MOST} files.", "Send these first.")
    if sum(other.size for other in others) + item.size > MOST_BYTES:
        raise RoutertermError(
            f"{item.name} would make the message too large.",
            f"All files together may be up to {MOST_BYTES // 1_000_000} MB.",
        )


def _facts(item: Attached, model: str) -> str:
    """``text 12 kB ~3k tok``."""
    from routerterm.router.decide.format import format_tokens  # with the router: not before the first picture

    tokens = tokens_of(item, model)
    return f"{item.kind_and_size} ~{format_tokens(tokens)} tok" if tokens else item.kind_and_size


def _is_there(path: str) -> bool:
    import os.path

    return os.path.isfile(path)
