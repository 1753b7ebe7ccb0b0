"""Virtual keys that every gateway knows, and what their clients have used everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from routerterm.store.gateway_keys import GatewayKeys
from routerterm.store.shared import book
from routerterm.store.shared.state import Draft, SharedState
from routerterm.store.values import json_object, to_json
from routerterm.store.worker import Worker

_SPACE = "key"
_EVER = "meta/keys"
"""Is there once there was a key."""


class SharedKeys(GatewayKeys):
    """The same as `GatewayKeys`, on the server.  Every method raises `SharedStateAway`."""

    def __init__(self, writer: Worker, reader: Worker, shared: SharedState, clock: Callable[[], int]) -> None:
        super().__init__(writer, reader)
        self._shared = shared
        self._clock = clock

    async def add(self, row: Mapping[str, Any]) -> bool:
        """See `GatewayKeys.add`."""
        name = f"{_SPACE}/{row['name']}"

        def job(draft: Draft) -> bool:
            draft.put(_EVER, b"1")
            if draft.get(name) is not None:
                return False
            draft.put(name, to_json(dict(row)).encode())
            return True

        return await self._shared.run((name, _EVER), job)

    async def remove(self, name: str) -> bool:
        """See `GatewayKeys.remove`."""
        full = f"{_SPACE}/{name}"

        def job(draft: Draft) -> bool:
            there = draft.get(full) is not None
            draft.drop(full)
            return there

        return await self._shared.run((full,), job)

    async def ever(self) -> bool:
        """See `GatewayKeys.ever`."""
        return await self._shared.run((_EVER,), lambda draft: draft.get(_EVER) is not None)

    async def change(self, name: str, allowance: Mapping[str, Any]) -> bool:
        """See `GatewayKeys.change`."""
        full = f"{_SPACE}/{name}"

        def job(draft: Draft) -> bool:
            value = draft.get(full)
            if value is None:
                return False
            draft.put(full, to_json({**json_object(value.decode()), "allowance": dict(allowance)}).encode())
            return True

        return await self._shared.run((full,), job)

    async def all(self) -> Sequence[dict[str, Any]]:
        """See `GatewayKeys.all`."""
        found = await self._shared.under(_SPACE)
        return [dict(json_object(found[name].decode())) for name in sorted(found)]

    async def used(self, since: int, client: str | None = None) -> Sequence[dict[str, Any]]:
        """See `GatewayKeys.used`."""
        now = self._clock()
        found = map(book.key_of_use, await self._shared.under(book.USES))
        keys = [key for key in found if client is None or key[0] == client]

        def job(draft: Draft) -> list[dict[str, Any]]:
            return [row for key in keys if (row := _row(key, book.use_since(draft, key, since, now)))["attempts"]]

        rows = await self._shared.run(book.names_of_uses(keys, since, now), job)
        return sorted(rows, key=lambda row: (-row["cost_nanousd"], row["client"], row["provider"], row["model"]))


def _row(key: book.Key, sums: book.Sums) -> dict[str, Any]:
    client, provider, model = key
    return {
        "client": client,
        "provider": provider,
        "model": model,
        "attempts": sums.attempts,
        "cached": sums.cached,
        "input_tokens": sums.input,
        "output_tokens": sums.output,
        "tokens": sums.input + sums.output,
        "estimated": sums.estimated,
        "unpriced": sums.unpriced,
        "cost_nanousd": sums.cost,
    }
