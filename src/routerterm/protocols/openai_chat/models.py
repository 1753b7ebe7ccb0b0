"""Reads lists of models as OpenAI's relatives give them, with what some of them add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from routerterm.protocols.base import ListedModel
from routerterm.protocols.json_utils import amount, listing, mapping, objects, size, text

_CONTEXT = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_model_len",
    "meta.n_ctx",
    "model_spec.availableContextTokens",
    "capabilities.limits.max_context_window_tokens",
)
_MAX_OUTPUT = (
    "top_provider.max_completion_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "model_spec.maxCompletionTokens",
    "capabilities.limits.max_output_tokens",
)
_VISION = (
    "capabilities.vision",
    "capabilities.supports.vision",
    "model_spec.capabilities.supportsVision",
    "supports_image_in",
)
_TOOLS = (
    "capabilities.function_calling",
    "capabilities.supports.tool_calls",
    "model_spec.capabilities.supportsFunctionCalling",
    "supports_tools",
)
_REASONING = ("capabilities.reasoning", "model_spec.capabilities.supportsReasoning", "supports_reasoning")
"""Where servers say what a model can do; the first one that says anything counts."""


def read_models(rows: list[Any]) -> list[ListedModel]:
    """The models in the rows of a listing."""
    return [model for row in objects(rows) if (model := _model(row)) is not None]


def _model(row: Mapping[str, Any]) -> ListedModel | None:
    id = text(row.get("id")) or text(row.get("name"))
    if not id:
        return None
    offered = row.get("supported_parameters") or row.get("features") or row.get("supported_features")
    return ListedModel(
        id,
        context=_size(row, _CONTEXT),
        max_output=_size(row, _MAX_OUTPUT),
        vision=_vision(row),
        tools=_offers(offered, ("tools", "tool-use", "function-calling"), _ability(row, _TOOLS)),
        reasoning=_offers(offered, ("reasoning", "reasoning_effort"), _ability(row, _REASONING)),
        **_prices(row),
    )


def _at(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for step in path.split("."):
        value = mapping(value).get(step)
    return value


def _size(row: Mapping[str, Any], paths: Iterable[str]) -> int | None:
    return next((found for path in paths if (found := size(_at(row, path)))), None)


def _ability(row: Mapping[str, Any], paths: Iterable[str]) -> bool | None:
    said = (_at(row, path) for path in paths)
    return next((value for value in said if isinstance(value, bool)), None)


def _offers(offered: Any, names: Iterable[str], otherwise: bool | None) -> bool | None:
    """Whether a list of what can be asked of the model names it; a list that does not is a no."""
    if not listing(offered):
        return otherwise
    return any(name in offered for name in names)


def _vision(row: Mapping[str, Any]) -> bool | None:
    modalities = _at(row, "architecture.input_modalities") or row.get("input_modalities")
    return "image" in modalities if isinstance(modalities, list) else _ability(row, _VISION)


_PRICES = {
    "prompt": "price_input",
    "input": "price_input",
    "completion": "price_output",
    "output": "price_output",
    "input_cache_read": "price_cache_read",
    "cache_input": "price_cache_read",
    "cache_read": "price_cache_read",
    "input_cache_write": "price_cache_write",
    "cache_write": "price_cache_write",
}
_MILLION = Decimal(1_000_000)


def _prices(row: Mapping[str, Any]) -> dict[str, Any]:
    """US dollars per token.  As text they come per token (OpenRouter), as numbers per million (Venice)."""
    out: dict[str, Any] = {}
    for field, ours in _PRICES.items():
        value = _at(row, f"pricing.{field}")
        price = amount(value)
        if price is not None:
            out[ours] = f"{price if isinstance(value, str) else price / _MILLION:f}"
        per_million = amount(_at(row, f"model_spec.pricing.{field}.usd"))
        if per_million is not None:
            out[ours] = f"{per_million / _MILLION:f}"
    return out
