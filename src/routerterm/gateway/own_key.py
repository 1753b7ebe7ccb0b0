"""The person's own key: made at the first start, in a file that only they can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from routerterm.config.paths import Paths
from routerterm.config.write import write_whole
from routerterm.core.errors import SettingsError
from routerterm.core.secret import Secret
from routerterm.engine.virtual_keys import new_token

FILE = "gateway.key"
LEAST = 16
"""Letters of a token that a person chose: fewer can be guessed by trying."""


def own_key(paths: Paths) -> Secret:
    """The key in the file; a fresh one where there is none yet, or where others could have read it.

    Raises `StoreError` where the file cannot be written.
    """
    place = key_file(paths)
    if (found := _kept(place)) is not None:
        return Secret(found)
    token = new_token(secrets.token_urlsafe)
    write_whole(place, token + "\n")
    return Secret(token)


def key_file(paths: Paths) -> Path:
    """Where it lies."""
    return paths.data / FILE


def check_token(token: Secret) -> None:
    """Raises `SettingsError` for a token that is too short to be a secret."""
    if len(token.reveal()) < LEAST:
        raise SettingsError(
            f"ROUTERTERM_GATEWAY_TOKEN is too short to be safe: it must have at least {LEAST} characters.",
            "Make one with: openssl rand -hex 24",
        )


def _kept(place: Path) -> str | None:
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
            return None
        token = file.read(200).decode("ascii", "replace").strip()
    return token if len(token) >= LEAST and token.isprintable() else None
