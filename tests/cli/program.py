"""The program as a person or a script runs it: a process with its own streams."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = [sys.executable, "-m", "routerterm"]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run left."""

    code: int
    out: str
    err: str


def routerterm(
    *arguments: str | Path,
    stdin: str | None = None,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    wrapper: tuple[str, ...] = (),
    timeout: float = 90,
) -> Ran:
    """Run it to its end; ``stdin`` None is a closed one.  No run may ever show a traceback."""
    result = subprocess.run(
        [*wrapper, *PROGRAM, *map(str, arguments)],
        input=stdin.encode() if stdin is not None else None,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=os.environ | (env or {}),
        cwd=cwd,
        timeout=timeout,
    )
    ran = Ran(result.returncode, result.stdout.decode(), result.stderr.decode())
    assert "Traceback" not in ran.err + ran.out, ran.err
    assert "routerterm crashed" not in ran.err, ran.err
    return ran
