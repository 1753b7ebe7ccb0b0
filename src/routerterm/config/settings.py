"""The person's settings: ``config.toml`` and the environment, read once and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from routerterm.config.paths import Paths
from routerterm.config.problems import Problem, first_of, from_syntax, from_validation, in_place
from routerterm.config.schema import (
    BudgetSettings,
    GatewaySettings,
    GuardSettings,
    KeysSettings,
    ModelSettings,
    ProviderSettings,
    RouterSettings,
    RouteSettings,
    Section,
    UiSettings,
)
from routerterm.core.errors import SettingsError


class Settings(Section):
    """All of ``config.toml``."""

    router: RouterSettings = RouterSettings()
    """How requests are routed."""
    routes: dict[str, RouteSettings] = Field(default_factory=dict)
    """Your own routes, or other models for the built-in ones."""
    aliases: dict[str, str] = Field(default_factory=dict)
    """Short names for models or routes."""
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    """Providers: your own, or changes to those that are built in."""
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    """What you know better about a model, by its name provider/model."""
    budget: BudgetSettings = BudgetSettings()
    """What may be spent."""
    guard: GuardSettings = GuardSettings()
    """What must not leave the machine."""
    gateway: GatewaySettings = GatewaySettings()
    """The local server through which other programs use this router."""
    ui: UiSettings = UiSettings()
    """How the chat looks and behaves."""
    keys: KeysSettings = KeysSettings()
    """Where API keys are kept."""
    bindings: dict[str, str] = Field(default_factory=dict)
    """Keys by command, separated by commas; none takes a command's keys away."""


def load_settings(paths: Paths, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this person.  Raises `SettingsError` that names file, line and the nearest valid name."""
    settings, problems = check_settings(paths, environ)
    if problems:
        raise first_of(problems, paths.config_file)
    assert settings is not None
    return settings


def check_settings(
    paths: Paths, environ: Mapping[str, str] | None = None
) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The settings as far as they can be read, and everything that is wrong with them."""
    return check_text(read_text(paths), environ)


def check_text(text: str, environ: Mapping[str, str] | None = None) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The same for the text of a ``config.toml``."""
    import tomllib
    from decimal import Decimal

    from pydantic import ValidationError

    from routerterm.config.reference_checks import check_names, known_here
    from routerterm.config.toml_positions import positions

    try:
        body: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        return None, (from_syntax(error),)
    try:
        settings = Settings.model_validate(body)
    except ValidationError as error:
        return None, from_validation(error, Settings, positions(text))
    lines = positions(text)
    wrong = check_names(settings, known_here()) if body else ()
    problems = tuple(in_place(problem, lines) for problem in wrong)
    return _with_environment(settings, os.environ if environ is None else environ), problems


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


def _with_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with what the environment says instead: ``AI_PROXY_URL``, else ``PROXY_URL``."""
    proxy = environ.get("AI_PROXY_URL") or environ.get("PROXY_URL")
    if not proxy:
        return settings
    return settings.model_copy(update={"router": settings.router.model_copy(update={"proxy": proxy})})
