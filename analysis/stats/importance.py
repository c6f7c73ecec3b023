"""Which decisions of a space matter: functional ANOVA of a forest's regression trees.

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
import plotly.graph_objects as go
from numpy.typing import NDArray

from analysis.data.runs import Run
from analysis.render import figures
from analysis.render.parts import Part, Table
from searchspace import Architecture

TREES, LEAVES = 64, 512
FEWEST = 20
"""Networks below which nothing is said."""
PAIRED = 8
"""The most important decisions, whose pairs are looked at."""

Floats = NDArray[np.float64]

IMPORTANCE_COLUMNS = {
    "decision": "a decision of the space, or two of them",
    "share": "share of the variance of predicted accuracy over the space that it alone explains; "
    "of a pair: what the two explain together beyond each alone",
    "low": "5% quantile over trees, each of which saw another bootstrap sample of the networks",
    "high": "95% quantile over trees",
}


@dataclass(frozen=True, eq=False)
class Boxes:
    """The leaves of a tree: predictions (M,) and which labels of each column they hold.

    `holds[j]` has shape (M, labels of column j); labels of a column weigh the same.
    """

    values: Floats
    holds: tuple[NDArray[np.bool_], ...]

    @cached_property
    def weights(self) -> Floats:
        """The share of each column that a leaf holds, (M, columns)."""
        return np.column_stack([held.mean(axis=1) for held in self.holds])

    def variance(self) -> float:
        """Of the prediction over the whole space."""
        volumes = self.weights.prod(axis=1)
        mean = volumes @ self.values
        return float(volumes @ (self.values - mean) ** 2)

    def alone(self, column: int) -> Floats:
        """The mean prediction for each label of a column, less the mean of all."""
        rest = np.delete(self.weights, column, axis=1).prod(axis=1)
        means = (self.values * rest) @ self.holds[column]
        return np.asarray(means - means.mean())

    def together(self, first: int, second: int) -> Floats:
        """What two columns' labels add to the mean prediction beyond each alone."""
        rest = np.delete(self.weights, (first, second), axis=1).prod(axis=1)
        means = self.holds[first].T.astype(float) @ (
            (self.values * rest)[:, None] * self.holds[second]
        )
        mains = means.mean(axis=1, keepdims=True) + means.mean(axis=0, keepdims=True)
        return np.asarray(means - mains + means.mean())


def boxes_of(tree: Any, labels: Sequence[int]) -> Boxes:
    """The leaves of one of scikit-learn's trees, fitted on codes 0 ... labels[j] - 1."""
    parts: list[tuple[float, tuple[NDArray[np.bool_], ...]]] = []
    nodes = tree.tree_
    left, right = nodes.children_left, nodes.children_right
    feature, threshold = nodes.feature, nodes.threshold
    values = nodes.value[:, 0, 0]
    stack = [(0, tuple(np.ones(count, dtype=bool) for count in labels))]
    while stack:
        node, held = stack.pop()
        if left[node] < 0:
            parts.append((float(values[node]), held))
            continue
        column = int(feature[node])
        below = np.arange(labels[column]) <= threshold[node]
        for child, side in ((left[node], below), (right[node], ~below)):
            narrowed = (*held[:column], held[column] & side, *held[column + 1 :])
            stack.append((int(child), narrowed))
    columns = zip(*(held for _, held in parts), strict=True)
    return Boxes(np.array([value for value, _ in parts]), tuple(map(np.array, columns)))


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
    found = [np.unique(codes[:, j], return_inverse=True) for j in varied]
    labels = [len(values) for values, _ in found]
    inputs = np.column_stack([inverse for _, inverse in found]).astype(np.float32)
    forest = RandomForestRegressor(
        TREES, max_leaf_nodes=LEAVES, min_samples_leaf=2, oob_score=True, random_state=seed,
    ).fit(inputs, accuracies)  # fmt: skip
    trees = [boxes_of(tree, labels) for tree in forest.estimators_]
    trees = [tree for tree in trees if tree.variance() > 0]
    totals = np.array([tree.variance() for tree in trees])
    alone = np.array([[(tree.alone(j) ** 2).mean() for j in range(len(varied))] for tree in trees])
    singles = _ranked([names[j] for j in varied], alone / totals[:, None])
    top = np.argsort(-(alone / totals[:, None]).mean(axis=0))[:PAIRED]
    pairs = list(combinations(sorted(int(j) for j in top), 2))
    both = np.array([[(tree.together(*pair) ** 2).mean() for pair in pairs] for tree in trees])
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


def plot_importance(frame: pd.DataFrame, number: int, rows: int = 15) -> go.Figure:
    """Shares of variance as bars with their intervals, the largest on top."""
    shown = frame.head(rows)[::-1]
    height = 150 + 27 * len(shown)
    figure = figures.figure("share of the variance of predicted accuracy", "", height=height)
    figure.add_bar(
        x=shown["share"],
        y=shown["decision"],
        orientation="h",
        marker={"color": figures.color(number)},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (shown["high"] - shown["share"]).clip(lower=0),
            "arrayminus": (shown["share"] - shown["low"]).clip(lower=0),
            "color": "#333",
            "thickness": 1,
        },
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(ticksuffix="  ")
    return figure


def importance_parts(run: Run, number: int) -> list[Part]:
    """How much each decision of a search's space, and each pair of them, explains of accuracy."""
    if run.search is None:
        return []
    networks = _largest_view(run.points)
    n = len(networks)
    if n < FEWEST:
        return [_nothing(f"{n} networks have an accuracy, at least {FEWEST} are needed.")]
    space = run.search.space
    codes = space.rows(Architecture.from_json(run.architectures[arm]) for arm in networks["arm"])
    accuracies = networks["mean"].to_numpy(dtype=float)
    if (codes == codes[0]).all() or (accuracies == accuracies[0]).all():
        return [_nothing("all networks, or all accuracies, are the same.")]
    info = importance_info(codes, list(space.encoding.columns), accuracies)
    if info.explained <= 0:
        return [
            _nothing(
                "regression trees predict networks that they have not seen no better than the "
                f"mean does (R² = {info.explained:.2f}, n={n}): shares would be noise."
            )
        ]
    return _drawn(info, number, n)


def _nothing(why: str) -> Part:
    return Part("importance", "What matters", reason=f"No figure: {why}")


def _drawn(info: Importance, number: int, n: int) -> list[Part]:
    text = (
        f"Functional ANOVA of {TREES} regression trees on validation accuracy over {n} networks; "
        f"on networks that they have not seen the trees explain R² = {info.explained:.2f} of it. "
        "Lines: 90 % of the trees, each fitted on its own bootstrap sample. The search chose the "
        "networks, so rarely tried options are known less well.",
    )
    singles = Table("importance", "Decisions", info.singles, IMPORTANCE_COLUMNS)
    parts = [Part("importance", "What matters", text, plot_importance(info.singles, number),
                  (singles,))]  # fmt: skip
    if len(info.pairs):
        pairs = Table("importance-pairs", "Pairs of decisions", info.pairs, IMPORTANCE_COLUMNS)
        said = f"Pairs of the {PAIRED} most important decisions: what the two do together only."
        parts.append(Part("importance-pairs", "What matters together", (said,),
                          plot_importance(info.pairs, number), (pairs,)))  # fmt: skip
    return parts


def _largest_view(points: pd.DataFrame) -> pd.DataFrame:
    """One row for each network: its accuracy at its largest input size."""
    single = points[points["size"].notna()]
    return single.sort_values("size", ascending=False, kind="stable").drop_duplicates("arm")
