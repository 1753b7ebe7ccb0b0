"""The text of a PDF, by pypdf (extra ``pdf``), which loads when the first one is attached."""

from __future__ import annotations

import io
import logging

from routerterm.core.errors import RoutertermError
from routerterm.core.installing import how_to_add

MOST_PAGES = 1_000
MOST_TEXT = 2_000_000
"""Characters: more fits no model."""


class NoPdfReader(RoutertermError):
    """pypdf is not installed."""


def pdf_text(data: bytes, name: str) -> str:
    """The text, page after page.  Blocks for seconds on long files.  Raises `RoutertermError`."""
    try:
        import pypdf
    except ImportError:
        raise NoPdfReader(
            f"Reading the text of {name} needs pypdf, which is not installed.",
            f"Install it with: {how_to_add('pdf')}",
        ) from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every oddity, onto the screen
    pages, size = [], 0
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise RoutertermError(f"{name} is protected by a password.", "Save it without one and attach that.")
        for number, page in enumerate(reader.pages, 1):
            if number > MOST_PAGES or size > MOST_TEXT:
                pages.append(f"[The rest, from page {number} on, is left out.]")
                break
            text = page.extract_text()
            size += len(text)
            pages.append(f"[page {number}]\n{text}")
    except RoutertermError:
        raise
    except Exception as error:
        raise RoutertermError(f"{name} cannot be read as a PDF ({type(error).__name__}).") from error
    if not size:
        raise RoutertermError(f"{name} has no text in it: its pages are images.", "Attach the pages as images.")
    return "\n\n".join(pages).replace("\0", "")
