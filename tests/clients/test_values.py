"""The values of condition keys and claims that the Python client accepts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest

from rolecall_client.queries import query
from rolecall_client.requests import can_i_request


class Level(IntEnum):
    """A number with a name."""

    HIGH = 3


class OddFloat(float):
    """A number whose `repr` is no number, as in NumPy."""

    def __repr__(self) -> str:
        return f"OddFloat({float(self)})"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("x", ["x"]),
        (["x", "y"], ["x", "y"]),
        ((), []),
        (True, ["true"]),
        ([True, False], ["true", "false"]),
        (42, ["42"]),
        (Level.HIGH, ["3"]),
        (0.1, ["0.1"]),
        (1e22, ["10000000000000000000000"]),
        (-1.5e-7, ["-0.00000015"]),
        (Decimal("1E+3"), ["1000"]),
        (0, ["0"]),
        (-0.0, ["-0.0"]),
        (OddFloat(2.5), ["2.5"]),
        (10**300, ["1" + "0" * 300]),
        (5e-324, [f"0.{'0' * 323}5"]),
        ([1, "2", 3.5], ["1", "2", "3.5"]),
        ((str(number) for number in range(2)), ["0", "1"]),
        ({"k": "v"}.keys(), ["k"]),
    ],
)
def test_text_booleans_and_numbers_are_sent_as_text(value: Any, sent: list[str]) -> None:
    asked = query("acs:ram::1:user/a", "r", context={"acs:MFAPresent": value})

    assert list(asked.context["acs:MFAPresent"].values) == sent


@pytest.mark.parametrize("value", [None, object(), {"a": 1}, b"x", bytearray(b"x"), [None], [["x"]], 1j])
def test_a_value_of_another_type_is_refused_with_its_key(value: Any) -> None:
    with pytest.raises(TypeError, match=r"the value of `acs:X` is of the type `\w+`; give text, a boolean or a number"):
        query("acs:ram::1:user/a", "r", context={"acs:X": value})


@pytest.mark.parametrize("value", [10**500, -(10**4_000), Decimal("1E+999999"), Decimal("1E-999999")])
def test_a_number_of_endless_digits_is_refused_with_its_key(value: int | Decimal) -> None:
    with pytest.raises(ValueError, match=r"`acs:X` has more than 400 digits"):
        query("acs:ram::1:user/a", "r", context={"acs:X": value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), [1.0, float("-inf")]])
def test_what_is_no_number_is_refused_with_its_key(value: float | Decimal | Iterable[float]) -> None:
    with pytest.raises(ValueError, match=r"`acs:X` is `.*`, which is no number"):
        query("acs:ram::1:user/a", "r", context={"acs:X": value})


def test_claims_and_the_keys_of_an_access_are_values_of_the_same_kinds() -> None:
    asked = query("acs:ram::1:oidc-provider/p", "r", claims={"oidc:level": 3})
    access = can_i_request("ram:GetRole", "*", {"acs:MFAPresent": True, "acs:SourceIp": "10.0.0.1"})

    assert list(asked.federated.claims["oidc:level"].values) == ["3"]
    assert {key: list(values.values) for key, values in access.context.items()} == {
        "acs:MFAPresent": ["true"],
        "acs:SourceIp": ["10.0.0.1"],
    }
