"""Newer lists of models: read, kept, laid over the shipped ones; and the command that shows them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from routerterm.catalog import Catalog
from routerterm.catalog.litellm_list import listings
from routerterm.catalog.rows import model_info
from routerterm.catalog.values import ModelInfo, Prices, ProviderInfo
from routerterm.cli.models_command import command, matching, price, size, switched_off
from routerterm.config.model_list_cache import keep, kept_file, read_kept
from routerterm.config.paths import Paths
from routerterm.core.errors import RoutertermError
from routerterm.core.ports import ApiKey
from routerterm.core.secret import Secret
from routerterm.core.targets import Target
from routerterm.engine.discovery.price_lists import read_lists, refresh
from routerterm.protocols.base import HttpRequest
from routerterm.router.transports.base import HttpResponse, Timeouts

LIST = {
    "sample_spec": {"mode": "chat"},
    "gpt-5.5": {
        "litellm_provider": "openai", "mode": "chat", "max_input_tokens": 10, "input_cost_per_token": 1e-06,
        "output_cost_per_token": 2e-06, "cache_creation_input_token_cost": 0.0, "supports_vision": True,
        "input_cost_per_token_above_200k_tokens": 3e-06, "deprecation_date": "2027-01-01",
    },
    "groq/new": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 0, "output_cost_per_token": 0},
    "gpt-image-9": {"litellm_provider": "openai", "mode": "chat"},
    "whisper": {"litellm_provider": "openai", "mode": "audio_transcription"},
    "dashscope/q": {
        "litellm_provider": "dashscope", "mode": "chat",
        "tiered_pricing": [
            {"range": [0, 1e3], "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
            {"range": [1e3, 2e3], "input_cost_per_token": 4e-06, "output_cost_per_token": 5e-06},
        ],
    },
}  # fmt: skip
BODY = json.dumps(LIST).encode()


def test_litellms_list_becomes_rows_of_ours() -> None:
    found = listings(BODY, "2027-01-01", "x")
    assert set(found) == {"openai", "groq", "alibaba"}
    gpt = model_info("openai", "gpt-5.5", found["openai"].models["gpt-5.5"], "2027-01-01")
    assert gpt.prices == Prices(Decimal("0.000001"), Decimal("0.000002"))
    assert [(tier.above, tier.prices.input, tier.prices.output) for tier in gpt.tiers] == [
        (200_000, Decimal("0.000003"), Decimal("0.000002"))
    ]
    assert (gpt.vision, gpt.tools, gpt.switched_off, gpt.price_date) == (True, False, "2027-01-01", "2027-01-01")
    new = model_info("groq", "new", found["groq"].models["new"], "2027-01-01")
    assert new.prices == Prices(), "a zero that nobody filled in is no promise"
    tiered = model_info("alibaba", "q", found["alibaba"].models["q"], None)
    assert (tiered.prices.input, tiered.tiers[0].above, tiered.tiers[0].prices.input) == (
        Decimal("0.000001"), 1000, Decimal("0.000004"),
    )  # fmt: skip


@pytest.mark.parametrize("body", [b"{}", b"[]", b"nonsense", b'{"models": {}}', b'{"a": {"b": 1}}'])
def test_what_is_no_list_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(RoutertermError) as caught:
        read_lists(body, "2027-01-01", "prices.json")
    assert "prices.json" in caught.value.message


def test_lists_are_kept_and_come_back(tmp_path: Path) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    assert read_kept(paths) == {}
    fresh = listings(BODY, "2027-01-01", "x")
    keep(paths, {"openai": fresh["openai"]})
    keep(paths, {"groq": fresh["groq"]})
    assert set(read_kept(paths)) == {"openai", "groq"}
    gpt = Catalog.builtin().merged(fresh=read_kept(paths)).model(Target("openai", "gpt-5.5"))
    assert gpt is not None
    assert (gpt.prices.input, gpt.price_date, len(gpt.tiers)) == (Decimal("0.000001"), "2027-01-01", 1)
    assert gpt.tools is False


@pytest.mark.parametrize(
    "body", ["", "[]", '{"openai": 3}', '{"openai": {"date": 1, "sources": 2, "models": {"a": 3}}}']
)
def test_a_broken_file_of_kept_lists_is_as_good_as_none(tmp_path: Path, body: str) -> None:
    paths = Paths.find({"ROUTERTERM_HOME": str(tmp_path)})
    kept_file(paths).parent.mkdir()
    kept_file(paths).write_text(body)
    assert read_kept(paths) == {}


class Keys:
    async def keys(self, provider: str) -> Sequence[ApiKey]:
        return [ApiKey("k", Secret("sk-1234567890abcdef"))] if provider != "keyless" else []


class Canned:
    """Answers with what it was given, and remembers who asked."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body, self.asked = status, body, list[HttpRequest]()

    @asynccontextmanager
    async def exchange(self, request: HttpRequest, waits: Timeouts) -> AsyncIterator[HttpResponse]:
        async def pieces() -> AsyncIterator[bytes]:
            yield self.body

        self.asked.append(request)
        yield HttpResponse(self.status, pieces())

    async def aclose(self) -> None:
        pass


async def test_each_provider_with_a_key_is_asked_and_a_refusal_is_told() -> None:
    good = Canned(
        200, b'{"data":[{"id":"a/b","context_length":5,"pricing":{"prompt":"0.000001","completion":"0.000002"}}]}'
    )
    bad = Canned(401, b'{"error":{"message":"bad key"}}')
    infos = [
        ProviderInfo("openrouter", "OpenRouter", "openai-chat", "http://127.0.0.1/v1", "openrouter"),
        ProviderInfo("openai", "OpenAI", "openai-chat", "http://127.0.0.1/v1", "openai"),
        ProviderInfo("keyless", "K", "openai-chat", "http://127.0.0.1/v1"),
    ]
    transports = {"openrouter": good, "openai": bad}
    found = [answer async for answer in refresh(infos, Keys(), transports.__getitem__, "2027-01-01")]
    assert [(answer.provider, answer.listing is not None) for answer in found] == [
        ("openrouter", True),
        ("openai", False),
    ]
    assert found[0].listing is not None
    assert found[0].listing.models["a/b"]["prices"][:2] == ["1", "2"]
    assert found[1].problem


def test_a_model_about_to_be_switched_off_is_said_so() -> None:
    info = ModelInfo("p", "m", switched_off="2026-12-11")
    assert switched_off(info, date(2026, 11, 21)) == "retires on 2026-12-11"
    assert switched_off(info, date(2026, 12, 11)) == "retired since 2026-12-11"
    assert switched_off(info, date(2026, 1, 1)) is None
    assert switched_off(ModelInfo("p", "m", switched_off="soon"), date(2026, 1, 1)) is None


def test_prices_and_sizes_read_well() -> None:
    assert [price(value) for value in (None, Decimal(0), Decimal("0.00000125"), Decimal("0.0000025"))] == [
        "?", "0", "1.25", "2.50",
    ]  # fmt: skip
    assert [size(tokens) for tokens in (None, 512, 128_000, 1_048_576)] == ["?", "512", "128k", "1.05M"]


def test_filters_are_words_and_abilities() -> None:
    models = [ModelInfo("openai", "gpt-5", vision=True), ModelInfo("groq", "gpt-oss")]
    assert [m.id for m in matching(models, ("GPT",))] == ["gpt-5", "gpt-oss"]
    assert [m.id for m in matching(models, ("gpt", "+vision"))] == ["gpt-5"]


def test_the_command_lists_and_updates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTERTERM_HOME", str(tmp_path))
    run = CliRunner().invoke
    listed = run(command, ["openai/gpt-5.5"])
    assert listed.exit_code == 0
    assert "openai/gpt-5.5 " in listed.output
    (tmp_path / "new.json").write_bytes(BODY)
    assert "openai: 1 models" in run(command, ["update", "--from", str(tmp_path / "new.json")]).output
    found = json.loads(run(command, ["--json", "openai/gpt-5.5"]).output.splitlines()[0])
    assert (found["prices"]["input"], found["price_date"]) == ("0.000001", date.today().isoformat())  # noqa: DTZ011
    assert run(command, ["--from", "x"]).exit_code == 2
    assert run(command, ["no-such-model-anywhere"]).output.strip() == "No model matches."
