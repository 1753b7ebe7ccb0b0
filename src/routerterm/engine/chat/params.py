"""How to answer, as the JSON of ``conversation.params``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routerterm.core.errors import BadRequest
from routerterm.core.request import Params


def params_to_json(params: Params) -> dict[str, Any]:
    """What was set; the rest is the provider's own default."""
    values = {name: getattr(params, name) for name in params.__struct_fields__}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value not in (None, (), {})
    }


def params_from_json(body: Mapping[str, Any]) -> Params:
    """The parameters in a column; entries that are none of them, or that no model can mean, are passed over."""
    known = set(Params.__struct_fields__)
    values = {name: value for name, value in body.items() if name in known and value is not None}
    for name in ("stop", "tools_off", "tools_only"):
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    return Params(**{name: value for name, value in values.items() if _is_sound(name, value)})


def _is_sound(name: str, value: Any) -> bool:
    try:
        Params(**{name: value})
    except (BadRequest, TypeError):
        return False
    return True
