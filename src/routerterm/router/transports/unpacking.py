"""Packed bodies, unpacked within bounds: piece by piece, and never to more than an honest answer can be.

400 kB of gzip can be 400 MB of blanks.  So no piece is larger than `PIECE`, the caller may let others run between two
of them, and what grows beyond `RATIO` times its size is refused once it is more than `FREE` bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

PIECE = 32 * 1024
"""The most bytes that are given at once."""
RATIO = 100
"""How many times its size a body may become.  Streams of JSON reach 10 to 30; zlib's limit is 1,032."""
FREE = 256 * 1024
"""Bytes that any body may become: a short one may well be all alike."""
_LAYERS = 4
"""Codings in a row; more are no accident (curl stops at five)."""
_DEFLATE = zlib.MAX_WBITS
_GZIP = zlib.MAX_WBITS | 16
_CODINGS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _DEFLATE}
_REFUSED = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})
"""Real codings that were not asked for and cannot be unpacked."""


class NotUnpacked(ValueError):
    """A body that is broken, packed in a way that was not asked for, or grows beyond all bounds; says which."""


class Unpacker:
    """Undoes the codings of one body.  ``coding`` is the header Content-Encoding.

    ``ratio`` is how many times its size a body may become; None where the caller stops at a size of its own.
    """

    def __init__(self, coding: str, *, ratio: int | None = RATIO) -> None:
        words = [word.strip().lower() for word in coding.split(",")]
        refused = next((word for word in words if word in _REFUSED), None)
        if refused is not None:
            raise NotUnpacked(f"it is compressed as {refused}, which was not requested")
        layers = [_Layer(_CODINGS[word], ratio) for word in reversed(words) if word in _CODINGS]
        if len(layers) > _LAYERS:
            raise NotUnpacked(f"it is compressed {len(layers)} times")
        self._layers = layers

    def __bool__(self) -> bool:
        """Whether there is anything to undo: what is no coding (``none``, ``utf-8``) is passed over."""
        return bool(self._layers)

    @property
    def is_whole(self) -> bool:
        """Whether every coding has come to its own end, so that nothing is missing."""
        return all(layer.is_whole for layer in self._layers)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes become, as little of it at a time as is asked for.  Raises `NotUnpacked`."""
        pieces: Iterable[bytes] = (data,)
        for layer in self._layers:
            pieces = layer.unpacked(pieces)
        return iter(pieces)


class _Layer:
    """One coding: gzip with all its members, or deflate with or without the wrapping of zlib."""

    def __init__(self, bits: int, ratio: int | None) -> None:
        self._bits = bits
        self._ratio = ratio
        self._unpack: zlib._Decompress | None = None
        self._head = b""
        self._came = 0
        self._gave = 0
        self._later = False
        """Whether a member has come to its end."""
        self._over = False

    @property
    def is_whole(self) -> bool:
        """Whether its last member is complete."""
        return self._later and self._unpack is None

    def unpacked(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """What they become."""
        for piece in pieces:
            try:
                yield from self._inflated(piece)
            except zlib.error:
                raise NotUnpacked("it is damaged") from None

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        data = self._head + data
        self._head = b""
        while data and not self._over:
            unpack = self._unpack or self._begin(data)
            if unpack is None:
                return
            yield from self._some(unpack, data)
            if not unpack.eof:
                return
            data = unpack.unused_data
            self._unpack = None
            self._later = True
            self._over = self._bits != _GZIP

    def _some(self, unpack: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        """What one member makes of the data, up to the member's end."""
        while True:
            piece = unpack.decompress(data, PIECE)
            self._gave += len(piece)
            self._came += len(data) - len(unpack.unconsumed_tail) - len(unpack.unused_data)
            if self._ratio is not None and self._gave > FREE and self._gave > self._ratio * self._came:
                raise NotUnpacked(f"it decompresses to more than {self._ratio} times its size")
            if piece:
                yield piece
            data = unpack.unconsumed_tail
            if unpack.eof or (not data and len(piece) < PIECE):
                return

    def _begin(self, data: bytes) -> zlib._Decompress | None:
        """What unpacks from here on; None where more must come first, or nothing that counts does.

        Another member may follow the first of gzip (RFC 1952), or zeros that fill a block.  Servers send deflate
        with zlib's wrapping (RFC 9110) and without; the first two bytes tell.
        """
        bits = self._bits
        if bits == _GZIP:
            if self._later and data[0] != 0x1F:
                self._over = True
                return None
        elif len(data) < 2:
            self._head = data
            return None
        elif data[0] & 15 != 8 or (data[0] << 8 | data[1]) % 31:
            bits = -bits
        self._unpack = zlib.decompressobj(bits)
        return self._unpack
