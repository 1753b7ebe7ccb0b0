"""Messages whose fields are their annotations."""

from __future__ import annotations

import pytest

from routerterm.tui.data_message import DataMessage


class Told(DataMessage):
    """Has one."""

    text: str


class ToldMore(Told):
    """Has two."""

    count: int


class Nothing(DataMessage):
    """Has none."""


def test_fields_are_given_by_place_or_name() -> None:
    message = ToldMore("so", count=2)
    assert (message.text, message.count, ToldMore.handler_name) == ("so", 2, "on_told_more")
    assert not vars(Nothing()).keys() & {"text", "count"}


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), (("a", 1, 2), {}), (("a",), {"other": 1}), (("a", 1), {"x": 1})]
)
def test_other_fields_are_refused(values: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="ToldMore takes text, count"):
        ToldMore(*values, **named)
