"""Runs the clients that people use against a gateway, over a provider in each of the five protocols: a table.

    python scripts/clients/run.py --folder FOLDER [--client NAME]... [--upstream PROTOCOL]...

FOLDER keeps what is installed (npm and PyPI are asked the first time).  Ends with 1 where any part falls short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from provider import PROTOCOLS, serve  # noqa: E402 - beside this file

PYTHON = (
    ("openai chat", "openai"),
    ("openai responses", "openai"),
    ("anthropic", "anthropic"),
    ("google-genai", "google-genai"),
    ("ollama", "ollama"),
    ("pydantic-ai", "pydantic-ai-slim[openai,anthropic,google]"),
    ("litellm", "litellm"),
    ("langchain", "langchain-openai"),
)
JAVASCRIPT = (
    ("openai (js)", "openai"),
    ("anthropic (js)", "@anthropic-ai/sdk"),
    ("ai-sdk chat", "ai @ai-sdk/openai"),
    ("ai-sdk responses", "ai @ai-sdk/openai"),
    ("ai-sdk anthropic", "ai @ai-sdk/anthropic"),
)
PARTS = ("text", "stream", "tools", "json", "error")
INSTALLED = "installed.txt"
"""What an installation holds, written when it is whole."""
INSTALL_WAIT = 900.0
"""Seconds for pip, and for npm."""
LONGEST = 120.0
"""Seconds for all parts of one client."""


@dataclass
class Gateway:
    """One that runs, and its own key."""

    process: subprocess.Popen[bytes]
    url: str
    key: str


def install(folder: Path) -> None:
    """Everything, once: what is there is noted only when it is whole, so that a broken installation is made again."""
    python, node = folder / "py", folder / "node"
    packages = sorted({package for _, package in PYTHON})
    if _lacks(python, packages):
        venv.create(python, with_pip=True, clear=True)
        _run([str(python / "bin" / "pip"), "install", "-q", *packages], python)
        _note(python, packages)
    packages = sorted({word for _, words in JAVASCRIPT for word in words.split()})
    if _lacks(node, packages):
        node.mkdir(parents=True, exist_ok=True)
        (node / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        _run(["npm", "install", "--no-audit", "--no-fund", *packages], node)
        _note(node, packages)


def _lacks(folder: Path, packages: list[str]) -> bool:
    noted = folder / INSTALLED
    return not noted.exists() or noted.read_text(encoding="utf-8").split() != packages


def _note(folder: Path, packages: list[str]) -> None:
    (folder / INSTALLED).write_text("\n".join(packages), encoding="utf-8")


def _run(words: list[str], folder: Path) -> None:
    try:
        subprocess.run(words, cwd=folder, check=True, timeout=INSTALL_WAIT)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{words[0]} could not install the clients: {error}") from None


def start(home: Path, provider: int, protocol: str) -> Gateway:
    """A gateway whose one provider speaks this protocol."""
    base = f"http://127.0.0.1:{provider}" + {"gemini": "/v1beta", "ollama-chat": ""}.get(protocol, "/v1")
    known = "context = 100000\nvision = true\ntools = true\n"
    settings = f'[providers.up]\nprotocol = "{protocol}"\nbase_url = "{base}"\nneeds_key = false\n'
    settings += "".join(f'[models."up/{name}"]\n{known}' for name in ("claude-sonnet-4-5", "broken"))
    (home / "config.toml").write_text(settings, encoding="utf-8")
    environ = os.environ | {"ROUTERTERM_HOME": str(home)}
    program = Path(sys.executable).with_name("routerterm")
    words = [program, "serve", "--port", "0"]
    process = subprocess.Popen(words, env=environ, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = ""
    while "serves at" not in said:  # notes about the settings may come first
        line = process.stderr.readline().decode()
        if not line:
            raise SystemExit(f"The gateway did not start: {said}")
        said += line
    url = next(word for word in said.split() if word.startswith("http://127.0.0.1"))
    key = (home / "gateway.key").read_text(encoding="utf-8").strip()
    return Gateway(process, url, key)


async def tried(folder: Path, client: str, gateway: Gateway) -> dict[str, tuple[bool, str]]:
    """How each part went."""
    names = [name for name, _ in PYTHON]
    script = HERE / ("python_clients.py" if client in names else "javascript_clients.mjs")
    if client in names:
        words = [str(folder / "py" / "bin" / "python"), str(script)]
    else:  # node looks for packages beside the script
        copy = folder / "node" / script.name
        copy.write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
        words = ["node", str(copy)]
    process = await asyncio.create_subprocess_exec(
        *words, client, gateway.url, gateway.key, "up/claude-sonnet-4-5",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, errors = await asyncio.wait_for(process.communicate(), LONGEST)
    except TimeoutError:
        process.kill()
        return {"text": (False, f"not done in {LONGEST:.0f} s")}
    found = {row["part"]: (row["ok"], row["why"]) for row in map(json.loads, out.decode().splitlines())}
    return found or {"text": (False, errors.decode()[-300:])}


async def main() -> int:
    """The table; 1 where anything falls short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--client", action="append")
    parser.add_argument("--upstream", action="append", choices=PROTOCOLS)
    options = parser.parse_args()
    install(options.folder)
    clients = options.client or [name for name, _ in (*PYTHON, *JAVASCRIPT)]
    provider = await serve()
    port = provider.sockets[0].getsockname()[1]
    print(f"{'client':<18} {'upstream':<20} " + " ".join(f"{part:<7}" for part in PARTS))
    short = 0
    for protocol in options.upstream or PROTOCOLS:
        with tempfile.TemporaryDirectory() as home:
            gateway = await asyncio.to_thread(start, Path(home), port, protocol)
            try:
                for client in clients:
                    found = await tried(options.folder, client, gateway)
                    marks = ["-" if part not in found else "ok" if found[part][0] else "FAILS" for part in PARTS]
                    print(f"{client:<18} {protocol:<20} " + " ".join(f"{mark:<7}" for mark in marks), flush=True)
                    for part, (went, why) in found.items():
                        if not went:
                            short += 1
                            print(f"    {part}: {why}", flush=True)
            finally:
                gateway.process.terminate()
                await asyncio.to_thread(gateway.process.wait)
    provider.close()
    print("All hold." if not short else f"{short} fall short.")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
