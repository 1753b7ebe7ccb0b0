"""Reads lists of models as OpenAI's relatives give them, with what some of them add."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from routerterm.core.errors import Malformed
from routerterm.protocols.base import ListedModel
from routerterm.protocols.jsons import amount, listing, mapping, objects, size, text
from routerterm.protocols.listing import read_listing


def read_models(body: bytes) -> list[ListedModel]:
    """The models in ``{"data": […]}``, ``{"models": […]}`` or a bare list.  Raises `ProviderError`."""
    payload = read_listing(body)
    rows = payload if isinstance(payload, list) else _rows(payload)
    if rows is None:
        raise Malformed("The list of models holds none.")
    return [model for row in objects(rows) if (model := _model(row)) is not None]


def _rows(payload: Any) -> list[Any] | None:
    for field in ("data", "models"):
        rows = mapping(payload).get(field)
        if isinstance(rows, list):
            return rows
    return None


def _model(row: Mapping[str, Any]) -> ListedModel | None:
    id = text(row.get("id")) or text(row.get("name"))
    if not id:
        return None
    top, spec = mapping(row.get("top_provider")), mapping(row.get("model_spec"))
    able = mapping(row.get("capabilities")) or mapping(spec.get("capabilities"))
    limits = mapping(able.get("limits"))
    supports = mapping(able.get("supports"))
    given = set(filter(None, (text(item) for item in listing(row.get("supported_parameters") or row.get("features")))))
    return ListedModel(
        id,
        context=_first_size(
            row.get("context_length"),
            row.get("context_window"),
            row.get("max_context_length"),
            row.get("max_model_len"),
            mapping(row.get("meta")).get("n_ctx"),
            spec.get("availableContextTokens"),
            limits.get("max_context_window_tokens"),
        ),
        max_output=_first_size(
            top.get("max_completion_tokens"),
            row.get("max_completion_tokens"),
            row.get("max_output_tokens"),
            row.get("max_tokens"),
            limits.get("max_output_tokens"),
        ),
        vision=_vision(row, able, supports),
        tools=_yes(
            {"tools", "tool-use"} & given or None,
            able.get("function_calling"),
            able.get("supportsFunctionCalling"),
            supports.get("tool_calls"),
            row.get("supports_tools"),
        )
        if given or able or "supports_tools" in row
        else None,
        reasoning=_yes({"reasoning"} & given or None, able.get("reasoning"), able.get("supportsReasoning"))
        if given or able
        else None,
        **_prices(row, spec),
    )


def _first_size(*values: Any) -> int | None:
    return next((found for value in values if (found := size(value))), None)


def _yes(*values: Any) -> bool:
    return any(bool(value) for value in values)


def _vision(row: Mapping[str, Any], able: Mapping[str, Any], supports: Mapping[str, Any]) -> bool | None:
    modalities = mapping(row.get("architecture")).get("input_modalities") or row.get("input_modalities")
    if isinstance(modalities, list):
        return "image" in modalities
    for place, field in ((able, "vision"), (able, "supportsVision"), (supports, "vision"), (row, "supports_image_in")):
        if field in place:
            return bool(place.get(field))
    return None


_PER_TOKEN = {
    "prompt": "price_input",
    "input": "price_input",
    "completion": "price_output",
    "output": "price_output",
    "input_cache_read": "price_cache_read",
    "input_cache_write": "price_cache_write",
}


def _prices(row: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """US dollars per token: OpenRouter and Vercel say so as text; Venice and Together say it per million."""
    out: dict[str, Any] = {}
    pricing = mapping(row.get("pricing"))
    for field, ours in _PER_TOKEN.items():
        value = pricing.get(field)
        if isinstance(value, str) and (price := amount(value)) is not None:
            out[ours] = f"{price:f}"
        elif isinstance(value, int | float) and (price := amount(value)) is not None:
            out[ours] = f"{(price / Decimal(1_000_000)).normalize():f}"
    for field, ours in _PER_TOKEN.items():
        price = amount(mapping(mapping(spec.get("pricing")).get(field)).get("usd"))
        if price is not None:
            out[ours] = f"{(price / Decimal(1_000_000)).normalize():f}"
    return out
