"""Gets one wheel from the person's own package index with what this machine has: pip, uv, or another Python's pip.

No address is known here: the tools' own settings say where packages come from, and through which proxy.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from msgspec import Struct

from routerterm.core.errors import RoutertermError
from routerterm.core.redact import secret_redactor

_POLL = 0.1
"""Seconds between two looks at how much has come."""
_NO_NETWORK = re.compile(
    r"Max retries|NewConnectionError|NameResolution|ProxyError|ConnectTimeout|ReadTimeout|timed? out|"
    r"Connection refused|dns error|error sending request|tcp connect|Failed to fetch|"
    r"Network is unreachable|Temporary failure in name",
    re.IGNORECASE,
)
_NO_SPACE = re.compile(r"No space left|os error 28|Errno 28|disk full|Disk quota", re.IGNORECASE)
_ADDRESS = re.compile(r"\b\w+://\S+")


class Tool(Struct, frozen=True):
    """A program that can bring a wheel into a folder, packed (pip) or unpacked (uv)."""

    name: str
    command: Callable[[str, Path], list[str]]


def tools(environ: Mapping[str, str]) -> Iterator[Tool]:
    """What this machine has, best first."""
    if find_spec("pip") is not None:
        yield Tool("pip", lambda what, folder: _pip(sys.executable, what, folder))
    path = environ.get("PATH")
    if uv := shutil.which("uv", path=path):
        yield Tool("uv", lambda what, folder: _uv(uv, what, folder))
    for name in ("python3", "python"):
        python = shutil.which(name, path=path)
        if python and not os.path.samefile(python, sys.executable) and _has_pip(python, environ):
            yield Tool(f"pip of {python}", lambda what, folder, python=python: _pip(python, what, folder))  # type: ignore[misc]


def bring(what: str, folder: Path, *, size: int, progress: Callable[[int, int], None], stop: Event) -> None:
    """Bring the wheel ``what`` (``name==version``) into an empty folder.

    ``progress`` is told bytes so far and in all, as often as they change; setting ``stop`` ends it.
    Raises `RoutertermError`.
    """
    complaint: RoutertermError | None = None
    for tool in tools(os.environ):
        work = folder / "work"
        work.mkdir(exist_ok=True)
        code, said = _run(tool.command(what, folder), work, _Watch(folder, size, progress), stop)
        if stop.is_set():
            raise RoutertermError("Fetching was stopped.")
        if code == 0:
            return
        complaint = _understood(tool, what, said)
        if _NO_NETWORK.search(said) or _NO_SPACE.search(said):
            break  # another tool would meet the same
    raise complaint or RoutertermError(
        "Neither pip nor uv is installed, and one of them is needed to fetch it.",
        "Install one of them: `sudo apt install python3-venv` brings pip.",
    )


def _pip(python: str, what: str, folder: Path) -> list[str]:
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--no-deps"]
    return [*pip, "--no-cache-dir", "--only-binary", ":all:", "--progress-bar", "off", "--dest", str(folder), what]


def _uv(uv: str, what: str, folder: Path) -> list[str]:
    cache = str(folder / "work" / "cache")
    install = [
        uv,
        "pip",
        "install",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--cache-dir",
        cache,
        "--link-mode",
        "hardlink",
    ]
    return [*install, "--python", sys.executable, "--target", str(folder / "unpacked"), what]


def _has_pip(python: str, environ: Mapping[str, str]) -> bool:
    try:
        asked = subprocess.run(
            [python, "-m", "pip", "--version"],
            capture_output=True,
            timeout=30,
            env=secret_redactor.clean_environment(environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


class _Watch:
    """Tells how much has come by the size of the largest file under a folder."""

    def __init__(self, folder: Path, size: int, progress: Callable[[int, int], None]) -> None:
        self.folder = folder
        self.size = size
        self.progress = progress
        self.seen = -1

    def look(self) -> None:
        now = min(max(self._sizes(), default=0), self.size)
        if now > self.seen:
            self.seen = now
            self.progress(now, self.size)

    def _sizes(self) -> Iterator[int]:
        for place, _, names in os.walk(self.folder):
            for name in names:
                try:
                    yield os.stat(os.path.join(place, name)).st_size
                except FileNotFoundError:
                    continue  # a tool's own temporary file, gone since


def _run(command: list[str], work: Path, watch: _Watch, stop: Event) -> tuple[int, str]:
    """Run a tool to its end, or stop it with all that it started; its exit code and its complaints."""
    environ = secret_redactor.clean_environment(os.environ) | {
        "TMPDIR": str(work),
        "PIP_NO_INPUT": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    log = work / "complaints"
    with log.open("wb") as complaints:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=complaints,
                stderr=complaints,
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            return 1, str(error.strerror)
        try:
            while process.poll() is None and not stop.wait(_POLL):
                watch.look()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
    watch.look()
    return process.returncode, log.read_text("utf-8", "replace")


def _understood(tool: Tool, what: str, said: str) -> RoutertermError:
    if _NO_SPACE.search(said):
        return RoutertermError("The disk is full.", "Fetching needs about 300 MB for a moment and 100 MB permanently.")
    if _NO_NETWORK.search(said):
        return RoutertermError(
            f"{what.partition('==')[0]} cannot be fetched: the package index does not answer.",
            "Check the network and try again: `routerterm local fetch`.",
        )
    lines = [line.strip() for line in said.splitlines() if line.strip() and "[notice]" not in line]
    errors = [line for line in lines if line.lower().startswith(("error", "×", "fatal"))] or lines[-1:]
    # an index's address may hold a password
    last = "".join(c for c in _ADDRESS.sub("…", errors[-1] if errors else "no word") if c.isprintable())
    return RoutertermError(f"{what.partition('==')[0]} cannot be fetched: {tool.name} said: {last}")
