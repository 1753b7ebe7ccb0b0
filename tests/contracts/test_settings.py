"""Every setting has a reader: somewhere its attribute is read of a value that is known to be its table."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from routerterm.config.schema import Settings
from routerterm.config.schema_base import Section

SOURCE = Path(__file__).resolve().parents[2] / "src/routerterm"
DESCRIBING = ("config/schema", "config/validation.py", "config/describe.py", "tui/screens/settings.py")
"""Modules that look at every setting alike: that is no use of one."""

Kind: TypeAlias = Any
"""A section, ``dict[str, Section]`` or ``tuple[Section, ...]``, as the schema annotates it."""


def sections(of: type[Section] = Settings) -> dict[str, type[Section]]:
    """The tables of the settings by the names of their classes."""
    found = {of.__name__: of}
    for kind in get_type_hints(of).values():
        for one in (kind, *get_args(kind)):
            if isinstance(one, type) and issubclass(one, Section) and one.__name__ not in found:
                found |= sections(one)
    return found


SECTIONS = sections()
FIELDS = {name: get_type_hints(section) for name, section in SECTIONS.items()}


TWINS: dict[str, type[Section]] = {
    "QuickUi": SECTIONS["UiSettings"],  # read before the rest, for the first picture
    "quick_ui": SECTIONS["UiSettings"],
}
"""What stands for a table elsewhere."""
KINDS = {**SECTIONS, **TWINS}


class Reader(ast.NodeVisitor):
    """Follows sections through a module: by annotations, by what is assigned, by what loops walk."""

    def __init__(self, members: Mapping[str, Kind]) -> None:
        self.read: set[tuple[str, str]] = set()
        self.members = dict(members)
        """What ``self.NAME`` and properties of that name are, in all of the module."""
        self.names: dict[str, Kind] = {}

    def kind(self, node: ast.expr | None) -> Kind:
        """Of which section an expression is, as far as is seen."""
        match node:
            case ast.Name(id=name):
                return self.names.get(name, Settings if name == "settings" else None)
            case ast.Attribute(value=value, attr=attr):
                owner = self.kind(value)
                if isinstance(owner, type) and owner.__name__ in FIELDS:
                    return FIELDS[owner.__name__].get(attr)
                return self.members.get(attr, Settings if attr in ("settings", "_settings") else None)
            case ast.Subscript(value=value) | ast.Call(func=ast.Attribute(value=value, attr="get")):
                return self.item(self.kind(value))
            case ast.IfExp(body=body, orelse=other):
                return self.kind(body) or self.kind(other)
            case ast.BoolOp(values=values):
                return next(filter(None, map(self.kind, values)), None)
            case ast.NamedExpr(value=value):
                return self.kind(value)
            case ast.Call(func=ast.Name(id=name)) if name in KINDS:
                return KINDS[name]
            case _:
                return None

    def item(self, kind: Kind) -> Kind:
        """What is in a table of tables or a list of them."""
        inner = [one for one in get_args(kind) if isinstance(one, type) and issubclass(one, Section)]
        return inner[0] if get_origin(kind) in (dict, tuple) and inner else None

    def annotated(self, node: ast.expr | None) -> Kind:
        """The section that an annotation names, alone or in a collection."""
        names = [one.id for one in ast.walk(node) if isinstance(one, ast.Name)] if node is not None else []
        found = [KINDS[name] for name in names if name in KINDS]
        if not found:
            return None
        if {"dict", "Mapping"} & set(names):
            return dict[str, found[0]]  # type: ignore[valid-type] # a class that is known only now
        return tuple[found[0], ...] if {"Sequence", "Iterable", "tuple"} & set(names) else found[0]

    def bind(self, target: ast.expr, kind: Kind) -> None:
        if kind is not None and isinstance(target, ast.Name):
            self.names[target.id] = kind
        elif kind is not None and isinstance(target, ast.Attribute):
            self.members[target.attr] = kind

    def walk(self, target: ast.expr, over: ast.expr) -> None:
        """A loop: over a list, a table's values, or its items."""
        match over:
            case ast.Call(func=ast.Attribute(value=value, attr="items")) if isinstance(target, ast.Tuple):
                self.bind(target.elts[1], self.item(self.kind(value)))
            case ast.Call(func=ast.Attribute(value=value, attr="values")):
                self.bind(target, self.item(self.kind(value)))
            case _:
                self.bind(target, self.item(self.kind(over)))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        kept, self.names = self.names, dict(self.names)
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            self.bind(ast.Name(argument.arg), self.annotated(argument.annotation))
        if (given := self.annotated(node.returns)) is not None:
            self.members[node.name] = given
        self.generic_visit(node)
        self.names = kept

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's name

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for each, value in zip(target.elts, node.value.elts, strict=False):
                    self.bind(each, self.kind(value))
            else:
                self.bind(target, self.kind(node.value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.bind(node.target, self.annotated(node.annotation) or self.kind(node.value))
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.bind(node.target, self.kind(node.value))
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self.walk(node.target, node.iter)
        self.generic_visit(node)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        for generator in node.generators:
            self.walk(generator.target, generator.iter)
        self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815 - ast's names

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner = self.kind(node.value)
        if isinstance(owner, type) and owner.__name__ in FIELDS and node.attr in FIELDS[owner.__name__]:
            self.read.add((_declarer(owner, node.attr), node.attr))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """``getattr(section, name)`` with a name that is computed reads any of them."""
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, name, *_]) if not isinstance(name, ast.Constant):
                kind = self.kind(owner)
                if isinstance(kind, type) and kind.__name__ in FIELDS:
                    self.read |= {(_declarer(kind, field), field) for field in FIELDS[kind.__name__]}
        self.generic_visit(node)


def _declarer(section: type, field: str) -> str:
    """The class that declares a field, where it is inherited."""
    return next(one.__name__ for one in section.__mro__ if field in one.__annotations__)


def reads(source: str) -> set[tuple[str, str]]:
    """What a module reads of the settings: class and field.  Twice, so that members are known wherever they are set."""
    tree = ast.parse(source)
    first = Reader({})
    first.visit(tree)
    second = Reader(first.members)
    second.visit(tree)
    return second.read


def test_a_read_is_one_of_that_table_and_not_of_a_name_that_is_the_same() -> None:
    text = """
def port_of(settings, form):
    gateway = settings.gateway
    for name, provider in settings.providers.items():
        print(provider.proxy, [key.quota for key in provider.keys])
    return gateway.port, form.host, other.theme
class A:
    def __init__(self, guard: GuardSettings): self._guard = guard
    def on(self): return self._guard.enabled
"""
    assert {one for one in reads(text) if one[0] != "Settings"} == {
        ("GatewaySettings", "port"), ("ProviderSettings", "proxy"), ("ProviderSettings", "keys"), ("KeyRef", "quota"),
        ("GuardSettings", "enabled"),
    }  # fmt: skip


def declared() -> Iterator[tuple[str, str]]:
    """Every entry of every table, by the class that declares it."""
    for name, section in SECTIONS.items():
        yield from ((_declarer(section, field), field) for field in FIELDS[name] if field != "given")


def test_every_setting_has_a_reader() -> None:
    found: set[tuple[str, str]] = set()
    for path in SOURCE.rglob("*.py"):
        if not str(path.relative_to(SOURCE)).startswith(DESCRIBING):
            found |= reads(path.read_text())
    unread = sorted(f"{section}.{field}" for section, field in set(declared()) - found)
    assert unread == []
