"""The certificates that are trusted: the system's own store, read once for all transports, when first needed."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path

from routerterm.core.errors import Unreachable

_HINT = "Correct {name}, or unset it to use the system's certificates."


class Certificates:
    """Reads them in a thread: a system's store takes a tenth of a second and more on a small computer."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    async def __call__(self) -> ssl.SSLContext:
        """The context of every connection.  Raises `Unreachable` that names the variable which is wrong."""
        if self._context is not None:
            return self._context
        return await asyncio.to_thread(self._read)

    def _read(self) -> ssl.SSLContext:
        with self._lock:  # the first requests often leave together
            found = self._context or read(self._environ)
            self._context = found
            return found


def read(environ: Mapping[str, str]) -> ssl.SSLContext:
    """What SSL_CERT_FILE or SSL_CERT_DIR names, else the system's.  Raises `Unreachable`.

    OpenSSL passes over a file that is not there, and then trusts nobody: every server would seem to be forged.
    """
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if folder is not None and not Path(folder).is_dir():
        raise _wrong("SSL_CERT_DIR", folder, "it is not a folder")
    try:
        if file is None and folder is None and _lacks_store():
            import certifi  # Python from python.org on macOS, and bare containers; httpx needs it anyway

            context = ssl.create_default_context(cafile=certifi.where())
        else:
            context = ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:  # an SSLError is one: what is there holds no certificates
        reason = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror or "cannot be read"
        raise _wrong("SSL_CERT_FILE", file or "a file", reason) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _lacks_store() -> bool:
    """Whether OpenSSL's own places are empty and no other store is there (Windows has one)."""
    if getattr(ssl, "enum_certificates", None) is not None:
        return False  # Windows
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return False
    try:
        return not paths.capath or not any(Path(paths.capath).iterdir())
    except OSError:
        return True


def _wrong(name: str, value: str, reason: str) -> Unreachable:
    return Unreachable(f"{name} names {value}, which cannot be used: {reason}.", _HINT.format(name=name), code="tls")
