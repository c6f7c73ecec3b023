"""Which architectures of a search get another seed."""

import numpy as np

from studies.search.replication import ReplicationCandidate, front_shares, most_uncertain


def test_the_next_seed_goes_to_an_uncertain_place() -> None:
    """A and B are close at equal cost; C is far below at the same cost; D is alone and cheap."""

    def candidate(key: str, accuracy: float, macs: float, runs: int = 1) -> ReplicationCandidate:
        return ReplicationCandidate(key, np.full((runs, 1), accuracy), np.array([[macs]]), 450)

    candidates = [
        candidate("A", 0.900, 10),
        candidate("B", 0.903, 10),
        candidate("C", 0.5, 10),
        candidate("D", 0.6, 1),
    ]
    shares = front_shares(candidates, 0)
    assert shares["C"] == 0
    assert shares["D"] == 1
    assert 0.2 < shares["A"] < 0.5 < shares["B"] < 0.8
    assert set(most_uncertain(candidates, 3, 0)) == {"A", "B"}
    repeated = [candidate("A", 0.900, 10, runs=9), candidate("B", 0.903, 10), *candidates[2:]]
    assert most_uncertain(repeated, 1, 0) == ["B"]
