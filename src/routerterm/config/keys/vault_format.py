"""The format of our encrypted vault, version 1.  Pure: bytes to entries and back, given the derived key.

One file:

    offset  size
         0     8  magic, ``rtvault`` and a zero byte
         8     1  version of the format, 1
         9     1  scrypt: binary logarithm of N
        10     1  scrypt: r
        11     1  scrypt: p
        12    16  scrypt: salt, new with each passphrase
        28    16  verifier of the passphrase: the last 16 bytes of what scrypt derives
        44    12  AES-GCM nonce, new with each writing
        56     4  length n of the sealed text, big endian
        60     n  AES-256-GCM of the entries, tag included; bytes 0 to 60 are authenticated with it
      60+n    32  SHA-256 of everything before

scrypt derives 48 bytes: 32 are the key, 16 the verifier.  The entries are a JSON object of name to key,
padded with blanks to a multiple of 512, so that the file's size tells neither their number nor their length.

The checksum tells damage (a bad disk, a file cut short) from a wrong passphrase without asking for one;
against someone who can compute checksums, it is the tag that holds.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Mapping

from msgspec import Struct

from routerterm.config.keys.errors import VaultDamaged, WrongPassphrase

MAGIC = b"rtvault\0"
VERSION = 1
DERIVED = 48
_HEAD = struct.Struct(">8sBBBB16s16s12sI")
_CHECKSUM = 32
_PAD = 512
_LARGEST = 1 << 20
_KEEP = "Your keys are not lost if you have a copy: put it back. Otherwise move the file away and add the keys again."


class Cost(Struct, frozen=True):
    """What scrypt is made to spend: ``128 * r * 2**log_n`` bytes of memory, ``p`` times."""

    log_n: int = 16
    r: int = 8
    p: int = 1

    @property
    def sane(self) -> bool:
        """Whether it is neither a joke nor more than a small computer has (256 MiB)."""
        return 10 <= self.log_n <= 18 and 1 <= self.r <= 16 and 1 <= self.p <= 4 and (self.r << self.log_n) <= 1 << 21


class Lock(Struct, frozen=True):
    """What stands before the entries: all that is needed to derive and check a key."""

    cost: Cost
    salt: bytes
    verifier: bytes

    def fits(self, derived: bytes) -> bool:
        """Whether this is the derived key of the passphrase."""
        return len(derived) == DERIVED and hmac.compare_digest(derived[32:], self.verifier)


class Sealed(Struct, frozen=True):
    """A vault as it lies on the disk, whole but closed."""

    lock: Lock
    head: bytes
    nonce: bytes
    body: bytes


def derive(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """The 48 bytes that a passphrase gives; takes a few tenths of a second on purpose."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    scrypt = Scrypt(salt=salt, length=DERIVED, n=1 << cost.log_n, r=cost.r, p=cost.p)
    return scrypt.derive(passphrase.encode("utf-8", "surrogatepass"))


def seal(entries: Mapping[str, str], derived: bytes, lock: Lock, nonce: bytes) -> bytes:
    """The file that holds the entries.  ``nonce`` is 12 bytes of chance, never used before."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    plain = json.dumps(dict(entries), separators=(",", ":")).encode()
    plain += b" " * (-len(plain) % _PAD)
    head = _HEAD.pack(
        MAGIC, VERSION, lock.cost.log_n, lock.cost.r, lock.cost.p, lock.salt, lock.verifier, nonce, len(plain) + 16
    )
    data = head + AESGCM(derived[:32]).encrypt(nonce, plain, head)
    return data + hashlib.sha256(data).digest()


def parse(data: bytes) -> Sealed:
    """The closed vault in a file's bytes.  Raises `VaultDamaged`."""
    if len(data) < _HEAD.size:
        raise VaultDamaged("The vault file is truncated: its header is incomplete.", _KEEP)
    magic, version, log_n, r, p, salt, verifier, nonce, length = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise VaultDamaged("The file is not a routerterm vault, or its header is damaged.", _KEEP)
    whole = _HEAD.size + length + _CHECKSUM
    intact = hmac.compare_digest(hashlib.sha256(data[:-_CHECKSUM]).digest(), data[-_CHECKSUM:])
    if version != VERSION and intact:
        raise VaultDamaged(
            f"The vault has format {version}; this version of routerterm supports only format {VERSION}.",
            "Use a newer routerterm.",
        )
    if length <= _LARGEST and len(data) < whole:
        raise VaultDamaged(f"The vault file is truncated: it has {len(data)} of {whole} bytes.", _KEEP)
    cost = Cost(log_n, r, p)
    if not intact or len(data) != whole or not cost.sane:
        raise VaultDamaged("The vault is damaged: its checksum is wrong.", _KEEP)
    return Sealed(Lock(cost, salt, verifier), data[: _HEAD.size], nonce, data[_HEAD.size : -_CHECKSUM])


def unseal(sealed: Sealed, derived: bytes) -> dict[str, str]:
    """The entries.  Raises `WrongPassphrase` or `VaultDamaged`."""
    if not sealed.lock.fits(derived):
        raise WrongPassphrase("That passphrase does not open the vault.", "Check Caps Lock and the keyboard layout.")
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        entries = json.loads(AESGCM(derived[:32]).decrypt(sealed.nonce, sealed.body, sealed.head))
    except InvalidTag as error:
        raise VaultDamaged("The vault was changed by another program.", _KEEP) from error
    return {str(name): str(key) for name, key in entries.items()}
