"""Lists of models that were fetched since this version was made, kept in one file with their dates."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from routerterm.catalog.rows import Listing, model_info
from routerterm.config.atomic_file import atomic_write
from routerterm.config.paths import Paths

log = logging.getLogger(__name__)


def kept_file(paths: Paths) -> Path:
    """Where they lie; the file may be deleted at any time."""
    return paths.state / "models.json"


def read_kept(paths: Paths) -> dict[str, Listing]:
    """What is kept by provider; a broken file is as good as none."""
    try:
        body = json.loads(kept_file(paths).read_bytes())
        found = {name: Listing(row["date"], tuple(row["sources"]), row["models"]) for name, row in body.items()}
        for name, listing in found.items():
            for id, row in listing.models.items():
                model_info(name, id, row, listing.date)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("the kept lists of models cannot be read: %s", type(error).__name__)
        return {}
    return found


def keep(paths: Paths, fresh: Mapping[str, Listing]) -> None:
    """Put these in place of what was kept of the same providers; whole or not at all.  Raises `OSError`."""
    merged = read_kept(paths) | dict(fresh)
    body = {
        name: {"date": listing.date, "sources": list(listing.sources), "models": dict(listing.models)}
        for name, listing in sorted(merged.items())
    }
    file = kept_file(paths)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(file, json.dumps(body, ensure_ascii=False, separators=(",", ":")))
