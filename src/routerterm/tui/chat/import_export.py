"""Takes conversations out of the history and into it: what to export and where to; what an import would do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from routerterm.core.errors import NotNow, RoutertermError
from routerterm.core.sanitise import one_line
from routerterm.engine.transfer.formats import ABOUT, FORMS, Form
from routerterm.tui.dialogs.ask import show_dialog
from routerterm.tui.widgets.rows import Column, Row

if TYPE_CHECKING:
    from routerterm.engine.transfer.html import Colours
    from routerterm.engine.transfer.importing import Report
    from routerterm.tui.app_context import AppContext

Extent: TypeAlias = Literal["branch", "conversation", "all"]
CHOICES = (
    Row("", ("This conversation",)),
    *(Row(f"branch {form}", (f"{about.title}, this branch", about.branch)) for form, about in ABOUT.items()),
    Row("conversation json", ("JSON, all branches", "complete, to be imported again")),
    Row("", ("Everything",)),
    *(Row(f"all {form}", (about.title, about.whole)) for form, about in ABOUT.items()),
)


class ImportExport:
    """Export and import, as dialogs."""

    def __init__(self, app: AppContext, imported: Callable[[], Awaitable[None]]) -> None:
        """``imported`` is called when conversations may have come in."""
        self._app = app
        self._imported = imported

    def export(self, id: str | None, words: str = "") -> None:
        """Ask what and where to, as far as ``words`` (``md``, ``html notes.html``, ``all json``) do not say it."""
        from routerterm.tui.dialogs.picker import Picker, among

        extent, form, path = _said(words)
        if form is None:
            columns = (Column("", 0), Column("", 1, grow=True))

            async def picked(choice: str) -> None:
                chosen, form = choice.split()
                await self._where(id, cast(Extent, chosen), cast("Form", form), path, ask_where=True)

            show_dialog(self._app, Picker("Export", columns, among(CHOICES), hint="Enter Select · Esc Close"), picked)
        else:
            self._app.run_worker(self._safely(id, extent, form, path), group="export", exit_on_error=False)

    async def _safely(self, id: str | None, extent: Extent, form: Form, path: str) -> None:
        try:
            await self._where(id, extent, form, path, ask_where=False)
        except RoutertermError as error:
            self._app.show_error(error)

    async def _where(self, id: str | None, extent: Extent, form: Form, path: str, *, ask_where: bool) -> None:
        from routerterm.tui.dialogs.prompt import PromptDialog

        if extent != "all" and id is None:
            raise NotNow("There is nothing to export yet.", "Send a message first.")
        proposed = path or await self._name(id, extent, form)
        if not ask_where:
            await self._write(id, extent, form, proposed)
            return

        async def given(text: str) -> None:
            if text.strip():
                await self._write(id, extent, form, text.strip())

        what = "A folder" if extent == "all" and form != "json" else "A file"
        show_dialog(self._app, PromptDialog("Export to", f"{what}; ~ is your home.", proposed), given)

    async def _name(self, id: str | None, extent: Extent, form: Form) -> str:
        from routerterm.engine.transfer.exporting import file_name

        if extent == "all" or id is None:
            return "routerterm-history.json" if form == "json" else "routerterm-history"
        conversation = await self._app.ready_services.store.conversations.get(id)
        return file_name(conversation.title if conversation else "", id, form)

    async def _write(self, id: str | None, extent: Extent, form: Form, text: str) -> None:
        from routerterm.engine.transfer.exporting import export_one
        from routerterm.engine.transfer.files import write_private
        from routerterm.tui.themes.html_page import page_of

        target, services = _path(text), self._app.ready_services
        colours = page_of(self._app.active_theme)
        if extent == "all":
            self._all(form, target, colours)
            return
        assert id is not None
        if await asyncio.to_thread(target.is_dir):
            target = target / await self._name(id, extent, form)
        if await asyncio.to_thread(target.is_file):
            raise RoutertermError(f"{target} already exists.", "Use another name: /export md notes.md")
        leaf = await services.store.messages.head(id) if extent == "branch" and form == "json" else None
        body = await export_one(services.store, id, form, leaf=leaf, colours=colours, zone=services.zone)
        await asyncio.to_thread(write_private, target, body)
        self._app.notify(f"Written: {target}", timeout=5, markup=False)

    def _all(self, form: Form, target: Path, colours: Colours) -> None:
        from routerterm.engine.transfer.files import export_all
        from routerterm.tui.dialogs.progress import Progress

        services, shown = self._app.ready_services, Progress("Exporting", self._app.active_theme.glyphs)

        async def work() -> None:
            try:
                steps = export_all(services.store, form, target, colours=colours, zone=services.zone)
                async with aclosing(steps):
                    async for done, total in steps:
                        shown.tell(done, total)
            except RoutertermError as error:
                shown.dismiss(False)
                self._app.show_error(error)
                return
            shown.dismiss(True)
            self._app.notify(f"Written: {target}", timeout=5, markup=False)

        worker = self._app.run_worker(work(), group="export", exclusive=True, exit_on_error=False)

        async def ended(done: bool) -> None:
            if not done:
                worker.cancel()

        show_dialog(self._app, shown, ended)

    def import_file(self, words: str = "") -> None:
        """Ask which file, say what would be done, and do it."""

        from routerterm.tui.dialogs.prompt import PromptDialog

        async def given(text: str) -> None:
            if text.strip():
                self._look(_path(text))

        if words:
            self._look(_path(words))
        else:
            kinds = (
                "A file or folder: our own JSON; exports of ChatGPT, Claude, Open WebUI, LibreChat, opencode;"
                " databases of llm, elia, oterm, crush; sessions of gptme, aichat."
            )
            show_dialog(self._app, PromptDialog("Import", kinds, hint="Enter Import · Esc Close"), given)

    def _look(self, path: Path) -> None:
        """A dry run first."""

        from routerterm.tui.dialogs.confirm import Confirm

        async def told(report: Report) -> None:
            from routerterm.engine.transfer.importing import lines_of

            lines = [one_line(line) for line in lines_of(report, dry=True)]
            if not (report.new or report.grown):
                self._app.notify("\n".join(lines), timeout=8, markup=False)
                return

            async def sure(yes: bool) -> None:
                if yes:
                    self._run(path, dry=False, then=self._done)

            show_dialog(self._app, Confirm("Import", "\n".join(lines), "Import them"), sure)

        self._run(path, dry=True, then=told)

    async def _done(self, report: Report) -> None:
        from routerterm.engine.transfer.importing import lines_of

        await self._imported()
        text = "\n".join(one_line(line) for line in lines_of(report, dry=False))
        self._app.notify(text, timeout=8, markup=False)

    def _run(self, path: Path, *, dry: bool, then: object) -> None:
        from routerterm.engine.transfer.importing import import_file
        from routerterm.tui.dialogs.progress import Progress

        title = f"Looking at {one_line(path.name)}" if dry else f"Importing {one_line(path.name)}"
        shown, reports = Progress(title, self._app.active_theme.glyphs), list["Report"]()

        async def work() -> None:
            try:
                reports.append(await import_file(self._app.ready_services.store, path, dry=dry, progress=shown.tell))
            except RoutertermError as error:
                shown.dismiss(False)
                self._app.show_error(error)
                return
            shown.dismiss(True)

        worker = self._app.run_worker(work(), group="import", exclusive=True, exit_on_error=False)

        async def ended(done: bool) -> None:
            if done:
                await then(reports[0])  # type: ignore[operator]
            else:
                worker.cancel()
                await self._imported()

        show_dialog(self._app, shown, ended)


def _path(text: str) -> Path:
    """As a shell would read it."""
    return Path(text.strip()).expanduser()


def _said(words: str) -> tuple[Extent, Form | None, str]:
    """What ``/export`` was told: ``md``, ``html FILE``, ``all json FILE``; None for a form that was not named."""
    extent: Extent = "branch"
    first, _, rest = words.strip().partition(" ")
    if said := first in ("all", "conversation", "branch"):
        extent = cast(Extent, first)
        first, _, rest = rest.strip().partition(" ")
    if first in FORMS:
        form = first
        return ("conversation" if form == "json" and not said else extent), form, rest.strip()
    if not words.strip():
        return extent, None, ""
    suffix = Path(words.strip()).suffix.removeprefix(".")
    if suffix in FORMS:
        return ("conversation" if suffix == "json" else "branch"), suffix, words.strip()
    raise RoutertermError(
        f"{one_line(words)} is not an export format.", "/export md, /export html FILE, /export all json FILE."
    )
