"""Small datasets in the published form of MNIST and its successors."""

import gzip
from pathlib import Path

import numpy as np


def idx_bytes(values: np.ndarray) -> bytes:
    """Unsigned bytes with the header that says their shape."""
    header = bytes([0, 0, 8, values.ndim])
    return header + np.array(values.shape, ">u4").tobytes() + values.astype(np.uint8).tobytes()


def write_idx_set(
    root: Path,
    name: str = "FashionMNIST",
    *,
    train: int = 60,
    test: int = 20,
    parts: tuple[str, str] = ("train", "t10k"),
    classes: int = 10,
    first_label: int = 0,
    compressed: bool = True,
) -> dict[str, np.ndarray]:
    """Write the four files to ROOT/NAME/raw; a class's images are brighter in one row."""
    folder = root / name / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    content = {}
    for part, count in zip(parts, (train, test), strict=True):
        labels = np.arange(count, dtype=np.uint8) % classes
        images = generator.integers(0, 100, (count, 28, 28), dtype=np.uint8)
        images[np.arange(count), 2 * (labels % 14)] += 150
        content[part] = images
        for file, values in (("images-idx3", images), ("labels-idx1", labels + first_label)):
            data = idx_bytes(values)
            path = folder / f"{part}-{file}-ubyte"
            if compressed:
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(data))
            else:
                path.write_bytes(data)
    return content
