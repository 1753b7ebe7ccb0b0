"""Classes of widgets, made from what their bases have by then.

For every class Textual looks through all attributes of all its bases again, and makes all their bindings again: half a
millisecond for each of the sixty that a start needs.  Here each base is looked through once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.reactive import Reactive

PREFIXES = "_compute_", "compute_"


@cache
def own_reactives(base: type) -> dict[str, Reactive[Any]]:
    """The reactive attributes that a class itself declares."""
    return {name: value for name, value in vars(base).items() if isinstance(value, Reactive)}


@cache
def own_computes(base: type) -> frozenset[str]:
    """Which of them it computes."""
    return frozenset(name.lstrip("_")[8:] for name in vars(base) if name.startswith(PREFIXES))


@cache
def own_bindings(base: type) -> dict[str, list[Binding]]:
    """The keys that it binds."""
    return BindingsMap(vars(base).get("BINDINGS", [])).key_to_bindings


def merged_bindings(kind: type[DOMNode]) -> BindingsMap:
    """The keys that it and its bases bind, the nearest before the others."""
    keys: dict[str, list[Binding]] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, DOMNode):
            if not base._inherit_bindings:
                keys.clear()
            keys |= own_bindings(base)
    return BindingsMap.from_keys({key: list(bindings) for key, bindings in keys.items()})


def describe(
    kind: type[DOMNode],
    inherit_css: bool = True,
    inherit_bindings: bool = True,
    inherit_component_classes: bool = True,
) -> None:
    """Say of a class what Textual wants to know of it."""
    super(DOMNode, kind).__init_subclass__()
    kind._reactives = {}
    for base in reversed(kind.__mro__):
        kind._reactives |= own_reactives(base)
    kind._inherit_css = inherit_css
    kind._inherit_bindings = inherit_bindings
    kind._inherit_component_classes = inherit_component_classes
    bases = kind._css_bases(kind)
    kind._css_type_name = bases[0].__name__
    kind._css_type_names = frozenset(base.__name__ for base in bases)
    kind._merged_bindings = merged_bindings(kind)
    kind._computes = frozenset[str]().union(*map(own_computes, kind.__mro__))


def make_classes_quickly() -> None:
    """Have all that are made from now on described so."""
    DOMNode.__init_subclass__ = classmethod(describe)  # type: ignore[assignment]
