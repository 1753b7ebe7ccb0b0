"""The person's own editor, started with a clean environment on a file that only its owner can read."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from routerterm.core.errors import RoutertermError
from routerterm.core.redact import secret_redactor

_USUAL = ("editor", "nano", "vim", "vi", "emacs")


def open_editor(text: str, environ: Mapping[str, str] | None = None) -> str:
    """What the editor made of the text.  Blocks; the terminal must be free.  Raises `RoutertermError`."""
    environ = os.environ if environ is None else environ
    command = editor_of(environ)
    with tempfile.TemporaryDirectory(prefix="routerterm-") as folder:  # 0700
        file = Path(folder) / "message.md"
        file.write_text(text, encoding="utf-8")
        try:
            code = subprocess.call([*command, str(file)], env=secret_redactor.clean_environment(environ))
        except OSError as error:
            raise RoutertermError(f"{command[0]} cannot be started: {error.strerror}.", _HINT) from None
        if code:
            raise RoutertermError(f"{command[0]} exited with code {code}; the text is unchanged.")
        try:
            return file.read_text(encoding="utf-8-sig").removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            raise RoutertermError(f"What {command[0]} saved is not UTF-8 text.", "The text is unchanged.") from None


_HINT = "Set EDITOR, for example: export EDITOR=nano"


def editor_of(environ: Mapping[str, str]) -> list[str]:
    """The command: VISUAL, EDITOR, or the first usual one there is.  Raises `RoutertermError`."""
    for name in ("VISUAL", "EDITOR"):
        if words := shlex.split(environ.get(name, "")):
            return words
    for name in _USUAL:
        if found := shutil.which(name, path=environ.get("PATH")):
            return [found]
    raise RoutertermError("No editor was found.", _HINT)
