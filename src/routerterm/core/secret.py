"""A secret that cannot be shown by accident: its ``repr``, ``str`` and format are masked."""

from __future__ import annotations


class Secret:
    """An API key.  Only `reveal` gives it away, and only the transport calls that."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, for the wire."""
        return self._value

    def __str__(self) -> str:
        return mask(self._value)

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(mask(self._value), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not written anywhere")


def mask(value: str) -> str:
    """``sk-****1234``: the public prefix and the last four, of a key long enough to spare them."""
    head = value[: value.find("-") + 1] if 0 < value.find("-") <= 4 else ""
    return f"{head}****{value[-4:]}" if len(value) >= 16 else "****"
