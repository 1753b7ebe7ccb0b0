"""The forms in which conversations are exported: command line, slash command and dialog all read this table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

Form: TypeAlias = Literal["md", "json", "html"]
"""A file's ending names its form."""
FORMS: tuple[Form, ...] = get_args(Form)


class About(Struct, frozen=True):
    """What a form is, for a person who chooses one."""

    title: str
    """Of one branch."""
    branch: str
    whole: str
    """Of everything."""


ABOUT: Mapping[Form, About] = {
    "md": About("Markdown", "the current branch, to read and to edit", "a folder with one file per conversation"),
    "html": About(
        "HTML page",
        "the current branch in the theme's colours; one file, no script",
        "a folder with one page per conversation",
    ),
    "json": About(
        "JSON", "can be imported again, with costs and routing records", "all conversations, complete, in one file"
    ),
}
"""In the order of the menus."""
