"""Which parameters of a request a model does not take: what providers refuse with a 400, by families of models.

From the providers' references: OpenAI's reasoning models take no sampling and no stop words, Claude takes no sampling
while it thinks, xAI's reasoning models no stop words, and an effort means nothing to what does not reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from routerterm.catalog.values import ModelInfo
from routerterm.core.request import EFFORT_AS_ASKED, Params

_PLAIN = Params()
_OPENAI_REASONING = re.compile(r"(?:^|/)(?:o[1-9](?:-|$)|gpt-5(?!.*-chat)|codex-)")
_OPENAI_EFFORTLESS = re.compile(r"(?:^|/)gpt-5\.[1-9]")
"""With effort ``none`` these do not reason, and then sample as others do."""
_CLAUDE = re.compile(r"(?:^|/|\.)claude-")
_GROK_REASONING = re.compile(r"(?:^|/)grok-(?:[4-9]|3-mini|code)(?!.*non-reasoning)")
_SAMPLING = ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "logit_bias")


def fitted(params: Params, model: ModelInfo) -> tuple[Params, tuple[str, ...]]:
    """The parameters that the model takes, and the names of those that were left out."""
    out = tuple(dict.fromkeys(name for name in _lacked(params, model) if _is_set(params, name)))
    if not out:
        return params, ()
    own = {name: getattr(_PLAIN, name) for name in out if hasattr(params, name)}
    gone = {*out, *(EFFORT_AS_ASKED if "effort" in out else ())}
    return replace(params, **own, more={name: value for name, value in params.more.items() if name not in gone}), out


def _lacked(params: Params, model: ModelInfo) -> Iterator[str]:
    """Names of parameters that the model refuses."""
    id = model.id.lower()
    thinks = params.effort not in (None, "none")
    if thinks and model.lacks("reasoning") and not _OPENAI_REASONING.search(id):  # lists of resellers forget it
        yield "effort"
        thinks = False
    if _OPENAI_REASONING.search(id):
        if params.effort == "none" and _OPENAI_EFFORTLESS.search(id):
            return
        yield from _SAMPLING
        yield "stop"
    elif _CLAUDE.search(id):
        if thinks:
            yield from ("temperature", "top_p", "top_k")
    elif _GROK_REASONING.search(id):
        yield from ("stop", "frequency_penalty", "presence_penalty")


def _is_set(params: Params, name: str) -> bool:
    return name in params.more or (hasattr(params, name) and getattr(params, name) != getattr(_PLAIN, name))
