"""Verdicts as text: a table, how to read it, and a sentence with the counts."""

from collections import Counter
from collections.abc import Sequence
from math import inf, isnan

from analysis.data.runs import Run
from analysis.render.numbers import MISSING, p_text
from analysis.render.tables import TextTable
from analysis.stats.contrasts import Contrast, comparison_text
from analysis.stats.inference import CONFIDENCE, SEEDS_LIMIT
from analysis.stats.verdicts import Verdict
from studies.stats.decisions import CONCLUSIONS
from studies.stats.looks import outcome_text
from studies.stats.power import POWER
from studies.stats.t_tests import FAMILY_ERROR

MORE_SEEDS = (
    "These verdicts are for seeds fixed beforehand. Adding seeds after a look at them makes wrong "
    "verdicts more likely than 5 %; --until-decided allows for the looking."
)


def interval_name(runs: Sequence[Run]) -> str:
    """What the intervals of differences are: Student's, or sequential where seeds are added."""
    sequential = _sequential(runs)
    if not any(sequential):
        return f"Student's {CONFIDENCE:.0%} t interval"
    if all(sequential):
        return f"a sequential {CONFIDENCE:.0%} interval"
    return f"a {CONFIDENCE:.0%} interval (Student's t, or sequential)"


def verdict_explanation(runs: Sequence[Run]) -> str:
    """How to read the verdicts of these runs."""
    sentences = [
        "A verdict is about this task and budget only. A claim is supported if each of its "
        "comparisons, paired by seed, is significant (one-sided t test; the largest p-value "
        "counts). It is contradicted if one of them is significant in the other direction "
        "(Bonferroni over its comparisons). It is equivalent if its smallest difference is "
        "significantly within the study's margin of zero in both directions (two one-sided tests), "
        "and “within” the margin if it is so and supported or contradicted too. Otherwise it is "
        "undecided. P-values are adjusted by Holm's method over all claims of the study, so the "
        f"probability of any wrong verdict in it is at most {FAMILY_ERROR:.0%}. The difference is "
        "that of the comparison with the largest p-value, less its margin, in points, with "
        f"{interval_name(runs)} for it alone. The sampling error is the standard error by the draw "
        "of the test images (≤: a bound, where records do not say which images are right); "
        "additional seeds do not reduce it."
    ]
    sequential = _sequential(runs)
    if not all(sequential):
        sentences.append(
            f"“Additional seeds” would decide with {POWER:.0%} power if mean and sd stayed as they "
            "are; adding seeds after a look needs --until-decided."
        )
    if any(sequential):
        sentences.append(
            "A study that adds seeds until claims are decided has sequential p-values and "
            "intervals, which hold though one looked after every seed; “additional seeds” says "
            "there why a claim is undecided."
        )
    return " ".join(sentences)


def _sequential(runs: Sequence[Run]) -> list[bool]:
    return [run.ablation.design.max_seeds is not None for run in runs]


def looking_sentences(run: Run) -> list[str]:
    """How a study goes on, or was looked at, that has claims left to decide."""
    most = run.ablation.design.max_seeds
    if most is None:
        return [MORE_SEEDS] if any(v.conclusion == "undecided" for v in run.verdicts) else []
    sentences = [
        f"Seeds are added until every claim is decided, up to a planned maximum of {most}. "
        "P-values and intervals of differences are sequential: they hold though one looked after "
        "every seed, and intervals are wider than Student's."
    ]
    if run.look is None:
        return [*sentences, "The first look is yet to come: not all jobs before it have ended."]
    going = "the run is not complete" if run.look.needed else ""
    return [*sentences, outcome_text(run.ablation, run.look, going)]


def verdict_table(verdicts: Sequence[Verdict], *, compact: bool = False) -> TextTable:
    """A row for each claim; `compact` makes it fit a terminal of 80 columns."""
    if compact:
        return TextTable(
            ("claim", "verdict", "difference [interval]", "n", "additional seeds"),
            tuple(_short_row(verdict) for verdict in verdicts),
            text_columns=2,
        )
    headings = (
        "claim",
        "source",
        "verdict",
        "comparison",
        f"difference [{CONFIDENCE:.0%} interval]",
        "sd",
        "sampling error",
        "n",
        "p, Holm",
        "additional seeds",
    )
    return TextTable(headings, tuple(_row(verdict) for verdict in verdicts), text_columns=4)


def difference_text(contrast: Contrast) -> str:
    """The mean difference less the margin with its interval, in percentage points."""
    estimate = contrast.estimate
    if isnan(estimate.mean):
        return MISSING
    interval = "" if isnan(estimate.low) else f" [{estimate.low:.2f}, {estimate.high:.2f}]"
    return f"{estimate.mean:+.2f}{interval}"


def additional_seeds_text(verdict: Verdict) -> str:
    """The number of additional seeds that would decide, or the reason why there is none."""
    seeds = verdict.additional_seeds
    if seeds is None:
        return MISSING if verdict.conclusion != "undecided" else verdict.reason
    return f"more than {SEEDS_LIMIT}" if seeds == inf else f"{seeds:.0f}"


def verdict_counts(verdicts: Sequence[Verdict], about: str = "Each on its task and budget") -> str:
    """The number of verdicts of each kind, in a sentence."""
    count = Counter(verdict.conclusion for verdict in verdicts)
    return f"{about}: {', '.join(f'{count[name]} {name}' for name in CONCLUSIONS)}."


def conclusion_text(verdict: Verdict) -> str:
    """The conclusion, with the margin of equivalence if the difference is within."""
    if verdict.p_equivalent > FAMILY_ERROR:
        return verdict.conclusion
    comma = "" if verdict.conclusion == "equivalent" else ","
    return f"{verdict.conclusion}{comma} within {verdict.margin:g} points"


def _short_row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.claim.text,
        conclusion_text(verdict),
        difference_text(verdict.weakest),
        str(verdict.pairs),
        additional_seeds_text(verdict),
    )


def _row(verdict: Verdict) -> tuple[str, ...]:
    weakest = verdict.weakest
    others = len(verdict.contrasts) - 1
    rest = f" (and {others} more)" if others else ""
    return (
        verdict.claim.text,
        verdict.claim.source,
        conclusion_text(verdict),
        comparison_text(weakest.comparison) + rest,
        difference_text(weakest),
        MISSING if isnan(weakest.estimate.sd) else f"{weakest.estimate.sd:.2f}",
        ("≤ " if weakest.is_bound else "") + f"{weakest.sampling_error:.2f}",
        str(verdict.pairs),
        p_text(verdict.p_value),
        additional_seeds_text(verdict),
    )
