"""Draws the README's pictures: scripted sessions without a terminal, over made-up conversations in a throw-away home.

`python scripts/screenshots.py [NAME…]` writes screenshots/NAME.svg, and NAME.png where rsvg-convert is installed.
Nothing leaves the machine: who answers is the demonstration, and the keys are invented.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.tui.seed import fill  # noqa: E402 - the tests' own made-up history

OUT = ROOT / "screenshots"
WAIT = 60.0
"""Seconds after which something that was to be seen is taken to be missing."""
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
scanlines = "auto"
"""
KEYS = {
    "OPENAI_API_KEY": "sk-proj-MadeUpForAPicture4f7a",
    "ANTHROPIC_API_KEY": "sk-ant-MadeUpForAPicture91bc",
    "GROQ_API_KEY": "gsk_MadeUpForAPictureC3d2",
    "DEEPSEEK_API_KEY": "sk-MadeUpForAPicture77e1",
}
SENT = ("type:How is this answer shown?", "enter")


@dataclass(frozen=True)
class Picture:
    """One picture: what is pressed, and what must be on the screen before it is taken."""

    steps: tuple[str, ...]
    """Keys; ``type:TEXT`` types, ``see:TEXT`` waits until it is shown, ``wait:SECONDS`` waits."""
    theme: str = "phosphor"
    size: tuple[int, int] = (110, 32)
    full: bool = True
    """Whether the home has a past; otherwise it is the first start."""


PICTURES: Mapping[str, Picture] = {
    "first-run": Picture(("wait:3",), full=False),
    "chat": Picture((*SENT, "see:one inside")),
    "why": Picture((*SENT, "see:A demonstration", "wait:12", "type:/why", "enter", "wait:2"), "amber"),
    "stats": Picture(("f4", "wait:3"), "phosphor", (120, 40)),
    "models": Picture(("f3", "wait:2"), "dosblue"),
    "route": Picture(("f7", "wait:2"), "vt220"),
    "keys": Picture(("f6", "wait:3"), "home64"),
    "find": Picture(("f5", "wait:1", "type:wal check", "wait:2"), "amber"),
    "themes": Picture(("f8", "wait:2", "down", "down", "wait:1"), "plasma"),
    "compare": Picture(
        ("type:/compare demo/markdown demo/slow", "enter", "wait:1", "type:What do you say?", "enter", "wait:6"),
        "videotex",
    ),
    "phone": Picture((*SENT, "see:demonstration", "wait:6"), "pocket", (45, 24)),
}


async def take(name: str, picture: Picture) -> None:
    """Play one session and write what the screen shows."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ.clear()
        os.environ.update(SURROUNDINGS | {"ROUTERTERM_HOME": str(home)} | (KEYS if picture.full else {}))
        from routerterm.config.early_settings import quick_ui
        from routerterm.config.paths import Paths
        from routerterm.tui.app import RoutertermApp

        paths = Paths.find()
        if picture.full:
            paths.make()
            paths.config_file.write_text(CONFIG.format(theme=picture.theme), encoding="utf-8")
            await fill(paths, now=int(time.time() * 1000))
        app = RoutertermApp(paths, quick_ui(paths))
        async with app.run_test(size=picture.size) as pilot:
            await pilot.pause(3)
            for step in picture.steps:
                await _do(app, pilot, step)
            svg = app.export_screenshot(title=" ")
    OUT.mkdir(exist_ok=True)
    file = OUT / f"{name}.svg"
    # Without this, converters fold the blanks.
    file.write_text(svg.replace("<svg ", '<svg xml:space="preserve" ', 1), encoding="utf-8")
    print(f"{name}: {file.stat().st_size // 1000} kB")


async def _do(app: Any, pilot: Any, step: str) -> None:
    what, _, rest = step.partition(":")
    if what == "wait":
        await pilot.pause(float(rest))
    elif what == "type":
        for letter in rest:
            await pilot.press({" ": "space", "/": "slash"}.get(letter, letter))
    elif what == "see":
        limit = time.monotonic() + WAIT
        while rest not in _shown(app):
            if time.monotonic() > limit:
                raise SystemExit(f"{rest!r} never came:\n{_shown(app)}")
            await pilot.pause(0.1)
    else:
        await pilot.press(step)


def _shown(app: Any) -> str:
    """The text on the screen."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


SURROUNDINGS = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
SURROUNDINGS |= {
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
    "PATH": os.environ.get("PATH", os.defpath),
}


def main() -> int:
    """Take the pictures that are named, or all; each in a process of its own, so that none sees another's settings."""
    names = sys.argv[1:] or list(PICTURES)
    if len(names) == 1:
        asyncio.run(take(names[0], PICTURES[names[0]]))
        file = OUT / f"{names[0]}.svg"
        if converter := shutil.which("rsvg-convert", path=SURROUNDINGS["PATH"]):
            subprocess.run([converter, "-o", file.with_suffix(".png"), file], check=True)
        return 0
    return max(subprocess.run([sys.executable, __file__, name], check=False).returncode for name in names)


if __name__ == "__main__":
    sys.exit(main())
