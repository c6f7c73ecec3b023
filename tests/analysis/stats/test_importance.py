from itertools import product

import numpy as np
import pytest

from analysis.sections.importance import plot_importance
from analysis.stats.importance import TreeLeaves, importance_info, tree_leaves


def full_tree(values: dict[tuple[int, int], float]) -> TreeLeaves:
    """A leaf for each point of a 2 x 3 space."""
    cells = list(product(range(2), range(3)))
    holds = tuple(
        np.array([[cell[j] == label for label in range(count)] for cell in cells])
        for j, count in enumerate((2, 3))
    )
    return TreeLeaves(np.array([values[cell] for cell in cells]), holds)


def test_variance_splits_into_decisions_and_their_pair() -> None:
    """f(a, b) = 3a + b + 2 [a = 1, b = 2], against means over the table written the slow way."""
    values = {(a, b): 3 * a + b + 2.0 * (a == 1 and b == 2) for a, b in product(range(2), range(3))}
    table = np.array([[values[a, b] for b in range(3)] for a in range(2)])
    tree = full_tree(values)
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    assert tree.variance() == pytest.approx(table.var())
    assert tree.main_effect(0) == pytest.approx(rows - table.mean())
    assert tree.main_effect(1) == pytest.approx(columns - table.mean())
    rest = table - rows[:, None] - columns[None, :] + table.mean()
    assert tree.interaction(0, 1) == pytest.approx(rest)
    parts = [rows.var(), columns.var(), (rest**2).mean()]
    assert sum(parts) == pytest.approx(tree.variance())


def test_tree_leaves_a_fitted_tree_predict_what_it_does() -> None:
    from sklearn.tree import DecisionTreeRegressor

    generator = np.random.default_rng(0)
    codes = generator.integers(0, 4, (60, 3))
    tree = DecisionTreeRegressor(random_state=0).fit(codes, generator.normal(size=60))
    leaves = tree_leaves(tree, [4, 4, 4])
    for point in codes[:20]:
        inside = np.prod(
            [held[:, label] for held, label in zip(leaves.holds, point, strict=True)], axis=0
        )
        assert inside.sum() == 1
        assert leaves.values @ inside == pytest.approx(tree.predict([point])[0])
    assert leaves.weights.prod(axis=1).sum() == pytest.approx(1)


def test_what_decides_accuracy_is_found_with_its_interaction() -> None:
    """Of four decisions one acts alone, two only together, and one does nothing."""
    generator = np.random.default_rng(1)
    codes = generator.integers(0, 3, (400, 5)).astype(np.int16)
    codes[:, 4] = 7
    together = (codes[:, 1] == 0) == (codes[:, 2] == 0)
    accuracies = 70 + 2.0 * codes[:, 0] + 4.0 * together + generator.normal(0, 0.3, 400)
    info = importance_info(codes, list("abcde"), accuracies)
    assert info.explained > 0.9
    assert set(info.singles["decision"]) == set("abcd")
    assert info.singles["decision"][0] == "a"
    assert info.pairs["decision"][0] == "b × c"
    assert (info.singles["low"] <= info.singles["share"]).all()
    assert (info.singles["share"] <= info.singles["high"]).all()
    share = info.singles.set_index("decision")["share"]
    assert share["d"] < 0.02 < share["a"]
    drawn = plot_importance(info.singles, 0).data[0]
    assert list(drawn.y)[-1] == "a"
