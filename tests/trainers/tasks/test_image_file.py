"""Image files of all kinds: read as RGB of 8 bits, or one sentence."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from searchspace import InputError
from trainers.tasks.image_file import read_rgb


def pixels(image: Image.Image) -> list[int]:
    return np.asarray(image).flatten().tolist()


def test_eight_bits_are_kept(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[1, 2, 3], [250, 251, 255]]], np.uint8)).save(tmp_path / "a.png")
    assert pixels(read_rgb(tmp_path / "a.png")) == [1, 2, 3, 250, 251, 255]
    Image.fromarray(np.array([[0, 7, 255]], np.uint8)).save(tmp_path / "b.png")
    assert pixels(read_rgb(str(tmp_path / "b.png"))) == [0, 0, 0, 7, 7, 7, 255, 255, 255]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled(tmp_path: Path, suffix: str) -> None:
    """Cut off at 255, as Pillow converts them, all but the darkest pixels would be white."""
    values = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    assert pixels(read_rgb(tmp_path / f"a.{suffix}"))[::3] == [0, 1, 128, 255]


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_of_unknown_range_are_refused(tmp_path: Path, kind: type) -> None:
    Image.fromarray(np.array([[0, 1]], kind)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match="a.tif has pixels of 32 bits, whose range is unknown"):
        read_rgb(tmp_path / "a.tif")


def png(width: int, height: int) -> bytes:
    """A PNG that says that it is so large, with next to nothing in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(100))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(50_000, 50_000))
    with pytest.raises(InputError, match="a.png is too large an image"):
        read_rgb(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", png(9, 9), png(9, 9)[:40]])
def test_what_is_no_image_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match="a.png is missing or not an image; restore it"):
        read_rgb(tmp_path / "a.png")


def test_pipes_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        with pytest.raises(InputError, match=f"{name} is missing or not an image"):
            read_rgb(tmp_path / name)


# Pillow warns of some damages before it reads on.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "tif", "bmp", "ppm"])
def test_damaged_files_are_images_or_one_sentence(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(0)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(random.integers(0, 255, (20, 20, 3), np.uint8)).save(path)
    good = path.read_bytes()
    for _ in range(100):
        content = bytearray(good)
        for place in random.integers(0, len(good), 5):
            content[place] = random.integers(256)
        path.write_bytes(content[: random.integers(1, len(good) + 1)])
        try:
            assert read_rgb(path).mode == "RGB"
        except InputError as error:
            assert path.name in str(error)
