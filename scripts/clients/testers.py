"""Compatibility testers of other people, from PyPI, against a gateway: how many of their checks hold."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

PACKAGES = ("llm-comply", "apiwells", "poolprobe")
FORMATS = {
    "responses": ("open-responses", "/v1"),
    "chat": ("openai-chat", "/v1"),
    "messages": ("anthropic", "/v1"),
    "gemini": ("google-genai", "/v1beta"),
}
"""Each format of llm-comply, with the base of its addresses."""
WAIT = 200.0
"""Seconds for one tester."""


async def tried_testers(programs: Path, url: str, key: str, model: str) -> dict[str, tuple[bool, str]]:
    """How each went; every check of what is served here must hold."""
    found: dict[str, tuple[bool, str]] = {}
    for name, (kind, base) in FORMATS.items():
        words = ["llm-comply", "-u", url + base, "-k", key, "-m", model, "--format", kind, "--json"]
        found[name] = _comply(await _said(programs, words))
    words = ["apiwells", "doctor", "--base-url", f"{url}/v1", "--deep", "--model", model, "--api-key-env", "RT_KEY"]
    told = await _said(programs, words, key)
    wrong = [line for line in told.splitlines() if "FAIL" in line]
    found["apiwells"] = ("Chat Completions" in told and not wrong, "; ".join(wrong) or told[-200:])
    told = await _said(programs, ["poolprobe", "sweep", "-u", f"{url}/v1", "-k", key, "--attempts", "1", model])
    found["poolprobe"] = ("1 alive" in told, told[-200:])
    return found


def _comply(told: str) -> tuple[bool, str]:
    """Whether no check failed, of some that passed."""
    try:
        report = json.loads(told[told.index("{") :])
    except ValueError:
        return False, told[-200:]
    wrong = [f"{row['name']}: {row['errors'][:2]}" for row in report["results"] if row["status"] == "failed"]
    return report["summary"]["passed"] > 0 and not wrong, "; ".join(wrong)[:400]


async def _said(programs: Path, words: list[str], key: str = "") -> str:
    """All that a program printed."""
    process = await asyncio.create_subprocess_exec(
        str(programs / words[0]), *words[1:], env={"RT_KEY": key, "PATH": str(programs), "HOME": str(programs)},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), WAIT)
    except TimeoutError:
        process.kill()
        return f"not done in {WAIT:.0f} s"
    return out.decode(errors="replace")
