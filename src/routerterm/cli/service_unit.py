"""The gateway as a service of the person's own systemd: started with the session, again after a crash."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from routerterm.config.paths import HOME_VARIABLE, MODEL_VARIABLE
from routerterm.config.write import write_whole

NAME = "routerterm.service"
_UNIT = """\
# Written by `routerterm serve --install-service`; it is written again by the same command.
[Unit]
Description=routerterm gateway
Documentation=man:routerterm(1)
After=network-online.target

[Service]
ExecStart={command}
Restart=on-failure
RestartSec=5
TimeoutStopSec=20
{environment}\
# What it does not need.
NoNewPrivileges=yes
ProtectSystem=full
PrivateTmp=yes
RestrictSUIDSGID=yes
LockPersonality=yes

[Install]
WantedBy=default.target
"""


def unit_text(command: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """The unit's file.  Where the home is set by a variable it is named; a secret of the environment never is."""
    kept = [
        f"Environment={_quoted(f'{name}={environ[name]}')}\n"
        for name in (HOME_VARIABLE, MODEL_VARIABLE)
        if environ.get(name)
    ]
    return _UNIT.format(command=" ".join(map(_quoted, command)), environment="".join(kept))


def install(host: str | None, port: int | None, environ: Mapping[str, str] | None = None) -> Path:
    """Write the unit where systemd looks for it.  Raises `StoreError` where it cannot be written."""
    environ = os.environ if environ is None else environ
    program = shutil.which("routerterm") or str(Path(sys.argv[0]).absolute())
    options = (*(("--host", host) if host else ()), *(("--port", str(port)) if port is not None else ()))
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    place = Path(base) / "systemd" / "user" / NAME
    write_whole(place, unit_text((program, "serve", *options), environ))
    return place


def _quoted(word: str) -> str:
    """A word for systemd: its own escapes, and no specifier."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if not word or any(letter in " \t\"'\\;" for letter in word) else escaped
