"""Messages of widgets that carry values."""

from __future__ import annotations

from typing import Any, ClassVar, dataclass_transform

from textual.message import Message


@dataclass_transform(eq_default=False)
class DataMessage(Message):
    """Its fields are its annotations, as with a dataclass.

    A dataclass compiles the methods of each class when it is imported, a fifth of a millisecond for each: for the
    messages of the chat that was a fiftieth of the program's start.
    """

    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._fields = (*cls._fields, *vars(cls).get("__annotations__", ()))

    def __init__(self, *values: Any, **named: Any) -> None:
        given = dict(zip(self._fields, values, strict=False), **named)
        if len(values) > len(self._fields) or given.keys() != set(self._fields):
            raise TypeError(f"{type(self).__name__} takes {', '.join(self._fields) or 'nothing'}")
        for name, value in given.items():
            setattr(self, name, value)
        super().__init__()
