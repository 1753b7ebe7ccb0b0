"""What is told of requests to those who want it: a log of lines of JSON, and traces.  Never a word that was said."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from io import FileIO, TextIOWrapper
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routerterm.config.paths import Paths
    from routerterm.config.schema import GatewaySettings
    from routerterm.gateway.request_record import RequestRecord
    from routerterm.gateway.traces import Tracer

LOG_NAME = "gateway.log"
_LARGEST, _OLDER = 2_000_000, 4
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
log = logging.getLogger(__name__)


class PrivateLog(RotatingFileHandler):
    """A log that only its owner may read, also the file that follows a full one."""

    def _open(self) -> TextIOWrapper:
        made = os.open(self.baseFilename, _FLAGS, 0o600)
        return TextIOWrapper(FileIO(made, "a"), encoding=self.encoding, write_through=True)


class RequestLogger:
    """Writes what was asked for, where it was asked for; nothing else."""

    def __init__(self, file: RotatingFileHandler | None = None, tracer: Tracer | None = None) -> None:
        self._file = file
        self._tracer = tracer

    @classmethod
    def of(cls, own: GatewaySettings, paths: Paths) -> RequestLogger:
        """As the settings say.  Raises `SettingsError` where traces are wanted and their library is not there."""
        file = None
        if own.log:
            paths.make()
            place = paths.data / LOG_NAME
            file = PrivateLog(place, maxBytes=_LARGEST, backupCount=_OLDER, encoding="utf-8", delay=True)
        tracer = None
        if own.traces:
            from routerterm.gateway.traces import Tracer

            tracer = Tracer.from_environment()
        return cls(file, tracer)

    def write(self, record: RequestRecord) -> None:
        """A request is over."""
        if self._file is not None:
            line = json.dumps(entry(record), ensure_ascii=False)
            self._file.emit(logging.LogRecord("gateway", logging.INFO, "", 0, line, None, None))
        if self._tracer is not None:
            self._tracer.record(record)

    def close(self) -> None:
        """Write what is still to be written."""
        if self._file is not None:
            self._file.close()
        if self._tracer is not None:
            self._tracer.close()


def entry(record: RequestRecord) -> dict[str, object]:
    """A request as a line of the log."""
    row = record.row
    return {
        "at": datetime.fromtimestamp(row.started_at / 1000, UTC).isoformat(timespec="milliseconds"),
        "client": row.client,
        "path": row.path,
        "asked": row.asked,
        "stream": row.stream,
        "status": row.status,
        "ending": row.ending,
        "error": record.error_kind or None,
        **record.summary(),
    }
