from math import nan

import pytest

from analysis.render.numbers import engineering, interval_text
from analysis.render.tables import TextTable, latex_table
from analysis.stats.arms import Difference


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (75290, "75.3 k"), (1437408, "1.44 M"), (2.219e9, "2.22 G")],
)
def test_engineering_keeps_three_digits(number: float, text: str) -> None:
    assert engineering(number) == text


def test_interval_text_says_what_is_missing() -> None:
    assert interval_text(Difference(1.234, -0.5, 3, 4)) == "+1.23 [-0.50, 3.00]"
    assert interval_text(Difference(1, nan, nan, 1)) == "+1.00 [needs 2 seeds]"
    assert interval_text(Difference(nan, nan, nan, 0)) == "no pairs yet"


def test_markdown_and_latex_escape_what_they_must() -> None:
    table = TextTable(("arm", "accuracy, %"), (("a|b", "1 ± 2"), ("c_d", "3 †")))
    assert table.markdown() == (
        "| arm | accuracy, % |\n| --- | --: |\n| a\\|b | 1 ± 2 |\n| c_d | 3 † |\n"
    )
    assert latex_table(table) == (
        "\\begin{tabular}{lr}\n\\toprule\narm & accuracy, \\% \\\\\n\\midrule\n"
        "a|b & 1 $\\pm$ 2 \\\\\nc\\_d & 3 $\\dagger$ \\\\\n\\bottomrule\n\\end{tabular}\n"
    )
