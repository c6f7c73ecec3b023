"""Checks of numbers: bounds on both sides, and messages that stay short."""

import math

import pytest

from searchspace import InputError
from searchspace.checks import check_at_least, check_integer, check_integers, parse_amount, shown


def test_bounds_belong_to_what_is_allowed() -> None:
    check_integer(1, 3, low=1, high=3)
    check_integer(0, largest=2**31 - 1)
    check_at_least(0, 1, low=0, high=1, between=0.5)
    check_integers(1, 9, sizes=[1, 9])


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1", None, [1], math.nan])
def test_what_is_no_whole_number_from_the_least_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="depth must be a whole number of at least 1, got "):
        check_integer(1, depth=value)


@pytest.mark.parametrize("value", [2**31, 2**63, 10**21, 10**5000], ids=range(4))
def test_what_is_too_large_is_refused_in_a_short_sentence(value: int) -> None:
    for check in (check_integer, check_integers):
        with pytest.raises(InputError, match="depth.* must be at most 2147483647, got ") as raised:
            check(1, depth=value if check is check_integer else [value])
        assert len(str(raised.value)) < 300


@pytest.mark.parametrize("value", [-1, math.inf, math.nan, True, "1", None])
def test_numbers_are_finite(value: object) -> None:
    with pytest.raises(InputError, match="lr must be a number of at least 0, got "):
        check_at_least(0, lr=value)


@pytest.mark.parametrize("value", [10**300, 10**5000, 1e39], ids=range(3))
def test_numbers_have_a_bound(value: float) -> None:
    with pytest.raises(InputError, match="lr must be at most 3e[+]38, got "):
        check_at_least(0, lr=value)


def test_messages_repeat_the_start_of_a_long_value() -> None:
    assert shown([1, 2]) == "[1, 2]"
    assert len(shown("x" * 10_000)) < 300
    assert shown(10**5000) == "a value that is too long to print"


@pytest.mark.parametrize(
    ("text", "number"),
    [("50M", 50e6), ("1.5m", 1.5e6), (" 800k ", 8e5), ("7", 7), ("1e6", 1e6), (3, 3), (0.5, 0.5)],
)
def test_amounts_have_units(text: str | float, number: float) -> None:
    assert parse_amount(text) == number


@pytest.mark.parametrize(
    "text", ["1e400", "１", "+3", "-1", "0", "1_000", "nan", "M", "", "9" * 300, True, None]
)
def test_other_amounts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected a number above 0 like 50M"):
        parse_amount(text)
