"""The dashboard and the scrape file ask for metrics that there are, by labels that they have; the unit runs us."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from routerterm.cli.service_unit import install, unit_text
from routerterm.gateway.own_key import key_file
from tests.gateway.conftest import Place, chat
from tests.shared.servers import free_port

DOCS = Path(__file__).parents[2] / "docs" / "monitoring"


async def test_every_panel_asks_for_metrics_and_labels_that_there_are(place: Place) -> None:
    place.up.says("first", "Hello")
    async with place.http() as http:
        await http.post("/v1/chat/completions", json=chat())
        text = (await http.get("/metrics")).text
    there = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    labels = set(re.findall(r'(\w+)="', text)) | {"kind", "le"}
    panels = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    for expression in asked:
        names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"routerterm_\w+", expression)}
        assert names, expression
        assert names <= there, expression
        for group in re.findall(r"by \(([^)]*)\)", expression):
            assert set(re.split(r",\s*", group)) <= labels, expression
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels]
    assert len(set(places)) == len(panels)
    scrape = (DOCS / "prometheus.yml").read_text(encoding="utf-8")
    assert "metrics_path: /metrics" in scrape


def not_kept(ours: Any, read: Any, place: str = "") -> list[str]:
    """Where what Grafana's types wrote again differs from what they read."""
    if isinstance(ours, dict) and isinstance(read, dict):
        return [each for key in ours for each in not_kept(ours[key], read.get(key), f"{place}/{key}")]
    if isinstance(ours, list) and isinstance(read, list) and len(ours) == len(read):
        return [each for n, pair in enumerate(zip(ours, read, strict=True)) for each in not_kept(*pair, f"{place}/{n}")]
    return [] if ours == read else [f"{place}: {ours!r} is read as {read!r}"]


def test_grafana_s_own_types_read_the_whole_dashboard() -> None:
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import timeseries, units
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel
    from grafana_foundation_sdk.models.prometheus import Dataquery

    register_default_plugins()
    ours = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    dashboard = Dashboard.from_json(ours)
    assert not_kept(ours, json.loads(JSONEncoder().encode(dashboard))) == []
    known = {value for name, value in vars(units).items() if name[0].isupper() and isinstance(value, str)}
    assert len(known) > 100
    assert dashboard.panels
    for panel in dashboard.panels:
        assert isinstance(panel, Panel)
        assert panel.field_config is not None
        assert panel.field_config.defaults.unit in known
        assert all(isinstance(target, Dataquery) and target.expr for target in panel.targets or ())
        assert panel.type_val != "timeseries" or isinstance(panel.options, timeseries.Options)


def test_a_systemd_unit_names_the_home_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {
        "HOME": str(tmp_path),
        "ROUTERTERM_HOME": "/data/my rt 100%",
        "OPENAI_API_KEY": "sk-secret-of-the-environment",
        "ROUTERTERM_GATEWAY_TOKEN": "another-secret-token",
    }
    place = install("127.0.0.1", 9000, environ)
    assert place == tmp_path / ".config/systemd/user/routerterm.service"
    text = place.read_text(encoding="utf-8")
    assert "serve --host 127.0.0.1 --port 9000\n" in text
    assert 'Environment="ROUTERTERM_HOME=/data/my rt 100%%"\n' in text
    assert "secret" not in text
    assert "Restart=on-failure" in unit_text(("routerterm", "serve"), {})


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_to_object_to_in_the_unit(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "ROUTERTERM_HOME": "/data/my rt 100%"}
    place = install(None, 8484, environ)
    place.write_text(re.sub("^ExecStart=.*$", "ExecStart=/bin/true serve", place.read_text(), flags=re.MULTILINE))
    command = ["systemd-analyze", "--user", "--man=no", "verify", str(place)]
    ran = subprocess.run(command, env={**environ, "XDG_RUNTIME_DIR": str(tmp_path)}, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


async def promtool(*words: str, given: str = "") -> tuple[int, str]:
    """How its check ended, and what it objects to."""
    ran = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", *words], input=given, capture_output=True, text=True
    )
    return ran.returncode, ran.stderr.strip()


@asynccontextmanager
async def prometheus(place: Place, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The real one, by the scrape file of the docs but for the gateway's address, its key's place and the haste."""
    key, config = folder / "routerterm.key", folder / "prometheus.yml"
    key.write_text(key_file(place.app.paths).read_text())
    text = (DOCS / "prometheus.yml").read_text(encoding="utf-8")
    for theirs, ours in (
        ("/etc/prometheus/routerterm.key", str(key)),
        ("127.0.0.1:8484", place.url.removeprefix("http://")),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    config.write_text(text)
    assert await promtool("config", str(config)) == (0, "")
    port = free_port()
    words = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    program = await asyncio.create_subprocess_exec(
        "prometheus", *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        program.kill()
        await program.wait()


async def ask(client: httpx.AsyncClient, expression: str) -> list[dict[str, Any]]:
    """What Prometheus answers; nothing as long as it does not listen."""
    query = expression.replace("$__rate_interval", "30s")
    try:
        answer = await client.get("/api/v1/query", params={"query": query})
    except httpx.TransportError:
        return []
    if answer.status_code == 503:  # it is starting
        return []
    assert answer.status_code == 200, (expression, answer.text)
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


@pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None, reason="Prometheus is not installed"
)
async def test_prometheus_reads_the_gateway_and_answers_every_panel(place: Place, tmp_path: Path) -> None:
    place.up.says("first", "Hello")
    panels = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    asked = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in panels}
    quiet = {"Errors a second", "Fallbacks a second", "Circuit breakers open"}  # nothing has failed
    async with place.http() as http, prometheus(place, tmp_path) as client, asyncio.timeout(90):
        metrics = (await http.get("/metrics")).text
        assert await promtool("metrics", given=metrics) == (0, "")
        while not await ask(client, asked["Time to first token"][0]):
            await http.post("/v1/chat/completions", json=chat(stream=True))
            await asyncio.sleep(0.3)
        for title, expressions in asked.items():
            for expression in expressions:
                answer = await ask(client, expression)
                assert answer or title in quiet, (title, expression)
