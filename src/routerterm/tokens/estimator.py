"""Counts prompts and answers before a provider does, says how it knows, and learns from what providers report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct

from routerterm.catalog.values import ModelInfo
from routerterm.core.request import ChatRequest
from routerterm.core.targets import Target
from routerterm.core.usage import Usage
from routerterm.tokens import o200k
from routerterm.tokens.calibration import Calibration
from routerterm.tokens.families import family_name, family_of
from routerterm.tokens.helper import CountingHelper
from routerterm.tokens.images import image_tokens
from routerterm.tokens.light import LightCounter
from routerterm.tokens.shape import shape_of

Loading: TypeAlias = Literal["now", "later", "never"]
"""Where exact counts come from: here, while the caller waits (a command line), from a process beside it (a screen, a
gateway; only for OpenAI's models, whose own tokens they are), or from nowhere."""
_EXACT = frozenset(("openai", "openai-reasoning", "gpt-oss", "gpt-5-chat"))
"""Families whose own encoding ``o200k_base`` is."""
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
        self._loading = loading
        self._on_report = on_report
        self._light = LightCounter()
        self._helper: CountingHelper | None = None
        self._own: list[tuple[str, str, TextCounter]] = []
        self._calibrations: dict[_Kind, Calibration] = {}
        self._changed: set[_Kind] = set()
        self._counted: dict[tuple[str, int, int], int] = {}

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
        counting = self._counting(model)
        tokens = counting.count(text)
        own = any(counting.name == other for _, other, _ in self._own)
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
        counting = self._counting(model)
        shape = shape_of(request, counting.count)
        family = family_name(str(model.target))
        pictures = sum(image_tokens(image, family, model.id) for image in shape.images)
        return counting.name, family_of(str(model.target)).tokens(shape) + pictures

    def _counting(self, model: ModelInfo) -> _Counting:
        for prefix, name, counter in self._own:
            if str(model.target).startswith(prefix):
                return _Counting(name, partial(self._count, name, counter))
        if self._loading == "now":
            return _Counting("o200k", partial(self._count, "o200k", o200k.load_now()))
        light = partial(self._count, "light", self._light)
        if self._loading == "later" and family_name(str(model.target)) in _EXACT:
            self._helper = self._helper or CountingHelper()
            return _Counting("o200k", light, self._helper)
        return _Counting("light", light)

    def _count(self, name: str, counter: TextCounter, text: str) -> int:
        """Count once: a conversation is counted anew for each key pressed, but only its end is new."""
        if len(text) < 40:
            return counter.count(text)
        key = name, len(text), hash(text)  # not the text: two thousand of them may be gigabytes
        found = self._counted.get(key)
        if found is None:
            if len(self._counted) >= _REMEMBERED:
                self._counted.pop(next(iter(self._counted)))
            found = self._counted[key] = counter.count(text)
        return found


class _Counting:
    """One count of several texts; ``name`` says in the end what all of it rests on."""

    def __init__(self, name: str, counter: Callable[[str], int], helper: CountingHelper | None = None) -> None:
        self.name = name
        self._counter = counter
        self._helper = helper

    def count(self, text: str) -> int:
        """Tokens of a text: exact where the helper has counted it."""
        if self._helper is not None:
            exact = self._helper.known(text)
            if exact is not None:
                return exact
            self.name = "light"
        return self._counter(text)


_Kind: TypeAlias = tuple[Target, bool]
"""A model, with or without tools: what a provider adds for tools must not be taken for a preamble of every prompt."""
_WORDS = {"plain": False, "tools": True}


def _kind(request: ChatRequest, model: ModelInfo) -> _Kind:
    return model.target, bool(request.tools)


_REMEMBERED = 2_000
"""Texts whose count is kept."""
