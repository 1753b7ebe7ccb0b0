"""What is left of a mistake of ours: a sentence for the person, and a report without keys for whoever mends it."""

from __future__ import annotations

import platform
import sys
import traceback
from pathlib import Path

from routerterm import __version__
from routerterm.config.atomic_file import atomic_write
from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from routerterm.core.redact import secret_redactor


def report(error: Exception) -> RoutertermError:
    """Write the report; the sentence names it.  It holds no local variable, and no word of a conversation."""
    file = _write(_text(error))
    hint = (
        f"Your conversations are safe; the report is in {file}. It contains no key and no message; please send it."
        if file
        else ""
    )
    return RoutertermError(f"routerterm crashed ({type(error).__name__}).", hint)


def _text(error: BaseException) -> str:
    """Where it happened, down the chain of causes; messages are left out, since they may quote what was said."""
    lines = [f"routerterm {__version__}, Python {sys.version.split()[0]}, {platform.platform()}", ""]
    cause: BaseException | None = error
    while cause is not None:
        lines += [type(cause).__name__, *traceback.format_tb(cause.__traceback__), ""]
        cause = cause.__cause__ or cause.__context__
    return secret_redactor("\n".join(lines))


def _write(text: str) -> Path | None:
    paths = Paths.find()
    try:
        paths.make()
        file = paths.state / "crash.txt"
        atomic_write(file, text)
    except (RoutertermError, OSError):
        return None
    return file
