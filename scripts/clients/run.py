"""Runs the clients that people use against a gateway, over a provider in each of the five protocols: a table.

    python scripts/clients/run.py --folder FOLDER [--client NAME]... [--upstream PROTOCOL]... [--document openapi.json]
        [--suite CHECKOUT]

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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from browser import Pages, chromium, tried_browser  # noqa: E402 - beside this file
from coding_agents import AGENTS, PACKAGES, Place, tried_agent  # noqa: E402
from open_responses import NEEDS, copied, tried_suite  # noqa: E402
from provider import PROTOCOLS, serve  # noqa: E402
from testers import PACKAGES as TESTER_PACKAGES  # noqa: E402
from testers import tried_testers  # noqa: E402

SDKS = (
    ("openai chat", "openai"),
    ("openai responses", "openai[realtime]"),
    ("anthropic", "anthropic"),
    ("google-genai", "google-genai"),
    ("ollama", "ollama"),
)
FRAMEWORKS = (
    ("pydantic-ai", "pydantic-ai-slim[openai,anthropic,google]"),
    ("litellm", "litellm"),
    ("langchain", "langchain-openai"),
    ("langchain-anthropic", "langchain-anthropic"),
    ("instructor", "instructor"),
    ("openai-agents", "openai-agents"),
    ("llm", "llm"),
    ("llm-ollama", "llm-ollama"),
)
PYTHON = (*SDKS, *FRAMEWORKS)
JAVASCRIPT = (
    ("openai (js)", "openai"),
    ("anthropic (js)", "@anthropic-ai/sdk"),
    ("ai-sdk chat", "ai @ai-sdk/openai"),
    ("ai-sdk responses", "ai @ai-sdk/openai"),
    ("ai-sdk anthropic", "ai @ai-sdk/anthropic"),
)
MODEL = "up/claude-sonnet-4-5"
BROWSER = "openai (browser)"
TESTERS = "testers"
SUITE = "suite"
PROGRAMS = "programs"
"""The folder of whole programs from npm: they ask for other versions of the libraries that are tried by themselves."""
PARTS = ("text", "stream", "tools", "json", "error", "cors", "socket")
INSTALLED = "installed.txt"
"""What an installation holds, written when it is whole."""
INSTALL_WAIT = 900.0
"""Seconds for pip, and for npm."""
LONGEST = 300.0
"""Seconds for all parts of one client."""


@dataclass
class Gateway:
    """One that runs, and its own key."""

    process: subprocess.Popen[bytes]
    url: str
    key: str


def install(folder: Path, names: list[str]) -> None:
    """What these clients need, once: what is there is noted only when it is whole, else it is made again."""
    if wanted := sorted({package for name, package in PYTHON if name in names}):
        _python(folder / "py", wanted)
    if TESTERS in names:
        _python(folder / "testers", [*TESTER_PACKAGES])
    if "aider" in names:  # it pins most of what it needs
        _python(folder / "aider", ["aider-chat"])
    if wanted := sorted({word for name, words in JAVASCRIPT if name in names for word in words.split()} | {"openai"}):
        _node(folder / "node", wanted)
    if SUITE in names:
        _node(folder / SUITE, [*NEEDS])
    programs = [package for package in PACKAGES if set(names) & AGENTS.keys() - {"aider"}]
    node = folder / PROGRAMS
    if programs and _node(node, programs):  # npm runs no script of a package
        _run(["node", "install.cjs"], node / "node_modules" / "@anthropic-ai" / "claude-code")


def _node(folder: Path, packages: list[str]) -> bool:
    """A folder with these packages of npm; whether they had to be installed."""
    if not _lacks(folder, packages):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    _run(["npm", "install", "--no-audit", "--no-fund", *packages], folder)
    _note(folder, packages)
    return True


def _python(folder: Path, packages: list[str]) -> None:
    """An environment with these packages.  uv finds versions that fit in seconds, where pip takes minutes."""
    if _lacks(folder, packages):
        venv.create(folder, with_pip=True, clear=True)
        _run([str(folder / "bin" / "pip"), "install", "-q", "uv"], folder)
        python = str(folder / "bin" / "python")
        _run([str(folder / "bin" / "uv"), "pip", "install", "-q", "--python", python, *packages], folder)
        _note(folder, packages)


def _lacks(folder: Path, packages: list[str]) -> bool:
    noted = folder / INSTALLED
    return not noted.exists() or not set(packages) <= set(noted.read_text(encoding="utf-8").split())


def _note(folder: Path, packages: list[str]) -> None:
    (folder / INSTALLED).write_text("\n".join(packages), encoding="utf-8")


def _run(words: list[str], folder: Path) -> None:
    try:
        subprocess.run(words, cwd=folder, check=True, timeout=INSTALL_WAIT)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{words[0]} could not install the clients: {error}") from None


def start(home: Path, provider: int, protocol: str, origin: str) -> Gateway:
    """A gateway whose one provider speaks this protocol; ``origin`` is that of pages which it lets in."""
    base = f"http://127.0.0.1:{provider}" + {"gemini": "/v1beta", "ollama-chat": ""}.get(protocol, "/v1")
    known = "context = 100000\nvision = true\ntools = true\n"
    settings = f'[providers.up]\nprotocol = "{protocol}"\nbase_url = "{base}"\nneeds_key = false\n'
    settings += "".join(f'[models."up/{name}"]\n{known}' for name in ("claude-sonnet-4-5", "broken"))
    settings += f'[gateway]\norigins = ["{origin}"]\n'
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


async def tried(folder: Path, client: str, gateway: Gateway, pages: list[Pages]) -> dict[str, tuple[bool, str]]:
    """How each part went."""
    if client == BROWSER:
        return await tried_browser(pages[0], pages[1], gateway.url, gateway.key, MODEL)
    if client == TESTERS:
        return await tried_testers(folder / "testers" / "bin", gateway.url, gateway.key, MODEL)
    if client == SUITE:
        return await asyncio.to_thread(tried_suite, folder / SUITE, gateway.url, gateway.key, MODEL)
    if client in AGENTS:
        place = Place(gateway.url, gateway.key, folder / PROGRAMS, folder / "py")
        return await tried_agent(client, place, MODEL)
    if client in dict(PYTHON):
        script = HERE / ("sdk_clients.py" if client in dict(SDKS) else "framework_clients.py")
        words = [str(folder / "py" / "bin" / "python"), str(script)]
    else:  # node looks for packages beside the script
        script = HERE / "javascript_clients.mjs"
        copy = folder / "node" / script.name
        copy.write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
        words = ["node", str(copy)]
    process = await asyncio.create_subprocess_exec(
        *words, client, gateway.url, gateway.key, MODEL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, errors = await asyncio.wait_for(process.communicate(), LONGEST)
    except TimeoutError:
        process.kill()
        return {"text": (False, f"not done in {LONGEST:.0f} s")}
    rows = [line for line in out.decode().splitlines() if line.startswith('{"part"')]  # libraries print, too
    found = {row["part"]: (row["ok"], row["why"]) for row in map(json.loads, rows)}
    return found or {"text": (False, errors.decode()[-300:])}


async def main() -> int:
    """The table; 1 where anything falls short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--client", action="append")
    parser.add_argument("--upstream", action="append", choices=PROTOCOLS)
    parser.add_argument("--document", type=Path, help="OpenAI's published openapi.json: every answer must be valid")
    parser.add_argument("--suite", type=Path, help="a checkout of openresponses: its compliance suite must hold")
    options = parser.parse_args()
    folder = options.folder.resolve()
    clients = options.client or [*(name for name, _ in (*PYTHON, *JAVASCRIPT)), BROWSER, *AGENTS, TESTERS]
    if options.suite is not None:
        clients.append(SUITE)
        copied(options.suite, folder / SUITE)
    install(folder, clients)
    if BROWSER in clients and chromium() is None:
        print(f"{BROWSER} is left out: there is no Chromium here.")
        clients.remove(BROWSER)
    pages = [Pages(folder / "node"), Pages(folder / "node")]  # an origin that is let in, and another
    provider = await serve()
    port = provider.sockets[0].getsockname()[1]
    print(f"{'client':<18} {'upstream':<20} " + " ".join(f"{part:<7}" for part in PARTS))
    short = 0
    for protocol in options.upstream or PROTOCOLS:
        with tempfile.TemporaryDirectory() as home:
            gateway = await asyncio.to_thread(start, Path(home), port, protocol, pages[0].origin)
            try:
                for client in clients:
                    found = await tried(folder, client, gateway, pages)
                    if client in (TESTERS, SUITE):
                        held = sum(went for went, _ in found.values())
                        print(f"{client:<18} {protocol:<20} {held} of {len(found)} hold", flush=True)
                        short += _told(found)
                        continue
                    marks = ["-" if part not in found else "ok" if found[part][0] else "FAILS" for part in PARTS]
                    print(f"{client:<18} {protocol:<20} " + " ".join(f"{mark:<7}" for mark in marks), flush=True)
                    short += _told(found)
                if options.document is not None:
                    short += await asyncio.to_thread(_by_document, options.document, gateway, protocol)
            finally:
                gateway.process.terminate()
                await asyncio.to_thread(gateway.process.wait)
    provider.close()
    print("All hold." if not short else f"{short} fall short.")
    return 1 if short else 0


def _told(found: Mapping[str, tuple[bool, str]]) -> int:
    """How many parts fell short, each printed with its reason."""
    wrong = {part: why for part, (went, why) in found.items() if not went}
    for part, why in wrong.items():
        print(f"    {part}: {why}", flush=True)
    return len(wrong)


def _by_document(document: Path, gateway: Gateway, protocol: str) -> int:
    """How many answers are not valid."""
    from document import checked

    found = checked(document, gateway.url, gateway.key, MODEL)
    print(f"{'OpenAI document':<18} {protocol:<20} {found.valid} valid, {len(found.wrong)} not", flush=True)
    for words in found.wrong:
        print(f"    {words}", flush=True)
    return len(found.wrong)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
