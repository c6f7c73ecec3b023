from pathlib import Path

from analysis.data.runs import read_run
from analysis.sections.hypervolume import hypervolume_sections
from tests.support.helpers import write_ablation, write_search


def test_a_report_says_what_stands_for_random_search(tmp_path: Path) -> None:
    write_search(tmp_path)
    sections = hypervolume_sections([read_run(tmp_path)])
    assert [section.name for section in sections] == ["hypervolume-jobs", "hypervolume-time"]
    assert "not what random search would have found" in sections[0].text[1]
    table = sections[0].tables[0].frame
    own = table[table["low"].isna()]
    assert own["hypervolume"].is_monotonic_increasing
    # Eight trials, one of them a repetition, and a replicate.
    assert own["jobs"].max() == 8
    assert sections[0].figure is not None
    assert sections[0].figure.layout.xaxis.title.text == "jobs ended"


def test_an_ablation_has_none(tmp_path: Path) -> None:
    write_ablation(tmp_path)
    assert hypervolume_sections([read_run(tmp_path)]) == []
