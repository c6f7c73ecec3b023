"""Files: only regular ones are read, and what is wrong with one is one sentence."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from searchspace import InputError, LatencyTable
from searchspace.serialization.files import read_bytes, read_data, read_json, read_lines, read_text

READERS: dict[str, Callable[[Path], object]] = {
    "bytes": read_bytes,
    "text": read_text,
    "JSON": read_json,
    "data": read_data,
    "latencies": LatencyTable.load,
}


@pytest.mark.parametrize("name", READERS)
def test_only_regular_files_are_read(name: str, tmp_path: Path) -> None:
    read = READERS[name]
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path, tmp_path / "pipe.json", Path("/dev/zero")):
        with pytest.raises(InputError, match=f"{path}: cannot be read: "):
            read(path)


@pytest.mark.parametrize("name", ["bytes", "text", "JSON", "data"])
def test_a_name_that_no_file_can_have_is_one_sentence(name: str, tmp_path: Path) -> None:
    for path in (tmp_path / ("x" * 300), Path("a\0b"), tmp_path / "none", tmp_path / "none" / "a"):
        with pytest.raises(InputError, match="cannot be read: "):
            READERS[name](path)


def test_text_is_utf8(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="file: not a text file in UTF-8"):
        read_text(tmp_path / "file")


def test_lines_are_complete_ones_without_their_ends(tmp_path: Path) -> None:
    file = tmp_path / "log"
    for text, lines in ((b"", []), (b"a\n\n b\r\n", [b"a", b"", b" b\r"]), (b"a\nb", [b"a"])):
        file.write_bytes(text)
        assert list(read_lines(file)) == lines
    with pytest.raises(InputError, match="Is a directory"):
        list(read_lines(tmp_path))
