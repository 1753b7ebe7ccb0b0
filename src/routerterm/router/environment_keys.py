"""Keys from the environment, for the library and for machines without a keyring."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from routerterm.catalog.values import ProviderInfo
from routerterm.core.ports import ApiKey
from routerterm.core.secret import Secret


class EnvironmentKeys:
    """Fulfils `KeySource`: the provider's own variables, else ``{PROVIDER}_API_KEY``."""

    def __init__(
        self, provider: Callable[[str], ProviderInfo | None], environ: Mapping[str, str] | None = None
    ) -> None:
        self._provider = provider
        self._environ = os.environ if environ is None else environ

    async def keys(self, provider: str) -> Sequence[ApiKey]:
        """See `KeySource.keys`."""
        info = self._provider(provider)
        usual = f"{provider.upper().replace('-', '_')}_API_KEY"
        for name in dict.fromkeys([*(info.env if info is not None else ()), usual]):
            if value := self._environ.get(name, "").strip():
                return (ApiKey(name, Secret(value)),)
        return ()
