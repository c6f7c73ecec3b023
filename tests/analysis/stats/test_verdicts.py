from dataclasses import replace
from math import nan, sqrt

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.sections.verdict_tables import verdict_counts
from analysis.stats.contrasts import comparison_text
from analysis.stats.verdicts import verdicts_info
from searchspace import Architecture, InputError, Resolutions
from studies import Ablation, Arm, Claim, Comparison, Operand
from studies.spec.claims import exceeds
from studies.stats.differences import accuracies
from tests.support.helpers import SMALL, TASK, study, with_design
from trainers import Digits
from trainers.job import pack_flags

ARMS = ("a", "b", "c", "d")
OTHER = Digits(noise=0.25, train_size=60)


def plan(*claims: Claim, tasks: tuple[Digits, ...] = (TASK,)) -> Ablation:
    made = study().ablation("quick")
    networks = tuple(Arm(name, Architecture(SMALL)) for name in ARMS)
    switchable = Arm("rs", Architecture(SMALL, resolutions=Resolutions((8, 4))))
    design = replace(made.design, arms=(*networks, switchable), tasks=tasks, claims=claims)
    return Ablation(replace(made.study, baseline="a", presets={"quick": design}))


def claim(*comparisons: Comparison, text: str = "it is so") -> Claim:
    return Claim(text, "Table 1", comparisons)


def frame(tasks: dict[str, dict[str, list[float]]]) -> pd.DataFrame:
    """Rows as `studies.load` gives them, from accuracies in per cent by task, arm and seed."""
    rows = [
        {
            "task": task,
            "arm": arm,
            "seed": seed,
            "size": 8,
            "test_accuracy": value / 100,
            "test_images": 900,
            "ensemble_test_accuracy": nan,
        }
        for task, arms in tasks.items()
        for arm, values in arms.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def task_frame(**arms: list[float]) -> pd.DataFrame:
    return frame({TASK.label(): arms})


LOW = [50.0, 51.0, 52.0, 50.5, 51.5]
HIGH = [60.0, 61.5, 62.0, 61.0, 61.3]


def conclusions(data: pd.DataFrame, *claims: Claim) -> list[str]:
    return [verdict.conclusion for verdict in verdicts_info(data, plan(*claims))]


def test_a_claim_ends_as_supported_contradicted_or_undecided() -> None:
    data = task_frame(a=HIGH, b=LOW, c=[51.0, 50.2, 52.9, 50.1, 51.5])
    claims = (claim(*exceeds("a", "b")), claim(*exceeds("b", "a")), claim(*exceeds("c", "b")))
    verdicts = verdicts_info(data, plan(*claims))
    assert [verdict.conclusion for verdict in verdicts] == [
        "supported",
        "contradicted",
        "undecided",
    ]
    assert "1 supported, 1 contradicted, 0 equivalent, 1 undecided" in verdict_counts(verdicts)
    up, down, unsure = verdicts
    assert up.weakest.estimate.mean == pytest.approx(10.16)
    assert up.weakest.estimate.mean == -down.weakest.estimate.mean
    # Six hypotheses: the two clear ones are tested first, the third is left at level 0.05 / 4.
    assert up.p_supported == pytest.approx(6 * up.weakest.estimate.p_greater)
    assert unsure.reason == "seeds differ too much for an effect of this size"
    assert (up.additional_seeds, down.additional_seeds) == (None, None)
    assert unsure.additional_seeds is not None


def test_support_needs_every_comparison_and_contradiction_one() -> None:
    data = task_frame(
        a=HIGH, b=LOW, c=[60.1, 61.2, 62.3, 61.0, 61.2], d=[68.1, 69.2, 70.3, 69.0, 69.2]
    )
    all_of = claim(*exceeds("a", "b", "c"))
    one_against = claim(*exceeds("a", "b", "d"))
    # The smaller of both differences is within half a point.
    assert conclusions(data, all_of, one_against) == ["equivalent", "contradicted"]
    (alone,) = verdicts_info(data, plan(one_against))
    smallest = min(contrast.estimate.p_less for contrast in alone.contrasts)
    # Bonferroni over two comparisons, Holm over the two hypotheses of one claim.
    assert alone.p_contradicted == pytest.approx(2 * 2 * smallest)
    (both,) = verdicts_info(task_frame(a=HIGH, b=LOW, c=[v - 1 for v in LOW]), plan(all_of))
    largest = max(contrast.estimate.p_greater for contrast in both.contrasts)
    assert both.p_supported == pytest.approx(2 * largest)


def test_margins_and_differences_of_differences() -> None:
    data = task_frame(a=HIGH, b=LOW, c=[v + 5 for v in LOW], d=LOW)
    (gain,) = verdicts_info(data, plan(claim(*exceeds("a", "b", margin=9.9))))
    assert gain.weakest.estimate.mean == pytest.approx(0.26)
    interaction = Comparison((Operand("a"), Operand("d")), (Operand("b"), Operand("c")))
    (verdict,) = verdicts_info(data, plan(claim(interaction)))
    # (a - c) / 2 + (d - b) / 2 = (10.16 - 5) / 2.
    assert verdict.weakest.estimate.mean == pytest.approx(2.58)
    assert comparison_text(interaction) == "mean of a, d > mean of b, c"
    assert comparison_text(exceeds("a", "b", margin=-1)[0]) == "a > b -1"


def test_what_cannot_be_tested_is_undecided_and_says_why() -> None:
    data = task_frame(a=HIGH, b=LOW[:2], c=[nan, 51.0, 52.0, 53.0, nan])
    short, lost, absent = verdicts_info(
        data, plan(*(claim(*exceeds("a", other)) for other in ("b", "c", "d")))
    )
    assert (short.conclusion, short.additional_seeds) == ("undecided", None)
    assert short.reason == "2 paired seeds, at least 3 are needed"
    (single,) = verdicts_info(task_frame(a=HIGH, b=LOW[:1]), plan(claim(*exceeds("a", "b"))))
    assert single.reason == "1 paired seed, at least 3 are needed"
    assert lost.pairs == 3
    assert absent.reason == "no accuracy of d"
    assert absent.pairs == 0


def test_untested_claims_count_in_the_family() -> None:
    """What is not finished yet must not make the rest look surer."""
    data = task_frame(a=HIGH, b=LOW)
    alone = verdicts_info(data, plan(claim(*exceeds("a", "b"))))[0]
    among = verdicts_info(data, plan(claim(*exceeds("a", "b")), claim(*exceeds("a", "c"))))[0]
    assert among.p_supported == pytest.approx(2 * alone.p_supported)


def test_each_task_has_its_verdict_in_one_family() -> None:
    data = frame({TASK.label(): {"a": HIGH, "b": LOW}, OTHER.label(): {"a": LOW, "b": HIGH}})
    verdicts = verdicts_info(data, plan(claim(*exceeds("a", "b")), tasks=(TASK, OTHER)))
    assert [(v.task, v.conclusion) for v in verdicts] == [
        (TASK.label(), "supported"),
        (OTHER.label(), "contradicted"),
    ]
    assert verdicts[0].p_supported == pytest.approx(4 * verdicts[0].weakest.estimate.p_greater)


def test_outcomes_at_a_size_and_of_the_ensemble() -> None:
    small = task_frame(rs=LOW).assign(size=4, ensemble_test_accuracy=[v / 100 + 0.2 for v in LOW])
    large = task_frame(rs=HIGH).assign(ensemble_test_accuracy=[v / 100 + 0.2 for v in LOW])
    data = pd.concat([task_frame(a=LOW), large, small])
    claims = (
        claim(*exceeds(Operand("rs", 8), Operand("rs", 4))),
        claim(*exceeds(Operand("rs", ensemble=True), "a")),
    )
    sizes, together = verdicts_info(data, plan(*claims))
    assert sizes.weakest.estimate.mean == pytest.approx(10.16)
    assert together.weakest.estimate.mean == pytest.approx(20)
    assert together.weakest.estimate.sd == pytest.approx(0, abs=1e-9)
    # Binomial errors of 71 % and 51 % of 900 images.
    error = 100 * sqrt((0.71 * 0.29 + 0.51 * 0.49) / 900)
    assert together.weakest.sampling_error == pytest.approx(error)
    assert comparison_text(claims[1].comparisons[0]) == "the ensemble of rs > a"


@pytest.mark.parametrize(
    ("operand", "message"),
    [
        (Operand("rs"), "size of 'rs' must be one of 8, 4, 6, got None"),
        (Operand("rs", 5), "got 5"),
        (Operand("a", ensemble=True), "has one size and no ensemble"),
        (Operand("e"), "names the arm 'e'"),
    ],
)
def test_claims_about_what_no_arm_has_are_refused(operand: Operand, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(claim(*exceeds(operand, "b")))


@pytest.mark.slow
def test_familywise_error_under_the_null() -> None:
    """No arm differs: a study of six claims, two with two comparisons, is all undecided in 95 %."""
    generator = np.random.default_rng(3)
    claims = [claim(*exceeds(x, y)) for x, y in ("ab", "cd", "ac", "db")]
    claims += [claim(*exceeds("a", "b", "c")), claim(*exceeds("d", "a", "b"))]
    asked = plan(*claims)
    wrong = 0
    for _ in range(100):
        shared = generator.normal(50, 2, 5)
        arms = {name: list(shared + generator.normal(0, 1, 5)) for name in ARMS}
        verdicts = verdicts_info(task_frame(**arms), asked)
        wrong += any(verdict.conclusion != "undecided" for verdict in verdicts)
    # With 5 % the probability of more than 11 of 100 is below 1 %.
    assert wrong <= 11


def test_additional_seeds_at_the_level_that_is_left() -> None:
    """The weaker of two comparisons asks for most; twins that never differ are soon equivalent."""
    data = task_frame(a=[50, 52, 51, 53, 50], b=[50, 51, 51, 50.5, 50.4], c=[49, 52, 50, 50, 49.5])
    single, both = (verdicts_info(data, plan(claim(*exceeds("a", *low))))[0] for low in ("b", "bc"))
    assert single.additional_seeds is not None
    assert both.additional_seeds is not None
    assert 3 < single.additional_seeds <= both.additional_seeds < 40
    (twins,) = verdicts_info(task_frame(a=LOW, b=LOW), plan(claim(*exceeds("a", "b"))))
    # Six equal signs have probability 1/64, less than 5 % / 2; five have not.
    assert (twins.conclusion, twins.additional_seeds) == ("undecided", 1)


def test_a_share_is_of_the_images_that_one_gets_right_and_the_other_wrong() -> None:
    generator = np.random.default_rng(0)
    data = task_frame(a=LOW, b=HIGH)
    flags = [torch.tensor(generator.random(900) < 0.5) for _ in range(len(data))]
    data["test_right"] = [pack_flags(flag) for flag in flags]
    data["test_accuracy"] = [float(flag.double().mean()) for flag in flags]
    only_a, only_b = Operand("a", but_not=Operand("b")), Operand("b", but_not=Operand("a"))
    shares = accuracies(data, only_a)
    first, second = flags[0], flags[len(LOW)]
    expected = sum(bool(x) and not bool(y) for x, y in zip(first, second, strict=True)) / 900
    assert shares[0] == pytest.approx(expected)
    # What both get right cancels.
    gap = accuracies(data, Operand("a")) - accuracies(data, Operand("b"))
    assert (shares - accuracies(data, only_b)).tolist() == pytest.approx(gap.tolist())
    text = comparison_text(Comparison((only_a,), (only_b,)))
    assert text.startswith("images that a gets right and b wrong > images that b gets")
    verdict = verdicts_info(
        data.assign(test_right=None), plan(claim(Comparison((only_a,), (only_b,))))
    )
    assert "no accuracy of images that a gets right" in verdict[0].reason


def test_a_share_names_existing_arms_and_nothing_twice_removed() -> None:
    lost = Operand("a", but_not=Operand("x"))
    with pytest.raises(InputError, match="names the arm 'x'"):
        plan(claim(Comparison((lost,), (Operand("a"),))))
    with pytest.raises(InputError, match="must not have a but_not itself"):
        Operand("a", but_not=lost)
    with pytest.raises(InputError, match="which images an ensemble gets right is not kept"):
        Operand("rs", ensemble=True, but_not=Operand("a"))
    made = plan(claim(Comparison((Operand("a", but_not=Operand("b")),), (Operand("a"),))))
    assert Ablation.from_json(made.to_json()) == made


def test_sampling_error_is_that_of_images_on_which_two_networks_differ() -> None:
    """Shares b and c of 900 images are right for one network only."""
    generator = np.random.default_rng(1)
    seeds = 4
    easy = generator.random(900) < 0.5
    flags = {
        arm: [torch.tensor(easy | (generator.random(900) < 0.1)) for _ in range(seeds)]
        for arm in "ab"
    }
    values = {arm: [100 * float(flag.double().mean()) for flag in flags[arm]] for arm in flags}
    data = task_frame(**values)
    data["test_right"] = [pack_flags(flag) for arm in "ab" for flag in flags[arm]]
    asked = plan(claim(*exceeds("a", "b")))
    exact = verdicts_info(data, asked)[0].weakest
    first = verdicts_info(data[data["seed"] == 0], asked)[0].weakest
    bound = verdicts_info(data.assign(test_right=None), asked)[0].weakest
    one, other = (flags[arm][0].numpy() for arm in "ab")
    b, c = (one & ~other).mean(), (other & ~one).mean()
    assert first.sampling_error == pytest.approx(100 * sqrt((b + c - (b - c) ** 2) / 900))
    # Chance differences average out over seeds.
    assert exact.sampling_error < 0.7 * first.sampling_error
    assert exact.sampling_error < 0.5 * bound.sampling_error
    assert (exact.is_bound, bound.is_bound) == (False, True)
    # One seed without flags: all are bounded.
    data.loc[data.index[0], "test_right"] = None
    assert verdicts_info(data, asked)[0].weakest == replace(
        bound, sampling_error=pytest.approx(bound.sampling_error)
    )


def test_sampling_error_of_resampled_splits_is_that_of_one_seed() -> None:
    """The n-th test image of one seed is another than that of the next."""
    generator = np.random.default_rng(1)
    flags = {arm: [torch.tensor(generator.random(900) < 0.6) for _ in range(9)] for arm in "ab"}
    values = {arm: [100 * float(flag.double().mean()) for flag in flags[arm]] for arm in flags}
    data = task_frame(**values)
    data["test_right"] = [pack_flags(flag) for arm in "ab" for flag in flags[arm]]
    asked = plan(claim(*exceeds("a", "b")))
    (task,) = asked.tasks
    other = with_design(asked, tasks=(replace(task, splits="resampled"),))
    fixed = verdicts_info(data, asked)[0].weakest
    resampled = verdicts_info(data.assign(task=other.tasks[0].label()), other)[0].weakest
    assert resampled.estimate == fixed.estimate
    assert resampled.sampling_error == pytest.approx(3 * fixed.sampling_error, rel=0.1)
    assert not resampled.is_bound
