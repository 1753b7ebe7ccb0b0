"""The accents of the Responses API, as data."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace


class Dialect(Struct, frozen=True):
    """One accent."""

    family: str = "responses"
    """Whose the seals on its thoughts are: each provider opens only its own."""
    key_header: str = "Authorization"
    encrypted: bool = True
    """Whether it is asked for its sealed thoughts, since nothing is stored at the provider."""
    summaries: bool = True
    """Whether it may be asked for summaries of its thoughts."""


PLAIN = Dialect(encrypted=False, summaries=False)
DIALECTS: Mapping[str, Dialect] = {
    "": PLAIN,
    "openai": Dialect("responses-openai", summaries=False),  # only verified organisations may ask for them
    "azure": Dialect("responses-azure", key_header="api-key"),
    "xai": Dialect("responses-xai", summaries=False),
    "openrouter": Dialect("responses-openrouter"),
    "local": replace(PLAIN, family="responses-local"),
}
"""By name, as in the provider table and in settings."""
