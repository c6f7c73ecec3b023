"""JSON and YAML: what is wrong with a text is one sentence, and nothing is read in two ways."""

import json
from typing import Any

import pytest

from searchspace import InputError
from searchspace.serialization.parsing import MAX_DEPTH, parse_json, parse_yaml

DEEP = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
MALFORMED = {
    "nested 1,000 deep": ("[" * 1000 + "]" * 1000, "at most 100 levels deep"),
    "nested 100,000 deep, without an end": ("[" * 100_000, "at most 100 levels deep"),
    "just too deep": (DEEP, "at most 100 levels deep"),
    "a whole number of 5,000 digits": ("9" * 5000, "a number has 5000 digits"),
    "a name given twice": ('{"a": 1, "b": 2, "a": 3}', "'a' is given twice"),
    "a name given twice further in": ('{"b": [{"a": 1, "a": 1}]}', "'a' is given twice"),
}


@pytest.mark.parametrize("parse", [parse_json, parse_yaml])
@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_malformed_is_one_sentence(parse: Any, case: str) -> None:
    text, message = MALFORMED[case]
    with pytest.raises(InputError, match=message) as raised:
        parse(text, "my file")
    assert str(raised.value).startswith("my file: ") and len(str(raised.value)) < 200


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_json_has_finite_numbers(text: str) -> None:
    with pytest.raises(InputError, match="my file: malformed JSON: .* is not a number"):
        parse_json(text, "my file")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="not a text file in UTF-8"):
        parse_json(b'"\xff"', "my file")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10),
        ("-3", -3),
        ("0", 0),
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("-.5", -0.5),
        ("true", True),
        ("~", None),
        ("", None),
        ("010", "010"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("2024-01-01", "2024-01-01"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'10'", "10"),
    ],
)
def test_yaml_reads_scalars_as_its_version_1_2_does(text: str, value: object) -> None:
    found = parse_yaml(text, "my file")
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("!!binary aGk=", "could not determine a constructor"),
        ("!!int abc", "'abc' is not of the kind 'int'"),
        ("!!bool 3", "'3' is not of the kind 'bool'"),
        ("!!map [1]", "expected an object"),
        ("? [1]\n: 2", "unhashable key"),
        ("a: 1\n---\nb: 2", "another document"),
        ("&a [*a]", "levels deep"),
    ],
)
def test_yaml_makes_plain_values_only(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_yaml(text, "my file")


def test_aliases_cannot_multiply_without_end() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(InputError, match="at most 2,000,000 values"):
        parse_yaml("\n".join(lines), "my file")


def test_an_alias_and_a_merge_stand_for_what_they_name() -> None:
    text = "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}"
    assert parse_yaml(text, "f") == {
        "a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 3}
    }  # fmt: skip


def test_what_json_wrote_is_read_back() -> None:
    value = {"a": [1, 2.5, None, True, "ü"], "b": {"c": []}}
    assert parse_json(json.dumps(value), "f") == parse_yaml(json.dumps(value), "f") == value


def test_brackets_within_text_are_no_levels() -> None:
    value = {"a": "[{" * MAX_DEPTH, "b": [[], {}] * MAX_DEPTH}
    text = json.dumps(value)
    assert parse_json(text, "here") == parse_json(text.encode(), "here") == value
    with pytest.raises(InputError, match="levels deep"):
        parse_json(DEEP.encode(), "here")
