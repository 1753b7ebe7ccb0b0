"""Counts prompts and answers before a provider does, says how it knows, and learns from what providers report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct

from routerterm.catalog.values import ModelInfo
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.tokens import o200k
from routerterm.tokens.calibration import Calibration
from routerterm.tokens.families import family_name, family_of
from routerterm.tokens.images import image_tokens
from routerterm.tokens.light import LightCounter
from routerterm.tokens.shape import shape_of

Loading: TypeAlias = Literal["now", "later", "never"]
"""When the exact tables may load: while the caller waits (a command line), in the background (a screen), or not."""
MEMORY_PREFIX = "tokens:"


class Count(Struct, frozen=True):
    """A number of tokens, and what it rests on."""

    tokens: int
    counter: str
    """``o200k``, ``light``, or the name of a registered counter."""
    reports: int = 0
    """How many reported prompts of this very model corrected it."""

    @property
    def label(self) -> str:
        """For a person: estimated always, calibrated or not."""
        return f"EST {self.counter}" + (f", {self.reports} reports" if self.reports else "")


class TextCounter(Protocol):
    """Counts plain text in some model's own tokens."""

    def count(self, text: str) -> int:
        """Tokens of ``text``."""
        ...


class TokenEstimator:
    """The estimator of a program: families' numbers, exact tables when they are there, calibration by model.

    Fulfils the router's `Estimator`.  `register` takes a better counter for some models, a local server's
    tokenizer for example.  ``on_report`` is told the length of every reported answer.  What it has learned is
    read and kept as small JSON objects, by `remember` and `learned`.
    """

    def __init__(self, loading: Loading = "later", on_report: Callable[[Target, int], None] | None = None) -> None:
        self._loading, self._on_report = loading, on_report
        self._light = LightCounter()
        self._own: list[tuple[str, str, TextCounter]] = []
        self._calibrations: dict[_Kind, Calibration] = {}
        self._changed: set[_Kind] = set()
        self._counted: dict[tuple[str, str], int] = {}

    def register(self, prefix: str, name: str, counter: TextCounter) -> None:
        """Count texts for models whose ``provider/model`` begins so with ``counter``; the last one registered wins."""
        self._own.insert(0, (prefix, name, counter))
        self._counted.clear()

    def prompt(self, request: ChatRequest, model: ModelInfo) -> int:
        """Tokens of the whole prompt for this model, tools and pictures included."""
        return self.count(request, model).tokens

    def count(self, request: ChatRequest, model: ModelInfo) -> Count:
        """The same, with what it rests on."""
        name, raw = self._raw(request, model)
        calibration = self._calibrations.get(_kind(request, model), Calibration())
        return Count(round(calibration.apply(raw)), name, calibration.samples)

    def text(self, text: str, model: ModelInfo) -> int:
        """Tokens of a piece of an answer."""
        name, counter = self._counter(model)
        tokens = self._count(name, counter, text)
        own = any(name == other for _, other, _ in self._own)
        return tokens if own else round(tokens * family_of(str(model.target)).text)

    def learn(self, request: ChatRequest, model: ModelInfo, usage: Usage) -> None:
        """A provider reported what this prompt really was; an estimate teaches nothing."""
        if usage.source != "reported" or usage.input <= 0:
            return
        if self._on_report is not None:
            self._on_report(model.target, usage.output)
        _, raw = self._raw(request, model)
        kind = _kind(request, model)
        before = self._calibrations.get(kind, Calibration())
        after = before.learned(raw, usage.input)
        if after is not before:
            self._calibrations[kind] = after
            self._changed.add(kind)

    def remember(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Take up what was learned in earlier sessions: the memory's states under `MEMORY_PREFIX`."""
        for name, state in states.items():
            target = Target.parse(name.removeprefix(MEMORY_PREFIX))
            for word, tools in _WORDS.items():
                if isinstance(kept := state.get(word), Mapping):
                    self._calibrations[target, tools] = Calibration.from_json(kept)

    def learned(self) -> dict[str, dict[str, Any]]:
        """What is new since the last call, for the memory: states by name."""
        targets = {target for target, _ in self._changed}
        self._changed.clear()
        return {f"{MEMORY_PREFIX}{target}": self._state(target) for target in targets}

    def _state(self, target: Target) -> dict[str, Any]:
        found = ((word, self._calibrations.get((target, tools))) for word, tools in _WORDS.items())
        return {word: calibration.to_json() for word, calibration in found if calibration is not None}

    def _raw(self, request: ChatRequest, model: ModelInfo) -> tuple[str, float]:
        name, counter = self._counter(model)
        shape = shape_of(request, lambda text: self._count(name, counter, text))
        family = family_name(str(model.target))
        pictures = sum(image_tokens(image, family, model.id) for image in shape.images)
        return name, family_of(str(model.target)).tokens(shape) + pictures

    def _counter(self, model: ModelInfo) -> tuple[str, TextCounter]:
        for prefix, name, counter in self._own:
            if str(model.target).startswith(prefix):
                return name, counter
        exact = o200k.loaded()
        if exact is None and self._loading == "now":
            exact = o200k.load_now()
        elif exact is None and self._loading == "later":
            o200k.load_later()
        return ("light", self._light) if exact is None else ("o200k", exact)

    def _count(self, name: str, counter: TextCounter, text: str) -> int:
        """Count once: a conversation is counted anew for each key pressed, but only its end is new."""
        if len(text) < 40:
            return counter.count(text)
        found = self._counted.get((name, text))
        if found is None:
            if len(self._counted) >= _REMEMBERED:
                self._counted.pop(next(iter(self._counted)))
            found = self._counted[name, text] = counter.count(text)
        return found


_Kind: TypeAlias = tuple[Target, bool]
"""A model, with or without tools: what a provider adds for tools must not be taken for a preamble of every prompt."""
_WORDS = {"plain": False, "tools": True}


def _kind(request: ChatRequest, model: ModelInfo) -> _Kind:
    return model.target, bool(request.tools)


_REMEMBERED = 2_000
"""Texts whose count is kept."""
