"""``@`` in the composer: what may be meant by it is offered, what is meant is attached, its size seen before it goes.

A reference stays in the text, so that the model reads which file is meant; what is attached is seen as a chip.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routerterm.core.errors import RoutertermError
from routerterm.core.files import Attached
from routerterm.engine.chat.references import Reference, begun_at, reads_as_file, references, written
from routerterm.tui.chat.attachment_files import attached, load
from routerterm.tui.chat.working_files import MOST_ROWS, WorkingFiles
from routerterm.tui.widgets.suggestions import Suggestion

if TYPE_CHECKING:
    from textual.worker import Worker

    from routerterm.engine.tools.web_page import Fetching, PrivateAddress
    from routerterm.tui.chat.attachments import Attachments, Tray
    from routerterm.tui.chat.confirmation import Confirmation
    from routerterm.tui.widgets.composer import Composer
    from routerterm.tui.widgets.suggestions import Suggestions

UNSEEN = 50_000
"""Bytes that may go without having been seen as a chip: of a reference that was typed to its end and sent at once."""
LONGEST_SHOWN = 10
"""Characters of a path in the status row: on 45 columns there is room beside it for what Enter does."""
_HINT = "With a blank after the @, it is sent as it is."
_AGAIN = "Give the time once more: /later."
"""For a text that was to be sent later: Enter alone would send it now."""

Run = Callable[[Coroutine[Any, Any, object], str], "Worker[None]"]
"""Runs something beside the typing; what is wrong with it becomes a notice."""


class References:
    """Offers and attaches what ``@`` refers to."""

    def __init__(
        self,
        composer: Composer,
        suggestions: Suggestions,
        attachments: Attachments,
        *,
        run: Run,
        arrange: Callable[[], None],
        tell: Callable[[str], None],
        complain: Callable[[RoutertermError], None],
        confirmation: Confirmation,
        fetch: Fetching,
    ) -> None:
        self._composer = composer
        self._suggestions = suggestions
        self._attachments = attachments
        self._confirmation = confirmation
        self._run = run
        self._arrange = arrange
        self._tell = tell
        self._complain = complain
        self._fetch = fetch
        self._root = Path(os.path.abspath(os.curdir))
        self._files = WorkingFiles(self._root)
        self._begun: Reference | None = None
        """The reference of which the rows on show are endings."""
        self._declined: int | None = None
        """Where the reference stands whose rows the person closed."""
        self._fetching: set[str] = set()
        self._reading = asyncio.Lock()
        self._allowed: set[str] = set()
        """Addresses at home that the person said may be fetched."""
        self._as_text = ""
        """The text that the person said may go with what it names and is not there."""

    @property
    def open(self) -> bool:
        """Whether the rows on show are ours."""
        return self._begun is not None and self._suggestions.open

    # -- offering --------------------------------------------------------------------------------------

    def edited(self) -> bool:
        """The text is another: offer what the reference before the cursor may mean; whether there is one."""
        begun = self._before_cursor()
        if begun is None:
            if self._begun is not None:
                self._close()
            self._declined = None
            return False
        if begun.start != self._declined:
            self._run(self._offer(begun), "suggest")
        return True

    def _before_cursor(self) -> Reference | None:
        if "@" not in self._composer.text:
            return None
        row, column = self._composer.cursor_location
        return begun_at(self._composer.document[row], column)

    async def _offer(self, begun: Reference) -> None:
        rows = await self._rows(begun)
        if self._before_cursor() != begun or begun.start == self._declined:
            return
        self._begun = begun if rows else None
        self._suggestions.offer(rows)
        self._arrange()

    async def _complete(self, begun: Reference, key: str) -> None:
        """Look up what was meant, and do what Tab or Enter does with it: take the best, or send where there is none."""
        await self._offer(begun)
        if self._begun == begun and self.open:
            self.take(0, into_folder=key == "tab")
        elif key == "enter" and self._before_cursor() == begun:
            self._composer.action_submit()

    async def _rows(self, begun: Reference) -> tuple[Suggestion, ...]:
        typed = begun.target
        if begun.is_address:
            return (Suggestion(typed, "Fetch this page as text", typed),)
        if typed.startswith(("/", "~", "../")):
            from routerterm.tui.chat.completion import files

            found = await asyncio.to_thread(files, typed)
            plain = [(choice.value.replace("\\", ""), choice.about) for choice in found[:MOST_ROWS]]
            return tuple(Suggestion(path, about, path) for path, about in plain)
        return await asyncio.to_thread(self._files.matching, typed)

    def took_key(self, key: str) -> bool:
        """A key behind a reference: Tab goes into a folder, Enter and Tab take the row, Esc closes the rows.

        Where the rows are not there yet, or about a text to which more was typed, they are looked up first: quick
        hands must not get something else than slow ones.
        """
        now = self._before_cursor()
        if key == "enter" and now is not None and self._is_whole(now) and not (self.open and self._suggestions.moved):
            self._close()
            return False
        looks_up = key == "enter" or (key == "tab" and self.open)
        if looks_up and now is not None and now != self._begun and now.start != self._declined:
            self._close()
            self._run(self._complete(now, key), "suggest")
            return True
        if not self.open:
            return False
        if now != self._begun and key in ("tab", "enter"):  # the cursor has left what the rows are about
            self._close()
            return False
        match key:
            case "tab":
                self.take(self._suggestions.cursor, into_folder=True)
            case "enter":
                self.take(self._suggestions.cursor)
            case "escape":
                self._declined = self._begun.start if self._begun else None
                self._close()
            case _:
                return False
        return True

    def _is_whole(self, reference: Reference) -> bool:
        """Whether it is written to its end: then Enter sends."""
        target = reference.target
        return bool(target) and not target.startswith("http") and os.path.isfile(self._path(target))

    def take(self, index: int, *, into_folder: bool = False) -> None:
        """Write the row's target into the text and attach it."""
        begun, target = self._begun, self._suggestions.rows[index].text
        self._close()
        if begun is None:
            return
        more = into_folder and target.endswith("/")
        row, column = self._composer.cursor_location
        start = (row, column - (begun.end - begun.start))
        text = f"@{target}" if more else f"{written(target)} "
        self._composer.replace(text, start, (row, column), maintain_selection_offset=False)
        if not more:
            self._run(self._attach(target, self._attachments.items), "references")

    def _close(self) -> None:
        self._begun = None
        self._suggestions.offer(())

    # -- attaching -------------------------------------------------------------------------------------

    async def attached_all(self, text: str, typed: str | None = None) -> bool:
        """Attach what the text refers to; whether it may go now.

        What is large or comes from elsewhere is first seen: then the text (what was ``typed``, where that is more) is
        given back, and the next Enter sends it; where ``typed`` is the text itself, its time is asked for again.
        Raises `RoutertermError` for what cannot be attached.
        """
        here = {item.reference for item in self._attachments.items}
        named = [each for each in references(text) if each.target not in here]
        wanted = [each for each in named if each.is_address or await asyncio.to_thread(self._is_meant, each.target)]
        files = dict.fromkeys(each.target for each in named if each not in wanted)
        if text != self._as_text and (trouble := await asyncio.to_thread(self._missing, files)):
            self._ask_for_text(text, typed, trouble)
            return False
        if not wanted:
            return True
        targets = dict.fromkeys(each.target for each in wanted)
        addresses = any(each.is_address for each in wanted)
        if addresses:
            self._composer.give_back(typed or text)  # it takes a while: until then everything is as it was
        size, items = 0, self._attachments.items
        for target in targets:
            try:
                size += await self._attach(target, items)
            except RoutertermError as error:
                told = RoutertermError(error.message, f"{error.hint or ''} {_HINT}".strip())
                if not addresses:
                    raise told from error
                self._complain(told)
                return False
        if not addresses and size <= UNSEEN:
            return True
        if not addresses:
            self._composer.give_back(typed or text)
        if any(item.reference in targets for item in items):
            self._tell(f"Attached as you see above the text. {_AGAIN if typed == text else 'Enter sends it.'}")
        return False

    async def attach_files(self, text: str) -> None:
        """Attach the files and folders that a text refers to, as sending it does; pages are fetched only then.

        Raises `RoutertermError` for what cannot be attached.
        """
        items = self._attachments.items
        for each in references(text):
            if not each.is_address and await asyncio.to_thread(self._is_meant, each.target):
                await self._attach(each.target, items)

    def _is_meant(self, target: str) -> bool:
        """Whether there is such a file; of a folder, whether its slash was written.  Blocks."""
        path = self._path(target)
        return os.path.isfile(path) or (target.endswith("/") and target != "/" and os.path.isdir(path))

    def _missing(self, targets: Iterable[str]) -> str:
        """What is wrong with targets that are written as files and are none; empty where all is well.  Blocks."""
        for target in targets:
            if os.path.isdir(self._path(target)) and target.strip("./~"):
                return f"@{_end(target)}/ attaches this folder"
        missing = [_end(target) for target in targets if reads_as_file(target)]
        return f"No file {', '.join(missing)}" if missing else ""

    def _ask_for_text(self, text: str, typed: str | None, trouble: str) -> None:
        """Say what is not there before anything goes; Enter then sends the text as it is."""

        def confirmed() -> None:
            self._as_text = text
            if typed == text:
                self._tell(f"It goes as text. {_AGAIN}")
            else:
                self._composer.action_submit()

        self._composer.give_back(typed or text)
        self._confirmation.ask(trouble, "", confirmed, yes="sends as text")

    async def _attach(self, target: str, items: Tray) -> int:
        """Attach it to these; its size in bytes, also where it came while this waited.  Raises `RoutertermError`."""
        is_page = target.lower().startswith(("http://", "https://"))
        async with nullcontext() if is_page else self._reading:  # what Tab began to read, Enter must not add again
            if (there := next((item for item in items if item.reference == target), None)) is not None:
                return there.size
            item = await (self._page(target, items) if is_page else asyncio.to_thread(self._read, target))
            if item is None:
                return 0
            await self._attachments.add(item, items)
        return item.size

    def _read(self, target: str) -> Attached:
        path = self._path(target)
        if not os.path.isdir(path):
            return load(str(path), reference=target)
        from routerterm.engine.chat.working_folder import folder_text

        return attached(folder_text(path, target), kind="folder", reference=target)

    async def _page(self, address: str, items: Tray) -> Attached | None:
        from routerterm.engine.tools.web_page import PrivateAddress  # not before the first picture

        if address in self._fetching:
            return None
        self._fetching.add(address)
        self._tell(f"Fetching {address}…")
        try:
            page = await self._fetch(address, private=address in self._allowed)
        except PrivateAddress as error:
            self._ask_for_private(address, error, items)
            return None
        finally:
            self._fetching.discard(address)
        item = attached(page.part, kind="page", reference=address)
        self._tell(f"{page.name}: {item.kind_and_size}, attached.")
        return item

    def _ask_for_private(self, address: str, error: PrivateAddress, items: Tray) -> None:
        def confirmed() -> None:
            self._allowed.add(address)
            self._run(self._attach(address, items), "references")

        self._confirmation.ask(error.message, "", confirmed, yes="fetches it all the same")

    def _path(self, target: str) -> Path:
        return self._root / os.path.expanduser(target)


def _end(target: str) -> str:
    """The last of a path, where it is long."""
    return target if len(target) <= LONGEST_SHOWN else f"…{target[1 - LONGEST_SHOWN :]}"
