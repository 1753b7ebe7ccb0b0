"""A report for a bug: what `doctor` found, without what would tell who and where the person is."""

from __future__ import annotations

import getpass
import platform
import re
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

from routerterm import __version__
from routerterm.cli.doctor import Finding
from routerterm.core.redact import secret_redactor
from routerterm.core.sanitise import one_line

_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*)://[^\s,;)\"'`]+", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBERS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b", re.IGNORECASE)
_SHORTEST = 3
"""Characters of a name that is taken out wherever it stands; a shorter one would take other words along."""


def anonymous(text: str, names: Iterable[str]) -> str:
    """The text on one line without keys, addresses, the home folder and the given names."""
    text = secret_redactor(one_line(text))
    text = _ADDRESS.sub(r"\1://…", text)
    text = _MAIL.sub("…@…", text)
    text = text.replace(str(Path.home()), "~")
    for name in names:
        if len(name) >= _SHORTEST:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text)
    return _NUMBERS.sub(lambda found: found[0] if found[0].startswith("127.") else "…", text)


def own_names() -> list[str]:
    """What this person and this machine are called; ``root`` and the like tell nothing and stay."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a number without an entry in the system's list of users
        user = ""
    host = socket.gethostname()
    found = {user, host, host.partition(".")[0]} - {"root", "localhost", "routerterm", "admin", "pi", "user"}
    return sorted(found, key=len, reverse=True)


def opening() -> str:
    """The first lines of a report: program, Python and system."""
    return (
        f"routerterm {__version__}, Python {platform.python_version()} ({sys.implementation.name}), "
        f"{platform.system()} {platform.release()} on {platform.machine()}"
    )


def report_line(check: str, finding: Finding, names: Iterable[str]) -> str:
    """One finding as a line of a Markdown list."""
    sign = {"good": "ok", "note": "note", "bad": "**bad**"}[finding.level]
    return f"- {check}: {sign}: {anonymous(finding.what, names)}"
