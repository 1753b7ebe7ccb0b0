"""Where things lie: settings, history, themes and the small local model's weights.

``ROUTERTERM_HOME`` puts everything under one folder; otherwise each system's own folders are used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from routerterm.core.errors import StoreError

HOME_VARIABLE = "ROUTERTERM_HOME"
MODEL_VARIABLE = "ROUTERTERM_MODEL_DIR"
"""Where the local model's weights lie, if elsewhere: a folder that several homes share."""


class Paths(Struct, frozen=True):
    """The places of one person's routerterm.  None need exist yet."""

    config_file: Path
    """The settings, ``config.toml``."""
    data: Path
    """What must not be lost: the history, the vault of keys."""
    state: Path
    """What may be lost: logs, the last crash."""
    models: Path
    """Weights of local models."""

    @classmethod
    def find(cls, environ: Mapping[str, str] | None = None) -> Paths:
        """The places on this machine, for this environment (the process's own where None is given)."""
        environ = os.environ if environ is None else environ
        if home := environ.get(HOME_VARIABLE):
            paths = cls._under(Path(home).expanduser().absolute())
        else:
            paths = cls._of_the_system()
        if models := environ.get(MODEL_VARIABLE):
            return cls(paths.config_file, paths.data, paths.state, Path(models).expanduser().absolute())
        return paths

    @classmethod
    def _under(cls, home: Path) -> Paths:
        return cls(home / "config.toml", home, home / "state", home / "models")

    @classmethod
    def _of_the_system(cls) -> Paths:
        from platformdirs import PlatformDirs

        dirs = PlatformDirs("routerterm", appauthor=False)
        data = dirs.user_data_path
        return cls(dirs.user_config_path / "config.toml", data, dirs.user_state_path, data / "models")

    @property
    def database(self) -> Path:
        """The history, ``history.db``."""
        return self.data / "history.db"

    @property
    def user_themes(self) -> Path:
        """The person's own themes, beside the settings."""
        return self.config_file.parent / "themes"

    def theme_dirs(self) -> tuple[Path, ...]:
        """Folders to look for themes in: ours first, then the person's, which may replace one of ours by name."""
        return (built_in_themes(), self.user_themes)

    def make(self) -> None:
        """Make the folders of settings, data and state, for this person alone (0700).  Raises `StoreError`."""
        for folder in (self.config_file.parent, self.data, self.state):
            make_private_folder(folder)


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, unless it is there already.  Raises `StoreError`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be created: {error.strerror}.",
            f"Make it writable, or set {HOME_VARIABLE} to a folder that is.",
        ) from error


def built_in_themes() -> Path:
    """The themes that come with the program: in the package once installed, beside ``src`` in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent.parent / "themes"
