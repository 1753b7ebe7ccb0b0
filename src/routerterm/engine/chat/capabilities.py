"""What the models behind a name can do: to say at once that something will not be heeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from routerterm.core.errors import NoCandidate

if TYPE_CHECKING:
    from routerterm.catalog.values import ModelInfo
    from routerterm.core.request import Params
    from routerterm.core.targets import Target
    from routerterm.router.decide.names import Names


class Capabilities(Struct, frozen=True):
    """What at least one of the models of a name can do; True where nobody knows better."""

    sees: bool = True
    reasons: bool = True
    searches: bool = True
    """Whether one of them can have its provider search the web."""
    local: bool = False
    """Whether one of them runs on this machine."""


class CapabilityIndex:
    """Looks abilities up by the name of a model, route or alias."""

    def __init__(self, names: Names, model: Callable[[Target], ModelInfo | None], with_key: frozenset[str]) -> None:
        self._names = names
        self._model = model
        self._with_key = with_key

    def models(self, name: str) -> tuple[ModelInfo, ...]:
        """The models behind a name; those that could be asked now where there are any.  None for a wrong name."""
        try:
            entries = self._names.resolve(name, self._with_key).entries
        except NoCandidate:
            return ()
        known = [info for entry in entries if (info := self._model(entry.target)) is not None]
        ready = [info for info in known if info.local or info.provider in self._with_key]
        return tuple(ready or known)

    def of(self, name: str) -> Capabilities:
        """What a name can do."""
        models = self.models(name)
        if not models:
            return Capabilities()
        return Capabilities(
            sees=any(not info.lacks("vision") for info in models),
            reasons=any(not info.lacks("reasoning") for info in models),
            searches=any(info.web is not None for info in models),
            local=any(info.local for info in models),
        )


def unsupported_options(
    name: str, can: Capabilities, params: Params, *, pictures: bool = False, private: bool = False
) -> list[str]:
    """What of a wish the models of a name do not do, each in a sentence."""
    said = []
    if pictures and not can.sees:
        said.append(f"{name} can't read images.")
    if params.web and not can.searches:
        said.append(f"{name} has no web search.")
    if params.effort not in (None, "none") and not can.reasons:
        said.append(f"{name} does not reason, so the setting is ignored.")
    if params.effort not in (None, "none") and can.reasons and params.temperature is not None:
        said.append("Most models ignore the temperature while they reason.")
    if private and not can.local:
        said.append(f"{name} is not local, and private conversations use only local models.")
    return said
