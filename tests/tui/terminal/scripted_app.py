"""Small Textual programs for the tests to drive in a real pty: ``python scripted_app.py NAME DRIVER [LINE]``."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import DataTable, Footer, Header, Input, Label, ListItem, ListView, Markdown, ProgressBar, Static

from routerterm.tui.terminal import driver_class, driver_of

TEXT = """\
# A page

Some *words* with **weight**, `code`, 日本語 and 한글, é and 😀 in one line that is long enough to wrap in most places.

- one
- two, with a [link](https://example.org/)
  - nested

| name | value |
|---|--:|
| alpha | 10 |
| beta | 200 |

```python
def visit(node, depth=0):
    for child in node.children:
        yield from visit(child, depth + 1)
```

> quoted

"""


class Driven(App[None]):
    """Takes keys, says what line it sees, redraws on Ctrl+L."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("ctrl+l", "redraw", "Redraw", priority=True),
    ]

    def action_redraw(self) -> None:
        driver = driver_of(self)
        if driver is not None:
            driver.redraw()


class Box(ModalScreen[None]):
    DEFAULT_CSS = (
        "Box { align: center middle; } Box Static { width: 40; height: 7; border: round red; background: $surface; }"
    )
    BINDINGS: ClassVar[list[Any]] = [Binding("escape", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        yield Static("A box over the rest, 日本語日本語日本語, with some words")


class Page(Driven):
    """Much of what Textual has on one screen."""

    CSS = """
    ListView { width: 24; border: solid green; } VerticalScroll { width: 1fr; }
    DataTable { height: 6; } Input { dock: bottom; }
    """
    BINDINGS: ClassVar[list[Any]] = [
        Binding("f3", "box", "Box"),
        Binding("f4", "theme", "Theme"),
        Binding("f5", "note", "Note"),
    ]

    def compose(self) -> ComposeResult:
        yield Header()
        with Horizontal():
            yield ListView(*[ListItem(Label(f"item {n} 字" if n % 3 else f"item {n}")) for n in range(30)])
            with Vertical():
                yield DataTable()
                yield ProgressBar(total=100, show_eta=False)
                with VerticalScroll(id="page"):
                    yield Markdown(TEXT * 2)
        yield Input(placeholder="Type here")
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("one", "two", "three")
        for n in range(20):
            table.add_row(str(n), f"cell {n}", "●" * (n % 7))
        self.query_one(ProgressBar).advance(37)
        self.query_one(Input).cursor_blink = False

    def action_box(self) -> None:
        self.push_screen(Box())

    def action_theme(self) -> None:
        self.theme = "textual-light" if self.theme != "textual-light" else "gruvbox"

    def action_note(self) -> None:
        self.notify("a notice, shown over the page", timeout=60)


class Lines(ScrollView, can_focus=False):
    """Lines drawn one by one, like a transcript."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def add(self, text: str) -> None:
        if not self.lines or len(self.lines[-1]) + len(text) > max(10, self.size.width - 2):
            self.lines.append("")
        self.lines[-1] += text
        self.virtual_size = Size(self.size.width, len(self.lines))
        self.scroll_end(animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        text = self.lines[y] if y < len(self.lines) else ""
        style = self.rich_style + Style(color="green") if text.startswith("#") else self.rich_style
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, self.rich_style)


class Streaming(Driven):
    """An endless answer above a prompt; Esc stops it."""

    CSS = "Lines { height: 1fr; } #foot { height: 4; }"
    BINDINGS: ClassVar[list[Any]] = [
        Binding("escape", "stop", "Stop", priority=True),
        Binding("f6", "full", "Noise"),
        Binding("f7", "crash", "Crash"),
    ]
    rate = 50
    beat = 0.0
    longest = 0.0

    def compose(self) -> ComposeResult:
        yield Lines()
        with Vertical(id="foot"):
            yield Input()
            yield Static("streaming", id="status")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()
        self.count = 0
        self.started = time.monotonic()
        self.feeding = self.set_interval(0.02, self.feed)
        self.beat = time.monotonic()
        self.set_interval(0.02, self.measure)

    def measure(self) -> None:
        """How long the event loop was away at worst."""
        now = time.monotonic()
        self.longest = max(self.longest, now - self.beat)
        self.beat = now

    def feed(self) -> None:
        while self.count < (time.monotonic() - self.started) * self.rate:
            self.count += 1
            self.query_one(Lines).add(f"word{self.count} ")

    def action_stop(self) -> None:
        self.feeding.stop()
        self.query_one("#status", Static).update(
            f"stopped at {self.count}, loop away {self.longest * 1000:.0f} ms at most"
        )

    def action_full(self) -> None:
        """Ten changes of the whole screen a second: more than any slow line carries."""
        self.set_interval(
            0.1,
            lambda: [
                self.query_one(Lines).add("".join(chr(33 + (self.count * 7 + i) % 90) for i in range(60)))
                for _ in range(30)
            ],
        )

    def action_crash(self) -> None:
        raise ValueError("made to fail")


class Beating(Streaming):
    """Counts the turns of its loop into the file named by the last argument, and says there when it was stopped."""

    over = False

    def on_mount(self) -> None:
        super().on_mount()
        self.beats = 0
        self.set_interval(0.05, self.count_beat)

    def count_beat(self) -> None:
        self.beats += 1
        if not self.over:
            self.say(str(self.beats))

    def action_stop(self) -> None:
        super().action_stop()
        self.over = True
        self.say("stopped")

    def say(self, text: str) -> None:
        file = Path(sys.argv[-1])
        new = file.with_suffix(".new")
        new.write_text(text)
        new.replace(file)


class Editor(Streaming):
    """Gives the terminal away for a while on F8."""

    BINDINGS: ClassVar[list[Any]] = [Binding("f8", "away", "Away", priority=True)]

    def action_away(self) -> None:
        with self.suspend():
            sys.stdout.write("AWAY-NOW\r\n")
            sys.stdout.flush()
            time.sleep(0.3)


class Outlive(Streaming):
    """Goes on without a terminal for a second, then says so in the file named by the last argument."""

    def on_terminal_lost(self) -> None:
        self.set_timer(1.0, self.say)

    def on_load(self) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def say(self) -> None:
        with open(sys.argv[-1], "w") as file:
            file.write(f"went on to {self.count}")
        self.exit()


PROGRAMS: dict[str, type[Driven]] = {
    "page": Page,
    "stream": Streaming,
    "beating": Beating,
    "editor": Editor,
    "outlive": Outlive,
}


def main() -> None:
    name, driver, line, *_ = [*sys.argv[1:], "auto"]
    chosen: Any = driver_class(line=line if line in ("auto", "fast", "slow") else "auto") if driver == "lean" else None  # type: ignore[arg-type]
    app = PROGRAMS[name](driver_class=chosen)
    app.run(mouse=False)
    sys.exit(app.return_code)


if __name__ == "__main__":
    main()
