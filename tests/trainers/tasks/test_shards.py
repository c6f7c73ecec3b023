import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from searchspace import InputError
from trainers import Task
from trainers.arguments import parse_task
from trainers.tasks.collected_task import _load


def picture(value: int, mode: str = "L", side: int = 8) -> bytes:
    file = io.BytesIO()
    colour = value if mode == "L" else (value,) * 3
    Image.new(mode, (side, side), colour).save(file, "PNG")
    return file.getvalue()


def write_shard(path: Path, samples: list[dict[str, bytes]]) -> None:
    """A tar file with the members of each sample side by side."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for i, sample in enumerate(samples):
            for form, content in sample.items():
                member = tarfile.TarInfo(f"part/{i:04}.{form}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def samples(count: int, first: int = 0) -> list[dict[str, bytes]]:
    return [
        {"png": picture(first + i), "json": b"{}", "cls": f"{i % 3}\n".encode()}
        for i in range(count)
    ]


def task(tmp_path: Path, **fields: object) -> Task:
    form = {"kind": "webdataset", "path": "shards", **fields}
    (tmp_path / "task.json").write_text(json.dumps(form))
    return parse_task(str(tmp_path / "task.json"))[0]


def test_shards_are_read_in_order_and_grey_stays_grey(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    write_shard(folder / "train-0001.tar", samples(15, 100))
    write_shard(folder / "train-0000.tar", samples(15))
    write_shard(folder / "test-0000.tar", samples(9, 200))
    parsed = task(tmp_path)
    assert (parsed.classes, parsed.in_chs, parsed.input_size) == (3, 1, 8)
    splits = parsed.load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [24, 6, 9]
    test = splits.test
    assert test.images[:, 0, 0, 0].tolist() == list(range(200, 209))  # type: ignore[attr-defined]
    assert test.labels.tolist() == [0, 1, 2] * 3  # type: ignore[attr-defined]
    write_shard(folder / "val-0000.tar", samples(4))
    assert len(task(tmp_path).load(tmp_path).validation) == 4
    _load.cache_clear()
    with pytest.raises(InputError, match="the images of shards .* are not those"):
        parsed.load(tmp_path)


MISTAKES = {
    "no label": ([{"png": picture(1)}], "train-0.tar: part/0000 has no .cls"),
    "no image": ([{"cls": b"1"}], "train-0.tar: part/0000 has no .jpg or .png"),
    "word": ([{"png": picture(1), "cls": b"cat"}], "0000.cls must be a whole number .* 'cat'"),
    "negative": ([{"png": picture(1), "cls": b"-1"}], "must be a whole number of at least 0, got"),
    "fraction": ([{"png": picture(1), "cls": b"0.5"}], "must be a whole number of at least 0, got"),
    "no picture": ([{"png": b"text", "cls": b"1"}], "part/0000 is missing or not an image"),
    "sizes": (
        [*samples(10), {"png": picture(1, side=9), "cls": b"1"}],
        r"train\[10\] has 9x9 pixels, and others 8x8",
    ),
    "one class": ([{"png": picture(1), "cls": b"4"}] * 12, "must be of two classes or more"),
    "few": (samples(3), "has 3 training images; 10 are needed"),
    "none": ([], "train has no images"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(name: str, tmp_path: Path) -> None:
    content, message = MISTAKES[name]
    write_shard(tmp_path / "shards" / "train-0.tar", content)
    with pytest.raises(InputError, match=message) as caught:
        task(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["cut", "text", "pipe"])
def test_damaged_shards_are_named(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "shards" / "train-0.tar"
    write_shard(path, samples(12))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:9000])
    elif damage == "text":
        path.write_bytes(b"no archive" * 100)
    else:
        path.unlink()
        os.mkfifo(path)
    with pytest.raises(InputError, match="train-0.tar"):
        task(tmp_path)


def test_a_folder_without_shards(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    with pytest.raises(InputError, match="has no train.*.tar: it must hold train"):
        task(tmp_path)
    with pytest.raises(InputError, match="field 'path' is missing"):
        (tmp_path / "task.json").write_text('{"kind": "webdataset"}')
        parse_task(str(tmp_path / "task.json"))


def test_mixed_images_get_three_channels(tmp_path: Path) -> None:
    content = samples(12)
    content[5]["png"] = picture(9, "RGB")
    write_shard(tmp_path / "shards" / "train-0.tar", content)
    images = task(tmp_path).load(tmp_path).train.images  # type: ignore[attr-defined]
    assert images.shape[1:] == (3, 8, 8)
    assert np.array_equal(images[:, 0], images[:, 2])
