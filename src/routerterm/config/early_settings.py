"""The few settings that the first paint needs, read without pydantic: the rest is checked once the screen is there."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from routerterm.config.atomic_file import read_regular
from routerterm.config.paths import Paths
from routerterm.core.toml import load_toml


class QuickUi(Struct, frozen=True):
    """The ``[ui]`` entries that decide how the first picture looks.  Defaults are those of `UiSettings`."""

    theme: str = "phosphor"
    line: str = "auto"
    driver: str = "auto"
    motion: str = "auto"
    glyphs: str = "auto"
    sidebar: str = "auto"
    scanlines: str = "off"
    mouse: bool = True
    plain: bool = False


def quick_ui(paths: Paths) -> QuickUi:
    """What ``config.toml`` says of these; defaults for what is absent, unreadable or of the wrong kind.

    Nothing is reported here: `load_settings` reads the same file soon after and names every mistake.
    """
    try:
        body = load_toml(read_regular(paths.config_file).decode("utf-8-sig"))
    except (OSError, ValueError):
        return QuickUi()
    section = body.get("ui")
    return QuickUi(**_of_the_right_kind(section)) if isinstance(section, dict) else QuickUi()


def _of_the_right_kind(section: dict[str, Any]) -> dict[str, Any]:
    defaults = {name: getattr(QuickUi(), name) for name in QuickUi.__struct_fields__}
    return {name: value for name, value in section.items() if name in defaults and type(value) is type(defaults[name])}
