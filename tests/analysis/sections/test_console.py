"""What is printed of a run, on terminals of usual widths."""

import re
from dataclasses import replace
from io import StringIO
from math import inf
from pathlib import Path

import pytest

from analysis.data.runs import read_run
from analysis.sections.ablation import ablation_sections
from analysis.sections.console import print_run
from searchspace.console import plain_console
from tests.support.helpers import write_ablation, write_search


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("write", [write_ablation, write_search])
def test_nothing_is_cut_and_lines_end_between_words(
    width: int, write: object, tmp_path: Path
) -> None:
    assert callable(write)
    write(tmp_path)
    wide, narrow = StringIO(), StringIO()
    run = read_run(tmp_path)
    print_run(run, plain_console(file=wide, width=400, force_terminal=True, no_color=True))
    print_run(run, plain_console(file=narrow, width=width, force_terminal=True, no_color=True))
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in narrow.getvalue().splitlines()]
    assert max(len(line.rstrip()) for line in lines) <= width
    words = set(re.sub(r"\x1b\[[\d;]*m", "", wide.getvalue()).split())
    for line in lines:
        assert {word for word in line.split() if "─" not in word} <= words


def test_a_page_shows_no_infinite_number_of_seeds(tmp_path: Path) -> None:
    write_ablation(tmp_path)
    run = read_run(tmp_path)
    run.__dict__["verdicts"] = [replace(v, additional_seeds=inf) for v in run.verdicts]
    verdicts = ablation_sections(run)[1]
    assert verdicts.title == "Verdicts on the claims"
    table = verdicts.tables[0].text_table()
    assert table.headings[-1] == "additional seeds"
    assert [row[-1] for row in table.rows] == ["more than 1000"]
