"""Draws a contact sheet of each theme: screenshots/themes/NAME.png.

`python scripts/contact_sheets.py [NAME…]`.  A row is a screen (empty chat, stats, chat, picker, dialog); its columns
are 120×40, 80×24 and 45×20, each in true colour, in 256 and in 16 colours.  The program runs in this process, and its
cells are coloured as the driver would send them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from PIL import Image  # noqa: E402
from screenshots import CONFIG, KEYS, OUT, ground_of  # noqa: E402
from terminal_picture import SMALL, Cell, cells_of, draw, save  # noqa: E402
from tests.driver.headless import HeadlessDriver  # noqa: E402
from tests.tui.seed import fill  # noqa: E402 - the tests' own made-up history

from routerterm.config.early_settings import quick_ui  # noqa: E402
from routerterm.config.paths import Paths, built_in_themes  # noqa: E402
from routerterm.tui.app import RoutertermApp  # noqa: E402
from routerterm.tui.dialogs.picker import Picker  # noqa: E402
from routerterm.tui.terminal.colour import Depth, adapter, choices_of  # noqa: E402
from routerterm.tui.terminal.style import Style  # noqa: E402
from routerterm.tui.themes.reader import find_themes  # noqa: E402

SCREENS: dict[str, tuple[str, ...]] = {
    "empty": (), "stats": ("f4",), "chat": ("ctrl+home",), "picker": ("f3",), "dialog": (*"/rename", "enter"),
}  # fmt: skip
SIZES = ((120, 40), (80, 24), (45, 20))
DEPTHS = (Depth.TRUE, Depth.INDEXED, Depth.ANSI)
SYSTEMS = {Depth.TRUE: "truecolor", Depth.INDEXED: "256", Depth.ANSI: "standard"}
"""Names of the depths in the environment."""
GAP = 8


def cells(app: RoutertermApp, depth: Depth) -> list[list[Cell]]:
    """What the screen shows, in the colours of a terminal of that depth."""
    adapt = adapter(depth, chosen=lambda: choices_of(app.theme_variables, depth)) or (lambda style: style)
    rows = []
    for strip in app.screen._compositor.render_strips()[: app.size.height]:
        row = []
        for text, style, _ in strip:
            codes = ["0"]
            if style is not None:
                ink = ";".join(style.color.get_ansi_codes(True)) if style.color else ""
                paper = ";".join(style.bgcolor.get_ansi_codes(False)) if style.bgcolor else ""
                shown = adapt(Style(ink if ink != "39" else "", paper if paper != "49" else ""))
                attributes = (("1", style.bold), ("2", style.dim), ("4", style.underline), ("7", style.reverse))
                marks = [code for code, on in attributes if on]
                codes += [*filter(None, (shown.foreground, shown.background)), *marks]
            row.append(f"\x1b[{';'.join(codes)}m{text}")
        rows.append("".join(row))
    return cells_of("\n".join(rows), app.size.width)


@asynccontextmanager
async def running(size: tuple[int, int]) -> AsyncIterator[tuple[RoutertermApp, Any]]:
    """The program over made-up conversations."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ROUTERTERM_HOME"] = str(Path(folder) / "home")
        paths = Paths.find()
        paths.make()
        paths.config_file.write_text(CONFIG.format(theme="phosphor") + 'motion = "reduced"\n', encoding="utf-8")
        await fill(paths, now=int(time.time() * 1000))
        app = RoutertermApp(paths, quick_ui(paths))
        async with app.run_test(size=size) as pilot:
            await HeadlessDriver(paths, app, pilot).ready()
            await pilot.pause(0.5)
            yield app, pilot


async def shots(themes: list[str], size: tuple[int, int]) -> dict[str, list[list[Image.Image]]]:
    """Of each theme, a list of screens, each in every depth."""
    found: dict[str, list[list[Image.Image]]] = {theme: [] for theme in themes}
    async with running(size) as (app, pilot):
        driver = HeadlessDriver(app.paths, app, pilot)
        for screen, keys in SCREENS.items():
            if screen == "chat":
                await driver.ask("How is this shown?")
            for theme in themes:
                app.use_theme(theme)
                await pilot.pause(0.1)
                await pilot.press(*keys)
                await pilot.pause(0.5)
                while isinstance(app.screen, Picker) and not app.screen.list.display:
                    await pilot.pause(0.1)
                found[theme].append([await _shot(app, pilot, theme, depth) for depth in DEPTHS])
                while len(app.screen_stack) > 1:
                    await pilot.press("escape")
    return found


async def _shot(app: RoutertermApp, pilot: Any, theme: str, depth: Depth) -> Image.Image:
    """What is shown, as a terminal of that depth would have it: scanlines, and what is dimmed by the terminal."""
    os.environ["TEXTUAL_COLOR_SYSTEM"] = SYSTEMS[depth]
    lit, fading = depth is Depth.TRUE and app.active_theme.scanlines, depth is Depth.ANSI
    if (app.active_theme.scanning, app.active_theme.fading) != (lit, fading):
        app.scanlines = "on" if lit else "off"
        app.use_theme(theme)
        app.screen.notify_style_update()  # the colours may be the same
        app.screen.refresh()
        await pilot.pause(0.1)
    return draw(cells(app, depth), SMALL, ground=ground_of(theme))


def main() -> None:
    """Draw the sheets that are named, or all."""
    os.environ.pop("NO_COLOR", None)
    os.environ.update({"COLORTERM": "truecolor", "TERM": "xterm-256color", "LANG": "C.UTF-8", **KEYS})
    themes = sys.argv[1:] or list(find_themes([built_in_themes()]))
    taken = [asyncio.run(shots(themes, size)) for size in SIZES]
    (OUT / "themes").mkdir(parents=True, exist_ok=True)
    for theme in themes:
        rows = [[image for size in taken for image in size[theme][n]] for n in range(len(SCREENS))]
        width = sum(image.width + GAP for image in rows[0])
        height = sum(max(image.height for image in row) + GAP for row in rows)
        sheet, y = Image.new("RGB", (width, height), (64, 64, 64)), GAP // 2
        for row in rows:
            x = GAP // 2
            for image in row:
                sheet.paste(image, (x, y))
                x += image.width + GAP
            y += max(image.height for image in row) + GAP
        file = OUT / "themes" / f"{theme}.png"
        save(sheet, file)
        print(f"themes/{theme}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
