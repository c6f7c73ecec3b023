from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest

from searchspace.checks import check_integer
from searchspace.errors import InputError
from searchspace.schema import (
    OMIT_DEFAULT,
    Value,
    content_key,
    from_json,
    json_key,
    non_defaults,
    sharing,
    to_json,
)


@dataclass(frozen=True)
class Shape(Value):
    side: int = 1

    kind: ClassVar[str] = "shape"

    def __post_init__(self) -> None:
        check_integer(1, side=self.side)


@dataclass(frozen=True)
class Tile(Shape):
    gap: float = 0.5

    kind: ClassVar[str] = "tile"


@dataclass(frozen=True)
class Picture:
    name: str
    shapes: tuple[Shape, ...] = ()
    size: tuple[int, int] = (2, 3)
    mode: Literal["fast", "slow"] = "fast"
    extra: Mapping[str, Shape] = field(default_factory=dict)
    limit: float | None = None
    later: int | None = field(default=None, metadata=OMIT_DEFAULT)
    flag: bool = False


@pytest.fixture(autouse=True)
def family(monkeypatch) -> None:
    monkeypatch.setattr(Shape, "family", {"shape": Shape, "tile": Tile})


FULL = Picture("a", (Shape(2), Tile(1, 0.25)), (4, 5), "slow", {"x": Tile()}, 1.5, 7, True)


def test_round_trip() -> None:
    for picture in (Picture("a"), FULL):
        assert from_json(Picture, to_json(picture)) == picture


def test_json_form() -> None:
    data = to_json(FULL)
    assert data["shapes"] == [
        {"kind": "shape", "side": 2},
        {"kind": "tile", "side": 1, "gap": 0.25},
    ]
    assert data["size"] == [4, 5] and data["extra"] == {
        "x": {"kind": "tile", "side": 1, "gap": 0.5}
    }
    assert data["later"] == 7 and data["limit"] == 1.5


def test_none_is_left_out_where_it_is_an_omitted_default() -> None:
    data = to_json(Picture("a"))
    assert "later" not in data and data["limit"] is None


@dataclass(frozen=True)
class Late(Shape):
    colour: str = field(default="red", metadata=OMIT_DEFAULT)
    gaps: tuple[float, ...] = field(default=(), metadata=OMIT_DEFAULT)
    limit: float | None = field(default=1.0, metadata=OMIT_DEFAULT)

    kind: ClassVar[str] = "shape"


def test_omitted_defaults_leave_form_and_key_unchanged() -> None:
    assert to_json(Late(3)) == to_json(Shape(3))
    assert content_key(Late(3)) == content_key(Shape(3))
    changed = (Late(3, "blue"), Late(3, gaps=(1.0,)), Late(3, limit=None))
    assert to_json(changed[0]) == {"kind": "shape", "side": 3, "colour": "blue"}
    assert to_json(changed[2])["limit"] is None
    assert len({content_key(value) for value in (Late(3), *changed)}) == 4
    # Read without the registry: `Late` stands for a later state of `Shape`.
    for value in (Late(3), *changed):
        body = {name: item for name, item in to_json(value).items() if name != "kind"}
        assert Late(**{**body, "gaps": tuple(body.get("gaps", ()))}) == value


def test_keys_are_stable() -> None:
    # The SHA-256 of [1,{"kind":"shape","side":3}]; a change of it invalidates every stored result.
    assert content_key(Shape(3)) == "98e251e8e90f2949"
    assert content_key(FULL, 8) == content_key(FULL)[:8] != content_key(Picture("a"))[:8]
    assert content_key({"b": 1, "a": 2}) == content_key({"a": 2, "b": 1})


def test_keys_are_those_of_the_form() -> None:
    """Twice, since texts of parts are kept; parts that are equal but not the same are not mixed."""
    for value in (FULL, Shape(1), Shape(2), Late(3, gaps=(1.0,)), (Shape(1), Shape(2)), None):
        for _ in range(2):
            assert content_key(value) == json_key(to_json(value))


def test_non_defaults_are_what_a_label_shows() -> None:
    assert non_defaults(Tile(2)) == {"side": 2}
    assert list(non_defaults(FULL)) == [
        "name", "shapes", "size", "mode", "extra", "limit", "later", "flag",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 3}, "p.name: expected str, got 3"),
        ({"shapes": {}}, r"p.shapes: expected a list, got \{\}"),
        ({"shapes": [{"kind": "disc"}]}, r"p.shapes\[0\]: unknown kind 'disc'; .* shape, tile"),
        ({"shapes": [{"side": 1}]}, r"p.shapes\[0\]: unknown kind None"),
        ({"shapes": [{"kind": "shape", "side": 0}]}, r"p.shapes\[0\]: side must be .* got 0"),
        ({"shapes": [{"kind": "shape", "side": True}]}, r"p.shapes\[0\].side: expected int"),
        ({"shapes": [{"kind": "shape", "edge": 1}]}, r"unknown field 'edge'; expected side"),
        ({"size": [1]}, r"p.size: expected a list of 2, got \[1\]"),
        ({"size": [1, 2.5]}, r"p.size\[1\]: expected int, got 2.5"),
        ({"mode": "mid"}, r"p.mode: expected one of \('fast', 'slow'\), got 'mid'"),
        ({"extra": []}, r"p.extra: expected an object, got \[\]"),
        ({"extra": {"x": 1}}, "p.extra.x: expected an object, got 1"),
        ({"limit": "1"}, "p.limit: expected float, got '1'"),
        ({"colour": 1}, "p: unknown field 'colour'; expected name, shapes"),
        ({"flag": 1}, "p.flag: expected bool, got 1"),
    ],
)
def test_errors_name_the_path(change, message) -> None:
    with pytest.raises(InputError, match=message):
        from_json(Picture, {**to_json(FULL), **change}, "p")


def test_missing_field_and_wrong_document() -> None:
    with pytest.raises(InputError, match="Picture: field 'name' is missing"):
        from_json(Picture, {})
    with pytest.raises(InputError, match=r"Picture: expected an object, got \[\]"):
        from_json(Picture, [])


def test_whole_numbers_are_read_as_floats_where_floats_are_wanted() -> None:
    read = from_json(Picture, {"name": "a", "limit": 2})
    assert isinstance(read.limit, float) and read.limit == 2


def test_shared_parts_are_one_object_and_long_contents_are_not_stored() -> None:
    @dataclass(frozen=True)
    class Wall:
        tiles: tuple[Shape, ...]

        shared: ClassVar[bool] = True

    @dataclass(frozen=True)
    class House:
        wall: Wall

    forms = [to_json(House(Wall((Shape(side),) * 40))) for side in (1, 2)]
    shared: dict[Any, Any] = {}
    with sharing(shared):
        first, second, third = (from_json(House, form) for form in (*forms, forms[0]))
    assert first == House(Wall((Shape(1),) * 40))
    assert second == House(Wall((Shape(2),) * 40))
    assert third.wall is first.wall
    assert first.wall.tiles[0] is first.wall.tiles[1]
    assert len(shared) == 4
    assert max(len(content) for _, content in shared) <= 256
