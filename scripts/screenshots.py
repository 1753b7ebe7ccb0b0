"""Draws the README's pictures: the program in a real terminal (tmux), over made-up conversations in a throw-away home.

`python scripts/screenshots.py [NAME…]` writes screenshots/NAME.png and `failover.gif`.  It needs tmux and the fonts
that `terminal_picture.py` names.  Nothing leaves the machine: who answers is the demonstration, and the keys are
invented.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from PIL import Image  # noqa: E402
from terminal_picture import LARGE, Rgb, cells_of, draw, save  # noqa: E402
from tests.tui.seed import fill  # noqa: E402 - the tests' own made-up history

from routerterm.config.paths import Paths, built_in_themes  # noqa: E402
from routerterm.tui.themes.reader import find_themes, read_theme  # noqa: E402

OUT = ROOT / "screenshots"
WAIT = 90.0
"""Seconds after which something that was to be seen is taken to be missing."""
MARGIN = 8
EACH = 0.12
"""Seconds between two frames of an animation."""
CONFIG = """
[router]
default = "smart"
[routes.smart]
models = ["demo/down", "demo/cut", "demo/markdown"]
[routes.house]
strategy = "cheapest"
models = ["deepseek", "groq", "openai"]
[budget]
day = 2.00
month = 30.00
[ui]
theme = "{theme}"
"""
KEYS = {
    "OPENAI_API_KEY": "sk-proj-MadeUpForAPicture4f7a",
    "ANTHROPIC_API_KEY": "sk-ant-MadeUpForAPicture91bc",
    "GROQ_API_KEY": "gsk_MadeUpForAPictureC3d2",
    "DEEPSEEK_API_KEY": "sk-MadeUpForAPicture77e1",
}
HALF = ("type:/model demo/markdown", "Enter", "see:demo/markdown", "type:What is kept when I stop you?", "Enter")
SENT = ("type:How is this answer shown?", "Enter", "busy", "idle")


@dataclass(frozen=True)
class Picture:
    """One picture: what is pressed, and what must be on the screen before it is taken."""

    steps: tuple[str, ...]
    """Keys as tmux names them; ``type:TEXT`` types, ``see:TEXT`` waits until it is shown, ``busy`` until an answer
    comes, ``idle`` until none does, ``wait:SECONDS`` waits."""
    theme: str = "phosphor"
    size: tuple[int, int] = (100, 30)
    full: bool = True
    """Whether the home has a past; otherwise it is the first start."""


PICTURES: Mapping[str, Picture] = {
    "first-run": Picture(("see:Choose how to start", "wait:2"), full=False),
    "empty": Picture(("see:ready", "wait:1")),
    "chat": Picture((*SENT, "C-Home", "wait:1")),
    "why": Picture((*SENT, "type:/why", "Enter", "wait:2"), "amber"),
    "stats": Picture(("F4", "wait:3"), "phosphor", (120, 40)),
    "models": Picture(("F3", "wait:2"), "dosblue"),
    "route": Picture(("F7", "wait:2"), "vt220"),
    "keys": Picture(("F6", "wait:3"), "home64"),
    "find": Picture(("F5", "wait:1", "type:wal check", "wait:2"), "amber"),
    "themes": Picture(("F8", "wait:2", "Down", "wait:1"), "phosphor"),
    "compare": Picture(
        ("type:/compare demo/markdown demo/slow", "Enter", "wait:1", "type:What do you say?", "Enter", "wait:7"),
        "bbs",
    ),
    "help": Picture(("F1", "wait:2"), "paperwhite"),
    "menu": Picture(("C-x", "wait:2"), "contrast"),
    "palette": Picture(("C-p", "wait:1", "type:conv", "wait:2"), "desktop"),
    "switch": Picture(("M-o", "wait:2"), "amber"),
    "settings": Picture(("type:/settings", "Enter", "wait:2", "type:budget", "wait:2"), "videotex"),
    "gateway": Picture(("type:/gateway", "Enter", "wait:2", "s", "wait:5"), "mainframe"),
    "tools": Picture(("type:/tools", "Enter", "wait:3"), "vt220"),
    "leaves": Picture(
        (*SENT, "type:My key is sk-proj-MadeUpForAPicture4f7a9c2e, and?", "wait:1", "M-w", "wait:3"), "amber"
    ),
    "tree": Picture((*SENT, "M-t", "wait:2"), "plasma"),
    "outbox": Picture(("type:/later in 2h What is new?", "Enter", "wait:2", "type:/outbox", "Enter", "wait:2"), "bbs"),
    "prompts": Picture(("M-l", "wait:2"), "teletext"),
    "kept": Picture((*HALF, "see:A demonstration", "wait:1", "Escape", "see:stopped by you", "wait:1"), size=(100, 22)),
    "phone": Picture((*SENT, "wait:1"), "pocket", (45, 24)),
}
ANSWER = ("type:What happens when a provider breaks off?", "wait:0.5", "Enter")
"""What is said for the animation."""


class Terminal:
    """A tmux of our own with the program in it."""

    def __init__(self, folder: Path, size: tuple[int, int], environment: Mapping[str, str]) -> None:
        self._socket, self.size = folder / "tmux", size
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        self._environment = keep | {"LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"} | environment
        program = f"{sys.executable} -m routerterm"
        width, height = (str(cells) for cells in size)
        self._tmux("-u", "-f", "/dev/null", "new-session", "-d", "-s", "it", "-x", width, "-y", height, program)

    def close(self) -> None:
        """End it."""
        self._tmux("kill-server")

    def play(self, step: str) -> None:
        """Do one thing."""
        what, _, rest = step.partition(":")
        match what:
            case "wait":
                time.sleep(float(rest))
            case "type":
                self._tmux("send-keys", "-t", "it", "-l", rest)
            case "see":
                self.until(lambda text: rest in text, rest)
            case "busy":
                self.until(lambda text: "Esc stops" in text, "an answer")
            case "idle":
                self.until(lambda text: "Esc stops" not in text, "its end")
            case _:
                self._tmux("send-keys", "-t", "it", step)
                time.sleep(0.1)

    def until(self, holds: object, what: str) -> None:
        """Wait for what is to be seen."""
        limit = time.monotonic() + WAIT
        while not holds(self.text()):  # type: ignore[operator]
            if time.monotonic() > limit:
                raise SystemExit(f"{what!r} never came:\n{self.text()}")
            time.sleep(0.1)

    def text(self) -> str:
        """What is shown, without colours."""
        return self._tmux("capture-pane", "-p", "-t", "it")

    def shown(self) -> str:
        """What is shown, with SGR sequences."""
        return self._tmux("capture-pane", "-p", "-e", "-N", "-t", "it").rstrip("\n")

    def _tmux(self, *arguments: str) -> str:
        ran = subprocess.run(
            ["tmux", "-S", str(self._socket), *arguments],
            capture_output=True, text=True, env=self._environment, check=True,
        )  # fmt: skip
        return ran.stdout


@contextmanager
def running(theme: str, size: tuple[int, int], *, full: bool = True) -> Iterator[Terminal]:
    """The program in a home of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ["ROUTERTERM_HOME"] = str(home)
        if full:
            paths = Paths.find()
            paths.make()
            paths.config_file.write_text(CONFIG.format(theme=theme), encoding="utf-8")
            asyncio.run(fill(paths, now=int(time.time() * 1000)))
        environment = {"ROUTERTERM_HOME": str(home), "COLORTERM": "truecolor", **(KEYS if full else {})}
        terminal = Terminal(Path(folder), size, environment)
        try:
            terminal.play("see:smart" if full else "see:Choose")
            time.sleep(1.5)
            yield terminal
        finally:
            terminal.close()


def ground_of(theme: str) -> Rgb:
    """What lies around a picture."""
    colour = read_theme(find_themes([built_in_themes()])[theme]).colours.background
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)) if colour.startswith("#") else (0, 0, 0)


def take(name: str, picture: Picture) -> None:
    """Play one session and draw what the screen shows."""
    with running(picture.theme, picture.size, full=picture.full) as terminal:
        for step in picture.steps:
            terminal.play(step)
        rows = cells_of(terminal.shown(), picture.size[0])
    file = OUT / f"{name}.png"
    save(draw(rows, LARGE, ground=ground_of(picture.theme), margin=MARGIN), file, 2)
    print(f"{name}: {file.stat().st_size // 1000} kB")


def animate(name: str = "failover", theme: str = "phosphor", size: tuple[int, int] = (90, 26)) -> None:
    """An answer whose provider breaks off, and the next one that finishes it, as it happens."""
    shots: list[tuple[str, float]] = []
    with running(theme, size) as terminal:
        for step in ANSWER:
            terminal.play(step)
        begun, idle = time.monotonic(), 0
        while idle < 8 and time.monotonic() - begun < 60:
            shot = terminal.shown()
            if shots and shots[-1][0] == shot:
                shots[-1] = (shot, shots[-1][1] + EACH)
            else:
                shots.append((shot, EACH))
            idle = idle + 1 if "Esc stops" not in shot and len(shots) > 20 else 0
            time.sleep(EACH)
    shots[-1] = (shots[-1][0], 4.0)
    frames = [draw(cells_of(shot, size[0]), LARGE, ground=ground_of(theme), margin=MARGIN) for shot, _ in shots]
    colours = {colour for frame in frames for _, colour in frame.getcolors(256) or ()}
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in sorted(colours)[:256] for channel in colour])
    pictures = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    file = OUT / f"{name}.gif"
    pictures[0].save(
        file, save_all=True, append_images=pictures[1:], loop=0, optimize=True, disposal=1,
        duration=[round(seconds * 1000) for _, seconds in shots],
    )  # fmt: skip
    print(f"{name}: {len(frames)} frames, {file.stat().st_size // 1000} kB")


def main() -> int:
    """Draw what is named, or all."""
    OUT.mkdir(exist_ok=True)
    for name in sys.argv[1:] or [*PICTURES, "failover"]:
        if name == "failover":
            animate()
        else:
            take(name, PICTURES[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
