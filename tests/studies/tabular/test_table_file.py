"""Tables from npz files, as stand-ins for spaces; and what bad files are told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchspace import InputError
from searchspace.space import Limits
from studies.tabular.simulated_search import Searcher, SimulatedSearch
from studies.tabular.table_file import open_table, read_npz

SHAPE = (2, 3, 2)
COUNT = 12


def arrays(**changed: Any) -> dict[str, Any]:
    seen = np.linspace(0.1, 0.9, 2 * COUNT).reshape(2, COUNT)
    costs = np.arange(1, COUNT + 1)
    made = {"shape": SHAPE, "seen": seen, "truth": seen[0], "macs": 100 * costs, "params": costs}
    return {name: value for name, value in (made | changed).items() if value is not None}


def test_networks_have_the_digits_of_their_numbers_and_the_costs_of_the_file(
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "mine.npz", **arrays(), labels=["a", "b"])
    table = read_npz(tmp_path / "mine.npz")
    space = table.space
    assert space.size() == COUNT
    rows = space.rows(space)
    columns = [space.encoding.columns[rule.slots[0]] for rule in space.rules]
    assert rows[:, columns].tolist() == [list(np.unravel_index(i, SHAPE)) for i in range(COUNT)]
    assert space.price(rows)[0].tolist() == table.macs.tolist()
    assert space.cost(space.point(7)).params == 8
    assert [space.index(network) for network in space] == list(range(COUNT))
    assert table.validation.shape == (2, COUNT, 1)
    assert space.with_limits(None) is space
    with pytest.raises(InputError, match="no limits on cost"):
        space.with_limits(Limits(max_macs=5))


def test_curves_are_read(tmp_path: Path) -> None:
    curves = np.full((1, COUNT, 5), 0.5)
    np.savez(tmp_path / "curves.npz", **arrays(seen=curves))
    assert read_npz(tmp_path / "curves.npz").epochs == 5


def test_the_macro_table_is_searched_to_what_200_random_networks_find() -> None:
    """6,561 networks (NAS-Bench-Macro), 24 trials; random search has 83 % after 200."""
    table = open_table("macro")
    assert table.space.size() == 3**8
    scores = [SimulatedSearch(table, Searcher("i", "informed"), seed).run(24) for seed in (0, 1)]
    assert min(search[-1].score for search in scores) > 0.83


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"truth": None}, "truth is missing"),
    "count": ({"truth": np.ones(5) / 2}, "truth must have 12 networks"),
    "dimensions": ({"seen": np.ones(COUNT) / 2}, "seen must have 12 networks"),
    "per cent": ({"truth": np.full(COUNT, 70.0)}, "truth must be numbers from 0 to 1"),
    "nan": ({"truth": np.full(COUNT, np.nan)}, "truth must be numbers from 0 to 1"),
    "zero": ({"macs": np.zeros(COUNT)}, "macs must be numbers from 1"),
    "text": ({"macs": np.array(["x"] * COUNT)}, "macs must be numbers"),
    "one": ({"shape": [1]}, "a table has 2 to 1000000 networks, got 1"),
    "many": ({"shape": [60] * 30}, "a table has 2 to 1000000 networks"),
    "options": ({"shape": [0, 3]}, "shape must hold numbers from 1 to 64"),
    "fractions": ({"shape": [1.5]}, "shape must be whole numbers"),
    "objects": ({"shape": np.array([{}, {}])}, "not an npz file of plain arrays"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_told_in_a_sentence(case: str, tmp_path: Path) -> None:
    changed, message = BAD[case]
    np.savez(tmp_path / "bad.npz", **arrays(**changed))
    with pytest.raises(InputError, match=message):
        read_npz(tmp_path / "bad.npz")


def test_what_is_no_npz_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("accuracy,macs")
    with pytest.raises(InputError, match="is not an npz file"):
        open_table(str(tmp_path / "text.npz"))
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(InputError, match="is not an npz file"):
        open_table(str(tmp_path / "one.npy"))
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="must be digits, macro or an npz file"):
            open_table(str(path))
