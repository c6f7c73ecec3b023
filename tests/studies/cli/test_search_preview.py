"""What a plan says is left of a search that has begun."""

from pathlib import Path

import pytest

from studies.cli.search_preview import jobs_left
from studies.rundir.store import RunStore
from studies.spec.words import count
from tests.support.helpers import search, write_search


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 jobs"), (1, "1 job"), (2, "2 jobs"), (2000, "2,000 jobs")]
)
def test_one_thing_has_no_plural(number: int, words: str) -> None:
    assert count(number, "job") == words


def test_only_what_is_left_of_a_search_is_planned(tmp_path: Path) -> None:
    assert jobs_left(search(trials=8, replicates=2), []) == 16
    asked = write_search(tmp_path)
    trials = RunStore(tmp_path).trials()
    # Its contested run is beyond the eight trials, all of which have ended.
    assert jobs_left(asked, trials) == 0
    assert jobs_left(search(trials=10, contested=1), trials) == 2
    # Three ended badly and get no second run; a contested run is no replicate.
    assert jobs_left(search(trials=8, replicates=2), trials) == 5
