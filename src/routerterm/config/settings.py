"""The person's settings: ``config.toml`` and the environment, read once and checked.

A file that was found good is kept as values beside the program's state.  As long as the file's size and time and this
version are the same, those are read instead: they need no pydantic, which takes longer than the rest of a start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from routerterm import __version__
from routerterm.config import atomic_file, schema
from routerterm.config.paths import Paths
from routerterm.config.schema import Settings
from routerterm.core.errors import SettingsError

if TYPE_CHECKING:
    from routerterm.config.problems import Problem

Stamp = tuple[str, int, int, int, str]


class _Snapshot(Struct, frozen=True):
    """Settings that were found good, and of which file by which program."""

    stamp: Stamp
    settings: Settings


def load_settings(paths: Paths, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this person.  Raises `SettingsError` that names file, line and the nearest valid name."""
    stamp = _stamp(paths)
    settings = Settings() if stamp is None else _kept(paths, stamp)
    if settings is None:
        from routerterm.config.problems import first_of

        settings, problems = _checked(read_text(paths))
        if problems:
            raise first_of(problems, paths.config_file)
        assert settings is not None, "without a problem there are settings"
        if stamp is not None:
            _keep(paths, stamp, settings)
    return _with_environment(settings, os.environ if environ is None else environ)


def check_settings(
    paths: Paths, environ: Mapping[str, str] | None = None
) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The settings as far as they can be read, and everything that is wrong with them."""
    return check_text(read_text(paths), environ)


def check_text(text: str, environ: Mapping[str, str] | None = None) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The same for the text of a ``config.toml``."""
    settings, problems = _checked(text)
    if settings is not None:
        settings = _with_environment(settings, os.environ if environ is None else environ)
    return settings, problems


def read_text(paths: Paths) -> str:
    """The text of ``config.toml``; empty where there is none.  Raises `SettingsError`."""
    try:
        return paths.config_file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise SettingsError(f"{paths.config_file} is not UTF-8 text.", "Save it as UTF-8.") from None
    except NotADirectoryError:
        raise SettingsError(
            f"{paths.config_file.parent} is not a folder.", "Move it away, or name another place in ROUTERTERM_HOME."
        ) from None
    except OSError as error:
        raise SettingsError(
            f"{paths.config_file} cannot be read: {error.strerror}.", "Look at its owner and permissions."
        ) from error


def _checked(text: str) -> tuple[Settings | None, tuple[Problem, ...]]:
    import tomllib
    from decimal import Decimal

    from pydantic import ValidationError

    from routerterm.config.problems import from_syntax, from_validation, in_place
    from routerterm.config.reference_checks import check_names, known_here
    from routerterm.config.toml_positions import positions
    from routerterm.config.validation import model_of, validated

    try:
        body: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        return None, (from_syntax(error),)
    lines = positions(text)
    try:
        settings = validated(body)
    except ValidationError as error:
        return None, from_validation(error, model_of(Settings), lines)
    wrong = check_names(settings, known_here()) if body else ()
    return settings, tuple(in_place(problem, lines) for problem in wrong)


def _stamp(paths: Paths) -> Stamp | None:
    """What a snapshot must agree with: the file as it is now, and the program; None where there is no file."""
    try:
        found = os.stat(paths.config_file)
    except FileNotFoundError:
        return None
    except OSError:
        return _NEVER
    code = os.stat(schema.__file__)
    return str(paths.config_file), found.st_size, found.st_mtime_ns, code.st_mtime_ns, __version__


_NEVER: Stamp = ("", -1, -1, -1, "")
"""Agrees with nothing: the file is read, and says itself what is wrong with it."""


def _kept(paths: Paths, stamp: Stamp) -> Settings | None:
    try:
        found = msgspec.msgpack.decode(_snapshot_file(paths).read_bytes(), type=_Snapshot)
    except (OSError, msgspec.MsgspecError):
        return None  # none yet, or of another version: the file itself is read
    return found.settings if found.stamp == stamp and stamp != _NEVER else None


def _keep(paths: Paths, stamp: Stamp, settings: Settings) -> None:
    if stamp == _NEVER or _stamp(paths) != stamp:  # changed while it was read
        return
    file = _snapshot_file(paths)
    with suppress(OSError):  # a disk that cannot be written costs the next start a check, nothing else
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_file.atomic_write(file, msgspec.msgpack.encode(_Snapshot(stamp, settings)))


def _snapshot_file(paths: Paths) -> Path:
    return paths.state / "settings.snapshot"


def _with_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with what the environment says instead: ``AI_PROXY_URL``, else ``PROXY_URL``."""
    proxy = environ.get("AI_PROXY_URL") or environ.get("PROXY_URL")
    return replace(settings, router=replace(settings.router, proxy=proxy)) if proxy else settings
