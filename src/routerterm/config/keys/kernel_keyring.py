"""A small secret in the kernel's own keyring, for a limited time: it never touches a disk and outlives the program.

``libkeyutils`` is on practically every Linux; where it is missing, or a sandbox forbids the calls, nothing
is kept and the program remembers for itself only.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

_USER_KEYRING = -4
_SESSION_KEYRING = -3
_PREFIX = b"routerterm:"
# The holder may do everything; the same user's other logins may view, read, search and revoke, nobody else a thing.
_PERMISSIONS = 0x3F000000 | 0x002F0000


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        library = ctypes.CDLL("libkeyutils.so.1", use_errno=True)
        library.add_key.argtypes = [
            ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int32,
        ]  # fmt: skip
        library.add_key.restype = ctypes.c_int32
        library.keyctl_search.argtypes = [ctypes.c_int32, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int32]
        library.keyctl_search.restype = ctypes.c_long
        library.keyctl_read.argtypes = [ctypes.c_int32, ctypes.c_char_p, ctypes.c_size_t]
        library.keyctl_read.restype = ctypes.c_long
        library.keyctl_set_timeout.argtypes = [ctypes.c_int32, ctypes.c_uint]
        library.keyctl_setperm.argtypes = [ctypes.c_int32, ctypes.c_uint32]
        library.keyctl_revoke.argtypes = [ctypes.c_int32]
        library.keyctl_link.argtypes = [ctypes.c_int32, ctypes.c_int32]
    except (OSError, AttributeError):
        return None
    return library


class KernelKeyring:
    """Keeps secrets of at most a few hundred bytes under a name, for ``seconds`` after they were last asked for."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def keep(self, name: str, secret: bytes) -> bool:
        """Whether the kernel took it."""
        library = _library()
        if library is None or self.seconds <= 0:
            return False
        # A login without the user's keyring in reach may add there, but not read back, unless it is linked.
        library.keyctl_link(_USER_KEYRING, _SESSION_KEYRING)
        key = library.add_key(b"user", _PREFIX + name.encode(), secret, len(secret), _USER_KEYRING)
        if key < 0:
            return False
        if library.keyctl_set_timeout(key, self.seconds) != 0 or library.keyctl_setperm(key, _PERMISSIONS) != 0:
            library.keyctl_revoke(key)
            return False
        return True

    def recall(self, name: str) -> bytes | None:
        """What was kept, and its time begins anew."""
        library, key = self._find(name)
        if library is None or key < 0:
            return None
        import ctypes

        buffer = ctypes.create_string_buffer(512)
        length = library.keyctl_read(key, buffer, len(buffer))
        if not 0 < length <= len(buffer):
            return None
        if self.seconds > 0:
            library.keyctl_set_timeout(key, self.seconds)
        return buffer.raw[:length]

    def forget(self, name: str) -> None:
        """Revoke it, for every program that shares it."""
        library, key = self._find(name)
        if library is not None and key >= 0:
            library.keyctl_revoke(key)

    def _find(self, name: str) -> tuple[ctypes.CDLL | None, int]:
        library = _library()
        if library is None:
            return None, -1
        return library, int(library.keyctl_search(_USER_KEYRING, b"user", _PREFIX + name.encode(), 0))
