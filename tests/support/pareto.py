"""Pareto dominance, spelled out slowly."""

from collections.abc import Sequence
from math import dist

Objectives = Sequence[float]


def dominates(a: Objectives, b: Objectives) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and tuple(a) != tuple(b)


def slow_front(points: Sequence[Objectives]) -> list[int]:
    """The points that no other dominates; of equal ones all."""
    return [
        i for i, point in enumerate(points) if not any(dominates(other, point) for other in points)
    ]


def slow_net(points: Sequence[Objectives]) -> list[int]:
    """Greedy farthest-point order, objectives scaled to [0, 1]."""
    spans = [(min(column), max(column)) for column in zip(*points, strict=True)]
    scaled = [
        tuple((x - low) / ((high - low) or 1) for x, (low, high) in zip(point, spans, strict=True))
        for point in points
    ]
    order = [min(range(len(points)), key=lambda i: points[i])]
    while len(order) < len(points):
        left = [i for i in range(len(points)) if i not in order]
        order.append(max(left, key=lambda i: min(dist(scaled[i], scaled[j]) for j in order)))
    return order


def slow_order(points: Sequence[Objectives]) -> list[int]:
    """Front after front, each in the order of its net."""
    left, order = list(range(len(points))), []
    while left:
        front = [left[i] for i in slow_front([points[i] for i in left])]
        order += [front[i] for i in slow_net([points[i] for i in front])]
        left = [i for i in left if i not in front]
    return order
