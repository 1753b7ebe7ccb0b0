"""What every test gets: a home of its own, no network beyond this machine, and a clear word where a part is missing."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from routerterm.config.paths import HOME_VARIABLE, MODEL_VARIABLE, Paths
from routerterm.router.transports.demo import DemoTransport
from tests.shared.servers import initdb, redis_program

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("ROUTERTERM_CORPUS") or ROOT.parent / "shared" / "corpus")
MODELS = Paths.find().models
"""Where the real weights lie, found before any test hides the real home."""
NPM_SERVERS = ROOT / "build" / "mcp-servers"
"""Where `make npm-servers` puts the MCP servers from npm."""
MUST_RUN = set(filter(None, os.environ.get("ROUTERTERM_MUST_RUN", "").split(",")))
"""Markers whose tests may not be skipped for want of a part: set where all parts are known to be there."""
SOON = 0.02
"""Seconds: a frame of the interface and a little more."""
HIDDEN = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PROXY_URL", "AI_PROXY_URL"}
HIDDEN |= {"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "TMUX"}
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # what was started in the background by a script ignores it, and would hand that on to every program under test
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis_settings.register_profile("routerterm", deadline=None)
hypothesis_settings.load_profile("routerterm")


def _lacks_weights() -> str | None:
    if find_spec("xllamacpp") is None:
        return "xllamacpp is not installed (extra `local`)"
    if not any(MODELS.glob("*.gguf")):
        return f"no weights in {MODELS} (`routerterm local fetch`)"
    return None


def _lacks_secret_service() -> str | None:
    if "DBUS_SESSION_BUS_ADDRESS" not in os.environ:
        return "no D-Bus session (`make test` starts one where dbus-run-session and gnome-keyring are installed)"
    return None


def _lacks_sdks() -> str | None:
    missing = [name for name in ("openai", "anthropic", "ollama", "mistralai") if find_spec(name) is None]
    return f"not installed: {', '.join(missing)} (dependency group `test`)" if missing else None


def _lacks_tmux() -> str | None:
    return None if shutil.which("tmux") else "tmux is not installed"


def _lacks_corpus() -> str | None:
    return None if CORPUS.is_dir() else f"no recorded traffic in {CORPUS} (set ROUTERTERM_CORPUS)"


def _lacks_postgresql() -> str | None:
    if find_spec("psycopg") is None:
        return "psycopg is not installed (extra `postgresql`)"
    return None if initdb() else "PostgreSQL is not installed"


def _lacks_redis() -> str | None:
    if find_spec("redis") is None:
        return "redis is not installed (extra `redis`)"
    return None if redis_program() else "redis-server is not installed"


def _lacks_npm_servers() -> str | None:
    if shutil.which("node") is None:
        return "node is not installed"
    return (
        None if (NPM_SERVERS / "fetched").is_file() else "the MCP servers from npm are not fetched (`make npm-servers`)"
    )


NEEDS: dict[str, Callable[[], str | None]] = {
    "real": _lacks_weights,
    "secretservice": _lacks_secret_service,
    "sdk": _lacks_sdks,
    "tmux": _lacks_tmux,
    "corpus": _lacks_corpus,
    "postgresql": _lacks_postgresql,
    "redis": _lacks_redis,
    "npm": _lacks_npm_servers,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, unless it is said that it must."""
    reasons = {marker: lacks() for marker, lacks in NEEDS.items()}
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                if marker in MUST_RUN:
                    raise pytest.UsageError(f"{marker} tests must run here, but: {reason}")
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    """Eight thousand tests and the SDKs they import stay to the end: no sweep for garbage looks at them again."""
    gc.disable()
    try:
        _read_ahead(session.config)
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _read_ahead(config: pytest.Config) -> None:
    """Workers begin to read all tests at different places: what one has rewritten for pytest, the others only load."""
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args != config.getini("testpaths"):
        return
    files = sorted(ROOT.glob("tests/**/test_*.py"))
    first = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for file in files[first:] + files[:first]:
        with suppress(Exception, pytest.skip.Exception):  # it is told in its place, where the tests are collected
            import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The test's own ROUTERTERM_HOME (not made yet), in an environment without keys and proxies."""
    home = tmp_path / "home"
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_API_TOKEN")) or name in HIDDEN or name.lower() in PROXIES:
            monkeypatch.delenv(name)
    if request.node.get_closest_marker("secretservice") is None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "disabled:")
    if request.node.get_closest_marker("real"):
        monkeypatch.setenv(MODEL_VARIABLE, str(MODELS))
    else:
        monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    return home


async def _settled(min_sleep: float = SOON, max_sleep: float = 0.2) -> None:
    """Until the event loop has nothing to do now or within the next frame, or for ``max_sleep`` seconds."""
    loop: Any = asyncio.get_running_loop()
    limit = loop.time() + max_sleep
    while (now := loop.time()) < limit:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        due = [handle.when() for handle in loop._scheduled if not handle.cancelled() and handle.when() < now + SOON]
        if not due:
            return
        await asyncio.sleep(max(0.0, max(due) - now))


@pytest.fixture(autouse=True)
def settled_means_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual waits for 20 ms in which the process used under 1: a second for each key while an answer streams."""
    for name in ("textual.app", "textual.pilot"):
        if name in sys.modules:
            monkeypatch.setattr(sys.modules[name], "wait_for_idle", _settled)


@pytest.fixture(autouse=True)
def brisk_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demonstration answers as it does for people, only faster."""
    monkeypatch.setattr(DemoTransport.__init__, "__defaults__", (0.3,))


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that look at what a fresh Python has loaded: `make coverage` loads parts of its own into each."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture
def paths(home: Path) -> Paths:
    """The test's own places."""
    return Paths.find()


@pytest.fixture
def corpus() -> Path:
    """The recorded provider traffic; for tests marked `corpus`."""
    return CORPUS


@pytest.fixture
def offline() -> bool:
    """For tests that mean to ask for the network: every name and address is unreachable, and that is no mistake."""
    return True


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Only this machine can be reached; a test that tried anything else fails, even if it did not notice."""
    tried: list[str] = []
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _is_here(self, address):
            tried.append(str(address))
            raise OSError(errno.ENETUNREACH, "the tests' network ends here")
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if not _is_here(self, address):
            tried.append(str(address))
            return errno.ENETUNREACH
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_loopback(host):
            tried.append(str(host))
            raise socket.gaierror(socket.EAI_NONAME, "the tests' network ends here")
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
    yield
    if tried and "offline" not in request.fixturenames:
        pytest.fail(f"the test asked for the network: {', '.join(tried)}")


def _is_here(sock: socket.socket, address: Any) -> bool:
    return sock.family not in (socket.AF_INET, socket.AF_INET6) or _is_loopback(address[0])


def _is_loopback(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ip_address(name).is_loopback or ip_address(name).is_unspecified
    except ValueError:
        return False
