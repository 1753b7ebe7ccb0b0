"""The one interface of every place where keys live, and the two that are read only: a command and the environment.

All methods may block; `routerterm.config.keys.timeouts` runs them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from routerterm.config.keys.errors import VaultAbsent, VaultSlow
from routerterm.config.keys.values import KeyLocation, PlaceStatus
from routerterm.core.errors import VaultError
from routerterm.core.redact import secret_redactor
from routerterm.core.sanitise import one_line
from routerterm.core.secret import Secret

COMMAND_LIMIT = 20.0
_LONGEST = 64 * 1024


class Vault(Protocol):
    """A place where keys live.  Every method may raise `VaultError`."""

    place: KeyLocation

    def status(self) -> PlaceStatus:
        """What it is, here and now; never raises, never asks the person anything."""
        ...

    def get(self, name: str) -> Secret | None:
        """The key under a name; None where there is none."""
        ...

    def set(self, name: str, secret: Secret) -> None:
        """Store a key, replacing what was under the name."""
        ...

    def delete(self, name: str) -> None:
        """Remove a key; nothing happens where there is none."""
        ...

    def unlock(self, passphrase: str) -> None:
        """Open it, or make it where it is new.  Raises `WrongPassphrase`."""
        ...

    def lock(self) -> None:
        """Close it, for this program and every other that shares it."""
        ...


class ReadOnly:
    """What the places that are not ours to write have in common."""

    place: KeyLocation

    def set(self, name: str, secret: Secret) -> None:
        """Refused."""
        raise VaultError(f"Keys cannot be written to {self.place}.", "Choose keyring or vault.")

    def delete(self, name: str) -> None:
        """Refused."""
        raise VaultError(f"Keys cannot be removed from {self.place}.", "Remove them where they come from.")

    def unlock(self, passphrase: str) -> None:
        """Nothing to open."""

    def lock(self) -> None:
        """Nothing to close."""


class EnvironmentVault(ReadOnly):
    """Keys in environment variables; a name is the variable's."""

    place = KeyLocation.ENVIRONMENT

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def status(self) -> PlaceStatus:
        """Always there."""
        return PlaceStatus(self.place, "Environment", "ready", "variables such as OPENAI_API_KEY, read only")

    def get(self, name: str) -> Secret | None:
        """The variable's value, unless it is empty."""
        value = self._environ.get(name, "").strip()
        return Secret(value) if value else None


class CommandVault(ReadOnly):
    """Keys that a program prints: ``pass show openai``, ``op read …``; a name is the whole command.

    No shell is involved.  The command has no terminal to ask on, and a limited time.
    """

    place = KeyLocation.COMMAND

    def __init__(self, environ: Mapping[str, str], limit: float = COMMAND_LIMIT) -> None:
        self._environ = environ
        self._limit = limit

    def status(self) -> PlaceStatus:
        """Always there; each command answers for itself."""
        return PlaceStatus(self.place, "Command", "ready", "the output of a program, read only")

    def get(self, name: str) -> Secret | None:
        """The first line that the command prints.  Raises `VaultError`."""
        program, output = self._run(name)
        line = output.decode("utf-8", "replace").strip().split("\n", 1)[0].strip()
        if not line:
            raise VaultError(f"The command `{program}` printed nothing.", "It must print the key as its first line.")
        return Secret(line)

    def _run(self, command: str) -> tuple[str, bytes]:
        import shlex

        try:
            words = shlex.split(command)
        except ValueError as error:
            raise VaultError("The key's command has an open quotation mark.", "Check the quotes in `cmd:…`.") from error
        if not words:
            raise VaultError("The key's command is empty.", "Write `cmd:` and a program with its arguments.")
        program = one_line(words[0])
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=secret_redactor.clean_environment(self._environ, tool=True),
                start_new_session=sys.platform != "win32",  # no terminal to ask on, and killed with its children
            )
        except OSError as error:
            raise VaultAbsent(
                f"The command `{program}` cannot be run: {error.strerror}.", "Check that it is installed."
            ) from error
        try:
            output, complaint = process.communicate(timeout=self._limit)
        except subprocess.TimeoutExpired as error:
            _kill(process)
            raise VaultSlow(
                f"The command `{program}` did not finish within {self._limit:g} s.",
                "If it asks for a passphrase, run it once in a shell so that its agent remembers.",
            ) from error
        if process.returncode != 0:
            said = secret_redactor(one_line(complaint[-400:].decode("utf-8", "replace").strip().split("\n")[-1]))
            raise VaultError(
                f"The command `{program}` failed with exit code {process.returncode}{': ' + said if said else '.'}",
                "Run it in a shell to see why; if it asks for a passphrase, its agent will then remember it.",
            )
        return program, output[:_LONGEST]


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.stdout and process.stdout.close()
    process.stderr and process.stderr.close()
    process.wait()
