"""A text to many, with what is known of each filled in."""

from __future__ import annotations

import pytest

from server.cases.variables import MissingError, filled, record_kinds, values_of_record, variables
from server.protocol import Record


def test_values_are_filled_in_once() -> None:
    text = "Dear {name}, order {order.number} ({order.state}) {not a variable} {} {{name}}"
    values = {"name": "{city}", "order.number": "A-7", "order.state": "paid", "city": "x"}
    assert filled(text, values) == "Dear {city}, order A-7 (paid) {not a variable} {} {{city}}"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(MissingError) as raised:
        filled("{name} {order.number} {order.number}", {"name": ""})
    assert raised.value.names == ["name", "order.number"]


def test_names_and_kinds() -> None:
    assert variables("{b} {a.x} {b} {A} {a..b}") == ["b", "a.x"]
    assert record_kinds("{name} {order.number}", "{payment.amount}") == ["order", "payment"]


def test_a_record_has_its_own_names_and_its_details() -> None:
    record = Record(
        id=1, kind="order", external_id="7", state="paid", details={"place": "Sochi", "state": "?"}
    )
    assert values_of_record(record) == {"order.number": "7", "order.state": "paid", "order.place": "Sochi"}
