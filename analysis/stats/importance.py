"""Importance of the decisions of a space: functional ANOVA of a forest's regression trees.

A tree splits the space into boxes with one prediction each, so its variance over the space, and the
part of it that one decision or a pair explains, follow exactly (Hutter, Hoos and Leyton-Brown,
2014). All labels that a decision has in the run weigh the same, "not asked" being one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TREES, LEAVES = 64, 512
PAIRED = 8
"""Pairs are computed of so many of the most important decisions."""

Floats = NDArray[np.float64]

IMPORTANCE_COLUMNS = {
    "decision": "a decision of the space, or two of them",
    "share": "share of the variance of predicted accuracy over the space that it alone explains; "
    "of a pair: what the two explain together beyond each alone",
    "low": "5% quantile over trees, each of which saw another bootstrap sample of the networks",
    "high": "95% quantile over trees",
}


@dataclass(frozen=True, eq=False)
class TreeLeaves:
    """The leaves of a tree: predictions (M,) and which labels of each column they hold.

    `holds[j]` has shape (M, labels of column j); labels of a column weigh the same.
    """

    values: Floats
    holds: tuple[NDArray[np.bool_], ...]

    @cached_property
    def weights(self) -> Floats:
        """The share of each column's labels that a leaf holds, (M, columns)."""
        return np.column_stack([held.mean(axis=1) for held in self.holds])

    def variance(self) -> float:
        """The variance of the prediction over the whole space."""
        volumes = self.weights.prod(axis=1)
        mean = volumes @ self.values
        return float(volumes @ (self.values - mean) ** 2)

    def main_effect(self, column: int) -> Floats:
        """The mean prediction for each label of a column, less the mean of all."""
        rest = np.delete(self.weights, column, axis=1).prod(axis=1)
        means = (self.values * rest) @ self.holds[column]
        return np.asarray(means - means.mean())

    def interaction(self, first: int, second: int) -> Floats:
        """What two columns' labels add to the mean prediction beyond their main effects."""
        rest = np.delete(self.weights, (first, second), axis=1).prod(axis=1)
        means = self.holds[first].T.astype(float) @ (
            (self.values * rest)[:, None] * self.holds[second]
        )
        mains = means.mean(axis=1, keepdims=True) + means.mean(axis=0, keepdims=True)
        return np.asarray(means - mains + means.mean())


def tree_leaves(tree: Any, labels: Sequence[int]) -> TreeLeaves:
    """The leaves of one of scikit-learn's trees, fitted on codes 0 ... labels[j] - 1."""
    leaves: list[tuple[float, tuple[NDArray[np.bool_], ...]]] = []
    nodes = tree.tree_
    left, right = nodes.children_left, nodes.children_right
    feature, threshold = nodes.feature, nodes.threshold
    values = nodes.value[:, 0, 0]
    stack = [(0, tuple(np.ones(count, dtype=bool) for count in labels))]
    while stack:
        node, held = stack.pop()
        if left[node] < 0:
            leaves.append((float(values[node]), held))
            continue
        column = int(feature[node])
        below = np.arange(labels[column]) <= threshold[node]
        for child, side in ((left[node], below), (right[node], ~below)):
            narrowed = (*held[:column], held[column] & side, *held[column + 1 :])
            stack.append((int(child), narrowed))
    columns = zip(*(held for _, held in leaves), strict=True)
    return TreeLeaves(np.array([value for value, _ in leaves]), tuple(map(np.array, columns)))


@dataclass(frozen=True, eq=False)
class Importance:
    """Decisions and pairs of them, most important first; `explained` is the out-of-bag R²."""

    singles: pd.DataFrame
    pairs: pd.DataFrame
    explained: float


def importance_info(
    codes: NDArray[np.int16], names: Sequence[str], accuracies: Floats, seed: int = 0
) -> Importance:
    """From the networks' labels (N, columns), as a space's rows, and their accuracies (N,)."""
    from sklearn.ensemble import RandomForestRegressor

    varied = [j for j in range(codes.shape[1]) if len(np.unique(codes[:, j])) > 1]
    columns = [np.unique(codes[:, j], return_inverse=True) for j in varied]
    labels = [len(values) for values, _ in columns]
    inputs = np.column_stack([inverse for _, inverse in columns]).astype(np.float32)
    forest = RandomForestRegressor(
        TREES, max_leaf_nodes=LEAVES, min_samples_leaf=2, oob_score=True, random_state=seed,
    ).fit(inputs, accuracies)  # fmt: skip
    trees = [tree_leaves(tree, labels) for tree in forest.estimators_]
    trees = [tree for tree in trees if tree.variance() > 0]
    totals = np.array([tree.variance() for tree in trees])
    mains = np.array(
        [[(tree.main_effect(j) ** 2).mean() for j in range(len(varied))] for tree in trees]
    )
    singles = _ranked([names[j] for j in varied], mains / totals[:, None])
    top = np.argsort(-(mains / totals[:, None]).mean(axis=0))[:PAIRED]
    pairs = list(combinations(sorted(int(j) for j in top), 2))
    both = np.array([[(tree.interaction(*pair) ** 2).mean() for pair in pairs] for tree in trees])
    titles = [f"{names[varied[i]]} × {names[varied[j]]}" for i, j in pairs]
    return Importance(singles, _ranked(titles, both / totals[:, None]), float(forest.oob_score_))


def _ranked(titles: Sequence[str], shares: Floats) -> pd.DataFrame:
    """Means over trees and their quantiles, most important first."""
    shares = shares.reshape(len(shares), len(titles))
    low, high = np.quantile(shares, (0.05, 0.95), axis=0)
    frame = pd.DataFrame(
        {"decision": titles, "share": shares.mean(axis=0), "low": low, "high": high}
    )
    return frame.sort_values("share", ascending=False, kind="stable", ignore_index=True)
