"""The compliance suite of the Open Responses specification against a gateway, from a checkout of its repository.

The suite (`bin/compliance-test.ts` of github.com/openresponses/openresponses) is copied beside what it needs from npm.
Node before 22 knows WebSockets only when it is asked to.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

NEEDS = ("tsx", "zod@3")
WAIT = 300.0
"""Seconds for all of its tests."""
_PARTS = ("bin", "src/lib", "src/generated")


def copied(checkout: Path, folder: Path) -> None:
    """The suite beside its packages."""
    for part in _PARTS:
        shutil.copytree(checkout / part, folder / part, dirs_exist_ok=True)


def tried_suite(folder: Path, url: str, key: str, model: str) -> dict[str, tuple[bool, str]]:
    """How each of its tests went."""
    words = ["node_modules/.bin/tsx", "bin/compliance-test.ts", "-u", f"{url}/v1", "-m", model, "--json"]
    environ = os.environ | {"OPENRESPONSES_API_KEY": key}
    if int(subprocess.check_output(["node", "--version"]).decode().lstrip("v").split(".")[0]) < 22:
        environ["NODE_OPTIONS"] = "--experimental-websocket"
    try:
        ran = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=WAIT)
        report = json.loads(ran.stdout[ran.stdout.index("{") :])
    except (subprocess.TimeoutExpired, ValueError) as error:
        return {"suite": (False, f"no report: {error}")}
    return {row["id"]: (row["status"] == "passed", "; ".join(row.get("errors") or ())) for row in report["results"]}
