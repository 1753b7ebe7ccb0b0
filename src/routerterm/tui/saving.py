"""Writes a conversation to a file that only its owner may read, and never over another."""

from __future__ import annotations

import asyncio
import os
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, cast

from routerterm.core.errors import RoutertermError

if TYPE_CHECKING:
    from routerterm.engine.transfer.exporting import Form
    from routerterm.store.database import Store

FORMS = ("md", "json", "html")


async def save_conversation(store: Store, id: str, title: str, wish: str, zone: tzinfo | None) -> Path:
    """Where it was written.  ``wish`` is a form, a file whose ending tells it, or empty.  Raises `RoutertermError`."""
    from routerterm.engine.transfer.exporting import export_one, file_name

    wish = wish.strip()
    form = wish if wish in FORMS else wish.rpartition(".")[2].lower() if "." in wish else "md"
    if form not in FORMS:
        raise RoutertermError(f"There is no form {form!r}.", f"The file may end in {', '.join(FORMS)}.")
    text = await export_one(store, id, cast("Form", form), zone=zone)
    name = file_name(title, id, cast("Form", form)) if wish in ("", *FORMS) else wish
    return await asyncio.to_thread(write_new, name, text)


def write_new(name: str, text: str) -> Path:
    """Write a file that is not there yet; its whole path.  Raises `RoutertermError`."""
    file = Path(name).expanduser().absolute()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise RoutertermError(f"{file} is there already.", "Give another name: /export notes.md") from None
    except OSError as error:
        raise RoutertermError(f"{file} cannot be written: {error.strerror}.", "Give another: /export ~/x.md") from None
    return file
