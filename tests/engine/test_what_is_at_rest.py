"""What a program that waits for its person has not loaded: lists that nothing asks, a client that nothing needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from routerterm.catalog.rows import builtin_listing
from routerterm.config.paths import Paths
from routerterm.wiring import open_services
from routerterm.wiring.model_lists import answerable, count_ready

QUIETLY = """
import asyncio, sys
from msgspec.structs import replace
from routerterm.catalog import Catalog
from routerterm.engine.discovery.local_servers import local_servers
from routerterm.router.transports.http import HttpTransport
info = replace(Catalog.builtin().provider("ollama"), base_url="http://127.0.0.1:1/v1")
print(asyncio.run(local_servers([info], lambda name: HttpTransport(), "2026-01-01")), "httpx" in sys.modules)
"""


async def test_models_that_are_ready_are_counted_without_the_others_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"ROUTERTERM_HOME": str(tmp_path), "GROQ_API_KEY": "gsk_" + "a" * 40}
    services = await open_services(Paths.find(environ), environ, loading="never")
    try:
        read: list[str] = []
        shipped = services.catalog._shipped
        monkeypatch.setattr(services.catalog, "_shipped", lambda name: read.append(name) or shipped(name))
        count = count_ready(services)
        assert "groq" in services.with_key
        assert "groq" in read
        assert "openrouter" not in read
        ready = services.with_key | {info.name for info in services.catalog.providers() if not info.needs_key}
        known = answerable(services)
        assert count == sum(model.provider in ready for model in known) > len(builtin_listing("groq").models)
    finally:
        await services.close()


def test_where_no_server_listens_no_client_is_loaded() -> None:
    said = subprocess.run([sys.executable, "-c", QUIETLY], check=True, capture_output=True, text=True, timeout=300)
    assert said.stdout.split() == ["[]", "False"]
