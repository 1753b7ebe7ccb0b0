"""Tests a key: asks its provider for the list of models, and says what the answer tells.

Some providers give that list to anyone; there a good answer says nothing of the key, so the same is asked
once more without it.  Where a provider has an address that tells of the key itself, that is asked too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from routerterm.config.keys.values import Probe, ProbeResult
from routerterm.core.counting import counted
from routerterm.core.errors import ProviderError
from routerterm.core.redact import secret_redactor
from routerterm.protocols import codec
from routerterm.protocols.base import Codec, HttpRequest
from routerterm.protocols.classify import classify
from routerterm.protocols.http import get, join, key_header
from routerterm.protocols.limits import RateLimit, limits
from routerterm.router.transports.base import Timeouts, Transport, read_body

if TYPE_CHECKING:
    from routerterm.catalog.values import ProviderInfo
    from routerterm.core.secret import Secret

PATIENCE = 20.0
"""Seconds for the whole of one test."""
_LARGEST = 16 * 1024 * 1024


def prober(find: Callable[[str], ProviderInfo | None], transport: Callable[[str], Transport]) -> Probe:
    """A `Probe` over the router's own transport; ``find`` looks a provider up, ``transport`` gives its transport."""

    async def probe(provider: str, secret: Secret | None) -> ProbeResult:
        info = find(provider)
        if info is None:
            return ProbeResult(False, f"There is no provider {provider}.", hint="Add it under [providers] first.")
        if not info.enabled:
            return ProbeResult(False, f"{info.title} is disabled in the settings; nothing was sent to it.")
        asking = _Asking(info, transport(provider))
        try:
            async with asyncio.timeout(PATIENCE):
                return await asking.all(secret)
        except TimeoutError:
            return ProbeResult(
                False, f"{info.title} did not answer within {PATIENCE:g} s.", hint="Check the network connection."
            )
        except ProviderError as error:
            return ProbeResult(False, secret_redactor(error.message), hint=error.hint, refused=error.recovery.drop_key)

    return probe


class _Asking:
    """One test of one key."""

    def __init__(self, info: ProviderInfo, transport: Transport) -> None:
        self._info = info
        self._transport = transport
        self._codec: Codec = codec(info.protocol, info.dialect)

    async def all(self, secret: Secret | None) -> ProbeResult:
        """Ask everything that is worth asking.  Raises `ProviderError`."""
        headers, body = await self._ask(self._listing(secret))
        models = tuple(model.id for model in self._codec.decode_models(body))
        said = tuple(_words(bucket) for bucket in limits(headers, provider=self._info.name).buckets)
        account = await self._account(secret)
        count = counted(len(models), "model")
        if secret is None:
            return ProbeResult(True, f"{self._info.title} answers without a key: {count}.", models, said)
        if not account and await self._is_open():
            return ProbeResult(
                True,
                f"{self._info.title} answers: {count}; but it shows them to anyone, so the key was not tested.",
                models,
                said,
                proven=False,
            )
        return ProbeResult(True, f"{self._info.title} accepts the key: {count}.", models, (*said, *account))

    def _listing(self, secret: Secret | None) -> HttpRequest:
        return self._codec.models_request(base_url=self._info.base_url, key=secret)

    async def _is_open(self) -> bool:
        try:
            await self._ask(self._listing(None))
        except ProviderError:
            return False
        return True

    async def _account(self, secret: Secret | None) -> tuple[str, ...]:
        """What the provider says of the key itself.  Raises `ProviderError` where it refuses it."""
        known = _ACCOUNTS.get(self._info.name)
        if known is None or secret is None:
            return ()
        path, read = known
        _, body = await self._ask(get(join(self._info.base_url, path), key_header("Authorization", secret)))
        with suppress(LookupError, ValueError, TypeError, AttributeError, RecursionError):
            return tuple(read(json.loads(body)))
        # A shape that we do not know; it accepted the key all the same.
        return ("the account answers",)

    async def _ask(self, request: HttpRequest) -> tuple[Mapping[str, str], bytes]:
        """The answer's headers and body.  Raises `ProviderError`."""
        request = HttpRequest(request.method, request.url, (*request.headers, *self._info.headers), request.body)
        async with self._transport.exchange(request, Timeouts()) as answer:
            body = await read_body(answer, _LARGEST, self._info.title)
            if answer.status != 200:
                raise classify(
                    answer.status, answer.headers, body, protocol=self._info.protocol, provider=self._info.name
                )
            return answer.headers, body


def _words(bucket: RateLimit) -> str:
    """``500 requests per minute, 499 left``."""
    unit = bucket.unit.replace("-", " ")
    amount = f"{bucket.limit:,} {unit}" if bucket.limit is not None else unit
    per = f" per {bucket.window}" if bucket.window else ""
    return f"{amount}{per}" + (f", {bucket.remaining:,} left" if bucket.remaining is not None else "")


def _openrouter(answer: Mapping[str, Any]) -> Sequence[str]:
    data = answer["data"]
    said = [f"${data['usage']:,.2f} used"]
    if data.get("limit") is not None:
        said.append(f"${data['limit']:,.2f} limit, ${data.get('limit_remaining') or 0:,.2f} left")
    if data.get("is_free_tier"):
        said.append("free tier")
    return said


def _deepseek(answer: Mapping[str, Any]) -> Sequence[str]:
    said = [f"balance {item['total_balance']} {item['currency']}" for item in answer["balance_infos"]]
    return said if answer.get("is_available") else [*said, "not enough to answer"]


_ACCOUNTS: Mapping[str, tuple[str, Callable[[Any], Sequence[str]]]] = {
    "openrouter": ("/key", _openrouter),
    "deepseek": ("/user/balance", _deepseek),
}
"""Where a provider tells of a key itself, below its ``base_url``."""
