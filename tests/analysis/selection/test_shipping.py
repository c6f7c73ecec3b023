"""Which training of a chosen network is shipped, and what is said of it."""

from pathlib import Path

import pandas as pd

from analysis.selection.candidates import Bounds
from analysis.selection.choose import choose
from analysis.selection.expectation import ExpectedAccuracy
from analysis.selection.sentences import sentences
from analysis.selection.shipping import Trained, measured_sentences, retrained_sentences
from tests.analysis.selection.test_choose import frame, rows
from tests.support.helpers import job

EXPECTED = ExpectedAccuracy(mean=78, low=72, high=83, networks=4, degrees=8)


def trained(seed: int, validation: float, test: float) -> Trained:
    return Trained(Path("x"), job(seed), validation, test)


def test_a_result_outside_the_promise_is_said_in_words() -> None:
    poor = [trained(5, 54.8, 53.1)]
    text = " ".join(retrained_sentences(poor, EXPECTED, as_in_run=True))
    assert text == (
        "Shipped, newly trained: seed 5, validation 54.80 %, test 53.10 %. Attention: its "
        "validation accuracy of 54.80 % is below the interval of 72.00 to 83.00 % in which 95% of "
        "new trainings were expected. Train more seeds, or choose a network that was measured "
        "several times."
    )
    three = [trained(6, 77.5, 75), trained(5, 54.8, 53.1), trained(7, 50, 50)]
    text = " ".join(retrained_sentences(three, EXPECTED, as_in_run=True))
    assert "the best on validation of 3 new trainings: seed 6, validation 77.50 %" in text
    assert "The others: seed 5, validation 54.80 %, test 53.10 %; seed 7" in text
    assert "is within the interval of 72.00 to 83.00 %" in text
    text = " ".join(retrained_sentences([trained(5, 90, 90)], EXPECTED, as_in_run=True))
    assert "is above the interval" in text and "more seeds" not in text
    assert "cannot be said" in retrained_sentences(poor, None, as_in_run=True)[1]
    assert "another recipe" in retrained_sentences(poor, EXPECTED, as_in_run=False)[1]


def test_what_is_measured_is_shipped_with_its_seed() -> None:
    chosen = choose(frame(rows("a", [80, 82], macs=10)), Bounds(), "accuracy").chosen
    assert measured_sentences(trained(1, 82, 81), chosen) == [
        "Shipped as the run measured it: seed 1, validation 82.00 %, test 81.00 %.",
        "The run kept the weights of 1 of its 2 seeds; this one is best on validation.",
    ]


def noisy() -> pd.DataFrame:
    """Six networks with three seeds, one lucky network with one."""
    arms = [rows(f"net {i}", [78 + i % 2, 74, 76], macs=100 + i) for i in range(6)]
    return frame(*arms, rows("lucky", [84], macs=50))


def test_a_promise_is_shrunken_and_has_an_interval() -> None:
    pick = choose(noisy(), Bounds(), "accuracy")
    assert pick.chosen.arm == "lucky" and pick.expected is not None
    assert 76 < pick.expected.mean < 83
    assert pick.expected.low < 76 and pick.expected.high <= 100
    assert (pick.expected.networks, pick.expected.degrees) == (6, 12)
    text = " ".join(sentences(pick))
    assert f"A new training of it is expected to reach {pick.expected.mean:.2f} %" in text


def test_without_replicates_nothing_is_promised() -> None:
    pick = choose(frame(rows("a", [84], macs=50), rows("b", [70], macs=5)), Bounds(), "accuracy")
    assert pick.expected is None
    assert "What a new training of it would reach is not known" in " ".join(sentences(pick))
