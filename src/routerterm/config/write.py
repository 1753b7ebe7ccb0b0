"""Changes one entry of ``config.toml`` and leaves the person's comments, order and spacing as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from routerterm.config import atomic_file
from routerterm.config.paths import Paths, make_private_folder
from routerterm.config.problems import first_of
from routerterm.config.settings import check_text, read_text
from routerterm.core.errors import SettingsError, StoreError

_STEP = re.compile(r'\s*(?:"([^"]+)"|\'([^\']+)\'|([^."\'\s]+))\s*(\.|$)')


def set_value(paths: Paths, dotted: str, value: Any, environ: Mapping[str, str] | None = None) -> None:
    """Set an entry such as ``ui.theme`` or ``models."openai/x".price_in``; None takes it out.  See `set_values`."""
    set_values(paths, {dotted: value}, environ)


def set_values(paths: Paths, values: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> None:
    """Set several entries in one step; None takes one out.  In a list that is only put into another order, every
    comment goes with its item.

    The whole file is checked before it replaces the old one, in one step.  Raises `SettingsError` where
    the result would not be valid, and `StoreError` where it cannot be written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(read_text(paths))
        for dotted, value in values.items():
            _put(document, _steps(dotted), value)
    except TOMLKitError as error:
        raise SettingsError(f"{paths.config_file} cannot be changed: {error}.", "Correct it by hand first.") from None
    text = tomlkit.dumps(document)
    _, problems = check_text(text, environ)
    if problems:
        raise first_of(problems, paths.config_file)
    write_whole(paths.config_file, text)


def write_whole(file: Path, text: str) -> None:
    """Replace a file in one step, for its owner's eyes alone (0600); a link is followed, not replaced."""
    make_private_folder(file.resolve().parent)
    try:
        atomic_file.atomic_write(file, text, follow=True)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.", "The old one is unchanged.") from error


def _steps(dotted: str) -> list[str]:
    steps, at = list[str](), 0
    while (match := _STEP.match(dotted, at)) is not None:
        steps.append(match[1] or match[2] or match[3])
        at = match.end()
        if not match[4]:
            break
    if not steps or at != len(dotted) or dotted.endswith("."):
        raise SettingsError(f"{dotted!r} is not the name of a setting.", "For example ui.theme or router.default.")
    return steps


def _put(document: MutableMapping[str, Any], steps: list[str], value: Any) -> None:
    import tomlkit

    table = document
    for step in steps[:-1]:
        if step not in table:
            if value is None:
                return
            table[step] = tomlkit.table(is_super_table=step != steps[-2])
        table = table[step]
        if not isinstance(table, MutableMapping):
            raise SettingsError(f"{step} is not a table in the settings.", "See `routerterm config show`.")
    if value is None:
        table.pop(steps[-1], None)
    else:
        old = table.get(steps[-1])
        if not (isinstance(old, tomlkit.items.Array) and isinstance(value, list) and _reordered(old, value)):
            table[steps[-1]] = _item(value)


def _reordered(array: Any, values: list[Any]) -> bool:
    """Put the items of a list in the file into another order, each with its comment; whether that was all there is."""
    groups = [group for group in array._value if group.value is not None and group.value in values]
    kept = {group.value: (group.value, group.comment) for group in groups}
    if len(kept) != len(array) or sorted(kept, key=str) != sorted(values, key=str):
        return False
    for group, value in zip(groups, values, strict=True):
        group.value, group.comment = kept[value]
    return True


def _item(value: Any) -> Any:
    """A value as tomlkit writes it; money with all its digits."""
    import tomlkit

    match value:
        case Decimal():
            return tomlkit.value(format(value, "f"))
        case Mapping():
            table = tomlkit.inline_table()
            table.update({name: _item(each) for name, each in value.items()})
            return table
        case _:
            return tomlkit.item(value)
