"""The programs that `terminal.py` measures: one answer streams into a view above a line that is typed into.

control      Textual's Markdown stream on Textual's driver: what everyone writes
markdown     the same on the lean driver
transcript   the transcript on Textual's driver
lean         the transcript on the lean driver: what routerterm is
beside       the same with forty conversations to its left, which no scrolled line may take along
steps        that as over SSH: where a scroll takes the conversations along, a few lines are scrolled at once
between      that, on a terminal that can scroll between two columns
"""

from __future__ import annotations

import asyncio
import json
import resource
import time
from pathlib import Path
from typing import Any

from answers import pieces
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Input, Markdown, Static

from routerterm.core.events import TextDelta
from routerterm.tui.terminal import driver_class, driver_of
from routerterm.tui.transcript.values import Entry, Header
from routerterm.tui.transcript.widget import Transcript

TYPED = 0.4
"""The share of the answer that is typed into; the rest is measured without, keys cost something too."""
SUBJECTS = ("control", "markdown", "transcript", "lean")
BESIDE = ("beside", "steps", "between")
TITLES = ("SQLite WAL", "Pi cluster", "Soup for six", "Regex for dates", "The tides", "A letter", "Rust lifetimes")


class Subject(App[None]):
    """A view, a line to type into, and an answer that comes in at a steady pace."""

    CSS = """
    Input { dock: bottom; } Transcript, VerticalScroll { height: 1fr; }
    #conversations { dock: left; width: 26; height: 1fr; border-right: solid green; color: $text-muted; }
    """

    def __init__(self, name: str, texts: list[str], rate: int, report: Path) -> None:
        super().__init__(driver_class=driver_class() if name not in ("control", "transcript") else None)
        self.ours = name not in ("control", "markdown")
        self.beside, self.dear = name in BESIDE, name == "steps"
        self.texts, self.rate, self.report = texts, rate, report

    def compose(self) -> ComposeResult:
        if self.beside:
            rows = (f"{TITLES[n % len(TITLES)][:17]:<17} {n:>2} d" for n in range(40))
            yield Static("\n".join(rows), id="conversations")
        yield Transcript() if self.ours else VerticalScroll()
        yield Input(placeholder="Message")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.run_worker(self.measured())

    async def measured(self) -> None:
        await asyncio.sleep(1.0)
        write, end = self.transcript() if self.ours else await self.markdown()
        await asyncio.sleep(0.3)
        self.report.with_suffix(".begun").touch()
        begun = time.monotonic()
        rest = int(len(self.texts) * TYPED)
        for number, text in enumerate(self.texts):
            if number == rest:
                self.report.with_suffix(".rest").touch()
                since, cpu = time.monotonic(), time.process_time()
            if self.rate and (wait := begun + number / self.rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            elif number % 20 == 0:
                await asyncio.sleep(0)
            await write(text)
        await end()
        took = time.monotonic() - since
        await asyncio.sleep(0.2)
        driver = driver_of(self)
        found = {
            "tokens": len(self.texts) - rest,
            "seconds": took,
            "cpu": time.process_time() - cpu,
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "frames": driver.frames if driver else None,
        }
        fresh = self.report.with_suffix(".new")
        fresh.write_text(json.dumps(found))
        fresh.replace(self.report)  # the reader never sees half of it
        self.exit()

    def transcript(self) -> tuple[Any, Any]:
        view = self.query_one(Transcript)
        view.throttle(False, dear=self.dear)
        view.begin_stream(Entry("a", "assistant", status="streaming", header=Header("demo")))

        async def write(text: str) -> None:
            view.feed("a", TextDelta(text))

        async def end() -> None:
            view.flush()
            painted = asyncio.Event()
            self.call_after_refresh(painted.set)
            await painted.wait()

        return write, end

    async def markdown(self) -> tuple[Any, Any]:
        view = self.query_one(VerticalScroll)
        view.anchor()
        widget = Markdown()
        await view.mount(widget)
        stream = Markdown.get_stream(widget)
        return stream.write, stream.stop


def run(name: str, kind: str, rate: int, count: int, report: Path) -> None:
    """Be one of the subjects until the answer is whole."""
    Subject(name, pieces(kind, count), rate, report).run()
