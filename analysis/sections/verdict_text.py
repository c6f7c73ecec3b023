"""Verdicts as text: the rows of a table, and what they mean in a sentence."""

from collections.abc import Sequence
from math import inf, isnan

from analysis.render.tables import MISSING, Cells, p_text
from analysis.stats.inference import CONFIDENCE, FAMILY_ERROR, POWER, SEEDS_LIMIT
from analysis.stats.verdicts import Contrast, Verdict, comparison_text

EXPLANATION = (
    "A verdict is about this task and budget, nothing more. A claim is supported if each of its "
    "comparisons, paired by seed, is shown to hold (one-sided t test, the largest p counts), "
    "contradicted if one is shown to go the other way (Bonferroni over its comparisons), else "
    "undecided; by Holm's method over both answers to all claims of the study, the "
    f"probability of any wrong verdict in it is at most {FAMILY_ERROR:.0%}. The difference is that "
    "of the comparison that the claim stands or falls with, less its margin, in points, with "
    f"Student's {CONFIDENCE:.0%} t interval for it alone. The sampling error is the standard error "
    "by the draw of the test images, which more seeds do not reduce. “More seeds” "
    f"would decide with {POWER:.0%} power if mean and sd stayed as they are."
)


def verdict_cells(verdicts: Sequence[Verdict], *, compact: bool = False) -> Cells:
    """A row for each claim; `compact` makes it fit a terminal of 80 columns."""
    if compact:
        return Cells(
            ("claim", "verdict", "difference [interval]", "n", "more seeds"),
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
        "more seeds",
    )
    return Cells(headings, tuple(_row(verdict) for verdict in verdicts), text_columns=4)


def difference_text(contrast: Contrast) -> str:
    """The mean difference less the margin with its interval, in percentage points."""
    found = contrast.sample
    if isnan(found.mean):
        return MISSING
    interval = "" if isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.mean:+.2f}{interval}"


def more_seeds_text(verdict: Verdict) -> str:
    """How many more seeds would decide, in words where there is no number."""
    more = verdict.more_seeds
    if more is None:
        return MISSING if verdict.ending != "undecided" else verdict.reason
    return f"more than {SEEDS_LIMIT}" if more == inf else f"{more:.0f}"


def _short_row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.claim.text,
        verdict.ending,
        difference_text(verdict.weakest),
        str(verdict.pairs),
        more_seeds_text(verdict),
    )


def _row(verdict: Verdict) -> tuple[str, ...]:
    weakest = verdict.weakest
    others = len(verdict.contrasts) - 1
    rest = f" (and {others} more)" if others else ""
    return (
        verdict.claim.text,
        verdict.claim.source,
        verdict.ending,
        comparison_text(weakest.comparison) + rest,
        difference_text(weakest),
        MISSING if isnan(weakest.sample.sd) else f"{weakest.sample.sd:.2f}",
        f"{weakest.sampling_error:.2f}",
        str(verdict.pairs),
        p_text(min(verdict.p_supported, verdict.p_contradicted)),
        more_seeds_text(verdict),
    )
