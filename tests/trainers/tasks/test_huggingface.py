import builtins
import io
import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

from searchspace import InputError
from trainers import Task
from trainers.arguments import parse_task
from trainers.tasks.collected_task import _load


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    datasets.disable_progress_bars()


def table(count: int, first: int = 0, **more: Any) -> datasets.Dataset:
    def png(value: int) -> dict[str, Any]:
        file = io.BytesIO()
        Image.new("L", (8, 8), value).save(file, "PNG")
        return {"bytes": file.getvalue(), "path": None}

    columns = {
        "image": [png(first + i) for i in range(count)],
        "label": [i % 3 for i in range(count)],
        "id": [str(i) for i in range(count)],
        **more,
    }
    names = datasets.ClassLabel(names=["a", "b", "c"])
    features = {"image": datasets.Image(), "label": names, "id": datasets.Value("string")}
    features |= {name: datasets.Value("int64") for name in more}
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


def task(tmp_path: Path, **fields: object) -> Task:
    form = {"kind": "huggingface", "path": "set", **fields}
    (tmp_path / "task.json").write_text(json.dumps(form))
    return parse_task(str(tmp_path / "task.json"))[0]


def sizes(parsed: Task, root: Path) -> list[int]:
    splits = parsed.load(root)
    return [len(part) for part in (splits.train, splits.validation, splits.test)]


def test_what_save_to_disk_writes_is_read(tmp_path: Path) -> None:
    parts = datasets.DatasetDict({"train": table(30), "test": table(9, 200)})
    parts.save_to_disk(str(tmp_path / "set"))
    parsed = task(tmp_path)
    assert (parsed.classes, parsed.in_chs, parsed.input_size) == (3, 1, 8)
    assert sizes(parsed, tmp_path) == [24, 6, 9]
    test: Any = parsed.load(tmp_path).test
    assert test.images[:, 0, 0, 0].tolist() == list(range(200, 209))
    assert test.labels.tolist() == [0, 1, 2] * 3
    table(30).save_to_disk(str(tmp_path / "single" / "set"))
    assert sizes(task(tmp_path, path="single/set"), tmp_path / "single") == [18, 6, 6]


def test_parquet_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "set" / "data").mkdir(parents=True)
    for name, count in (("train-0", 20), ("train-1", 10), ("validation-0", 5), ("test-0", 4)):
        table(count).to_parquet(str(tmp_path / "set" / "data" / f"{name}.parquet"))
    parsed = task(tmp_path, size=6)
    assert sizes(parsed, tmp_path) == [30, 5, 4]
    assert parsed.input_size == 6
    table(11).to_parquet(str(tmp_path / "set" / "data" / "train-1.parquet"))
    _load.cache_clear()
    with pytest.raises(InputError, match="the images of set .* are not those"):
        parsed.load(tmp_path)


def test_class_labels_name_the_classes(tmp_path: Path) -> None:
    table(30).save_to_disk(str(tmp_path / "set"))
    assert task(tmp_path).class_names(tmp_path) == ("a", "b", "c")
    (tmp_path / "parquet").mkdir()
    table(30).to_parquet(str(tmp_path / "parquet" / "train.parquet"))
    assert task(tmp_path, path="parquet").class_names(tmp_path) == ("a", "b", "c")
    assert task(tmp_path, path="parquet", classes=4).class_names(tmp_path) == ("0", "1", "2", "3")
    table(30, rank=[i % 2 for i in range(30)]).save_to_disk(str(tmp_path / "numbers"))
    numbers = task(tmp_path, path="numbers", label_column="rank")
    assert numbers.class_names(tmp_path) == ("0", "1")


def test_columns_are_named_where_they_are_not_plain(tmp_path: Path) -> None:
    table(30).rename_columns({"image": "img", "label": "fine"}).save_to_disk(tmp_path / "set")
    assert task(tmp_path).classes == 3
    values = table(30, rank=list(range(30))).remove_columns("label")
    values.save_to_disk(str(tmp_path / "other"))
    with pytest.raises(InputError, match="name the columns of other by image_column and label_col"):
        task(tmp_path, path="other")
    assert task(tmp_path, path="other", label_column="rank").classes == 30
    with pytest.raises(InputError, match="other has no column 'rang'; columns are image, id, rank"):
        task(tmp_path, path="other", label_column="rang")
    with pytest.raises(InputError, match="an image must be a tensor, an array or a Pillow image"):
        task(tmp_path, path="other", image_column="id", label_column="rank")


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(InputError, match="has no dataset: it must hold what save_to_disk writes"):
        task(tmp_path)
    (tmp_path / "set" / "train.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="set raised ") as caught:
        task(tmp_path)
    assert "\n" not in str(caught.value)
    datasets.DatasetDict({"all": table(30)}).save_to_disk(str(tmp_path / "parts"))
    with pytest.raises(InputError, match="has no part train, but all"):
        task(tmp_path, path="parts")


def test_the_package_is_asked_for_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(30).save_to_disk(str(tmp_path / "set"))
    plain = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return plain(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="needs the package datasets; pip install 'convfrontier"):
        task(tmp_path)
