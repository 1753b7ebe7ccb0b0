"""Steps that a provider took by itself (a search, code it ran), as the provider told them.

A step is carried as JSON under its family's mark, and told again to that family alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routerterm.protocols.json_utils import dumps
from routerterm.protocols.normalize_messages import arguments_object
from routerterm.protocols.signature_scope import read_scope


def write_step(mark: str, step: Mapping[str, Any]) -> str:
    """What ``redacted`` of a `Reasoning` or a `HostedDelta` carries."""
    return f"{mark}:{dumps(step).decode()}"


def read_step(mark: str, carried: str | None) -> dict[str, Any]:
    """The step, if it was marked so; an empty object otherwise."""
    return arguments_object(read_scope(mark, carried) or "")
