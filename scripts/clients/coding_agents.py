"""Coding agents and other programs against a gateway: what each is told, and whether it did what it was asked."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from provider import MADE

WAIT = 150.0
"""Seconds for one run of a program: several start slowly."""
TASK = "Make the file"


@dataclass(frozen=True)
class Call:
    """One run: its words, its variables, and files of its home (``home/…``) and its folder (``work/…``)."""

    words: list[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """The gateway, and where the programs are installed."""

    url: str
    key: str
    node: Path
    python: Path

    def program(self, name: str) -> str:
        """One from npm."""
        return str(self.node / "node_modules" / ".bin" / name)


def codex(place: Place, model: str) -> Call:
    """OpenAI's agent, over Responses."""
    settings = (
        f'model = "{model}"\nmodel_provider = "rt"\n[model_providers.rt]\nname = "rt"\n'
        f'base_url = "{place.url}/v1"\nenv_key = "RT_KEY"\nwire_api = "responses"\n'
    )
    words = ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK]
    return Call([place.program("codex"), *words], {"RT_KEY": place.key}, {"home/.codex/config.toml": settings})


def codex_socket(place: Place, model: str) -> Call:
    """The same over one WebSocket, which it warms up before it asks."""
    call = codex(place, model)
    name = "home/.codex/config.toml"
    return replace(call, files={name: call.files[name] + "supports_websockets = true\n"})


def claude_code(place: Place, model: str) -> Call:
    """Anthropic's agent, over Messages."""
    names = ("ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL")
    environ = dict.fromkeys(names, model) | {
        "ANTHROPIC_BASE_URL": place.url,
        "ANTHROPIC_AUTH_TOKEN": place.key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "IS_SANDBOX": "1",
    }
    return Call([place.program("claude"), "-p", TASK, "--dangerously-skip-permissions"], environ)


def opencode(place: Place, model: str) -> Call:
    """opencode, over Chat Completions."""
    options = {"baseURL": f"{place.url}/v1", "apiKey": place.key}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {model: {"name": "x"}}}
    settings = {"provider": {"rt": provider}, "permission": {"*": "allow"}, "autoupdate": False}
    words = [place.program("opencode"), "run", "-m", f"rt/{model}", TASK]
    return Call(words, {}, {"work/opencode.json": json.dumps(settings)})


def qwen_code(place: Place, model: str) -> Call:
    """qwen-code, over Chat Completions."""
    environ = {"OPENAI_API_KEY": place.key, "OPENAI_BASE_URL": f"{place.url}/v1", "OPENAI_MODEL": model}
    return Call([place.program("qwen"), "--auth-type", "openai", "--yolo", "-p", TASK], environ)


def gemini_cli(place: Place, model: str) -> Call:
    """Google's agent, over Gemini's API."""
    environ = {"GEMINI_API_KEY": place.key, "GOOGLE_GEMINI_BASE_URL": place.url, "GEMINI_CLI_TRUST_WORKSPACE": "true"}
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}
    words = [place.program("gemini"), "--yolo", "-m", model, "-p", TASK]
    return Call(words, environ, {"home/.gemini/settings.json": json.dumps(settings)})


def continue_cli(place: Place, model: str) -> Call:
    """Continue's agent for the command line, over Chat Completions: it asks as the extensions do."""
    one = {"name": "smart", "provider": "openai", "model": model, "apiBase": f"{place.url}/v1", "apiKey": place.key}
    one |= {"roles": ["chat", "edit", "apply"], "capabilities": ["tool_use"]}
    settings = {"name": "rt", "version": "1.0.0", "schema": "v1", "models": [one]}  # JSON is YAML
    words = [place.program("cn"), "--config", "config.yaml", "-p", "--auto", TASK]
    environ = {"CONTINUE_TELEMETRY_ENABLED": "0"}
    return Call(words, environ, {"work/config.yaml": json.dumps(settings)})


def cline(place: Place, model: str) -> Call:
    """Cline's agent for the command line, over Chat Completions: the extension has the same core."""
    sign_in = ["auth", "-p", "openai", "-k", place.key, "-m", model, "-b", f"{place.url}/v1"]
    task = ["-P", "openai", "-m", model, "--retries", "1", TASK]
    script = " && ".join(shlex.join([place.program("cline"), *words]) for words in (sign_in, task))
    return Call(["sh", "-c", script], {"CLINE_TELEMETRY_DISABLED": "1"})


def aider(place: Place, model: str) -> Call:
    """aider, over Chat Completions by litellm; it calls no tools."""
    words = [str(place.python.with_name("aider") / "bin" / "aider"), "--model", f"openai/{model}"]
    words += ["--openai-api-base", f"{place.url}/v1", "--openai-api-key", place.key, "--yes-always", "--no-git"]
    words += ["--no-show-model-warnings", "--no-check-update", "--analytics-disable", "--no-pretty", "--message", "Hi"]
    return Call(words)


AGENTS: Mapping[str, Callable[[Place, str], Call]] = {
    "codex": codex,
    "codex (socket)": codex_socket,
    "claude-code": claude_code,
    "opencode": opencode,
    "qwen-code": qwen_code,
    "gemini-cli": gemini_cli,
    "continue": continue_cli,
    "cline": cline,
    "aider": aider,
}
PACKAGES = (
    "@openai/codex",
    "@anthropic-ai/claude-code",
    "opencode-ai",
    "@qwen-code/qwen-code",
    "@google/gemini-cli",
    "@continuedev/cli",
    "cline",
)


async def tried_agent(name: str, place: Place, model: str) -> dict[str, tuple[bool, str]]:
    """A task done with a tool in two steps, or a plain answer; and whether an error is told as one."""
    told, made = await _run(AGENTS[name](place, model))
    broken, _ = await _run(AGENTS[name](place, model.partition("/")[0] + "/broken"))
    error = {"error": ("temperature must be below 2" in broken, broken[-300:])}
    if name == "aider":
        return {"text": ("Hello" in told, told[-300:])} | error
    done = made == MADE and MADE in told and "The results are" in told
    return {"tools": (done, told[-300:])} | error


async def _run(call: Call) -> tuple[str, str]:
    """All that it printed, and what is in the file that it was asked to make."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        work = base / "work"
        for path, text in {"home/.keep": "", "work/.keep": "", **call.files}.items():
            (base / path).parent.mkdir(parents=True, exist_ok=True)
            (base / path).write_text(text, encoding="utf-8")
        await asyncio.to_thread(subprocess.run, ["git", "init", "-q", str(work)], check=True)
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
        environ = kept | {"HOME": str(base / "home"), "TERM": "xterm-256color"} | dict(call.environ)
        process = await asyncio.create_subprocess_exec(
            *call.words, cwd=work, env=environ, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(process.communicate(), WAIT)
        except TimeoutError:
            process.kill()
            return f"not done in {WAIT:.0f} s", ""
        made = work / "made.txt"
        return out.decode(errors="replace"), made.read_text(encoding="utf-8") if made.exists() else ""
