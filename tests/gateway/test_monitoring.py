"""The dashboard and the scrape file ask for metrics that there are, by labels that they have; the unit runs us."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from routerterm.cli.service_unit import install, unit_text
from tests.gateway.conftest import Place, chat

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
