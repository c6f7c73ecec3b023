"""Finished tables of a long run, kept beside its logs so that it is read again in a second.

Each is a file in the folder `cache` of the run: a line with hashes, then a Parquet file. It counts
only for the very files and code that it was made from. One that does not match, is damaged or
cannot be written is passed over in silence; nothing depends on it, and the folder may be removed.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from searchspace.errors import InputError
from searchspace.serialization.files import read_bytes, write_bytes

CACHE = "cache"
MIN_BYTES = 2_000_000
"""Of logs that are worth it: about 2,000 records."""

FORMS = "architecture"
"""The column of JSON forms of architectures, which have most of their parts in common."""

Stamps = tuple[tuple[str, int, int], ...]


class TableCache:
    """The kept tables of a run directory; `logs` and `others` are what tables are made from.

    `others` may be folders, whose Python files count.
    """

    def __init__(self, folder: Path, logs: tuple[Path, ...], others: tuple[Path, ...]) -> None:
        self.folder, self.logs, self.others = folder / CACHE, logs, others
        self._known: tuple[Stamps, str] | None = None

    def table(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """The kept table of this name, or what `make` gives, which is then kept."""
        if sum(path.stat().st_size for path in self.logs if path.is_file()) < MIN_BYTES:
            return make()
        key = self._key()
        file = self.folder / f"{name}.table"
        kept = _read(file, key)
        if kept is not None:
            return kept
        made = make()
        # Unless the logs have grown meanwhile.
        if self._key() == key:
            _write(file, key, made)
        return made

    def _key(self) -> str:
        """A hash of the contents of all files, computed again only if one has changed."""
        files = list(self._files())
        stamps = tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
        if self._known is None or self._known[0] != stamps:
            self._known = stamps, _digest(files, self.folder.parent)
        return self._known[1]

    def _files(self) -> Iterator[Path]:
        for path in (*self.logs, *self.others):
            if path.is_dir():
                yield from sorted(path.glob("*.py"))
            elif path.is_file():
                yield path


def _digest(files: list[Path], folder: Path) -> str:
    """A hash of the code and of files, by their names within a folder."""
    parts = [_code()]
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        parts.append(f"{path.relative_to(folder)} {content}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _code() -> str:
    """A hash of this code and the versions that costs and tables depend on."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for package in ("searchspace", "trainers", "studies"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    for name in ("torch", "fvcore", "pandas", "timm", "torchvision"):
        with suppress(PackageNotFoundError):
            digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest()


def _read(path: Path, key: str) -> pd.DataFrame | None:
    """The table in a file; None if it is not there, damaged or of another key."""
    if not path.exists():
        return None
    try:
        head, _, body = read_bytes(path).partition(b"\n")
        about = json.loads(head)
        if about["key"] != key or about["content"] != _hash(about, body):
            return None
        import pyarrow
        import pyarrow.parquet

        frame: pd.DataFrame = pyarrow.parquet.read_table(pyarrow.BufferReader(body)).to_pandas()
    except (InputError, ImportError, OSError, ValueError, TypeError, KeyError, MemoryError):
        return None
    if FORMS in frame:
        frame[FORMS] = pd.Series(_unpacked(frame[FORMS].tolist(), about), dtype=object)
    frame = frame.astype(about["types"])
    frame.attrs = about["attrs"]
    return frame


def _write(path: Path, key: str, frame: pd.DataFrame) -> None:
    """Keep a table, if there is room for it and the folder may be written to."""
    with suppress(InputError, ImportError, OSError, MemoryError):
        import pyarrow
        import pyarrow.parquet

        about: dict[str, Any] = {"key": key, "attrs": frame.attrs}
        about["types"] = {name: str(kind) for name, kind in frame.dtypes.items()}
        if FORMS in frame:
            frame = frame.assign(**{FORMS: pd.Series(_packed(frame[FORMS], about), frame.index)})
        sink = pyarrow.BufferOutputStream()
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
        pyarrow.parquet.write_table(table, sink, compression="zstd")
        body = sink.getvalue().to_pybytes()
        about["content"] = _hash(about, body)
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, json.dumps(about).encode(), b"\n", body)


def _hash(about: Mapping[str, Any], body: bytes) -> str:
    """A hash of the whole file but for this hash itself."""
    head = {name: value for name, value in about.items() if name != "content"}
    return hashlib.sha256(json.dumps(head, sort_keys=True).encode() + body).hexdigest()


def _packed(forms: "pd.Series[Any]", about: dict[str, Any]) -> list[list[int]]:
    """Each form as numbers: its backbone, resolutions or -1, then pairs of slot and choice.

    `about` gets the parts and the slots that numbers stand for.
    """
    numbers: dict[str, int] = {}
    slots: dict[str, int] = {}
    # Equal parts are mostly one object; each stays referenced by its form.
    seen: dict[int, int] = {}

    def number(part: Any) -> int:
        if id(part) not in seen:
            seen[id(part)] = numbers.setdefault(json.dumps(part), len(numbers))
        return seen[id(part)]

    packed = []
    for form in forms:
        row = [number(form["backbone"])]
        row.append(number(form["resolutions"]) if "resolutions" in form else -1)
        for slot, choice in form["choices"].items():
            row += slots.setdefault(slot, len(slots)), number(choice)
        packed.append(row)
    about["parts"] = [json.loads(text) for text in numbers]
    about["slots"] = list(slots)
    return packed


def _unpacked(packed: list[Any], about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The forms that numbers stand for; the inverse of `_packed`."""
    parts, slots = about["parts"], about["slots"]
    forms = []
    for row in packed:
        backbone, resolutions, *pairs = row.tolist()
        choices = {
            slots[slot]: parts[choice] for slot, choice in zip(pairs[::2], pairs[1::2], strict=True)
        }
        form = {"backbone": parts[backbone], "choices": choices}
        if resolutions >= 0:
            form["resolutions"] = parts[resolutions]
        forms.append(form)
    return forms
