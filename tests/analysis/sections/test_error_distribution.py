from pathlib import Path

from analysis.data.runs import read_run
from analysis.sections.error_distribution import error_distribution_sections
from studies.rundir.store import RunStore
from studies.rundir.trial_log import Proposed
from tests.support.helpers import SPACE, made_up, record, search, write_ablation, write_search


def write_random_search(folder: Path, count: int, **settings: str) -> None:
    """Squeeze-and-excitation adds 10 points of accuracy, experts nothing."""
    asked = search(trials=count, sampler="random", **settings)
    store = RunStore(folder)
    with store.locked():
        store.ask(asked, {"python": "3"})
        for number, network in enumerate(list(SPACE)[:count]):
            job = asked.job(network, 0)
            store.log(Proposed(number, network, "sampler", job.key, 0))
            kinds = {choice.kind for choice in network.choices.values()}
            accuracy = 0.6 + 0.1 * ("se" in kinds) + 0.001 * (number * 7 % 11)
            store.append(record(job, made_up(job, accuracy)))


def test_a_random_search_shows_its_space_with_and_without_operators(tmp_path: Path) -> None:
    write_random_search(tmp_path, 64)
    (section,) = error_distribution_sections(read_run(tmp_path))
    table = section.tables[0].frame.set_index("operator")
    assert set(table.index) == {"coconv", "se", "several resolutions"}
    assert (table["networks_with"] + table["networks_without"] == 64).all()
    difference = table["median_error_without"] - table["median_error_with"]
    assert difference["se"] > 8
    assert abs(difference["coconv"]) < 1
    assert "Significantly different (Holm): with se the median error is" in section.text[1]
    assert "coconv" not in section.text[1]
    assert "Validation errors of 64 networks that were drawn uniformly" in section.text[0]
    assert section.figure is not None
    names = [trace.name for trace in section.figure.data if trace.name]
    assert names[0] == "all networks (n=64)"


def test_what_is_no_uniform_sample_has_no_distribution(tmp_path: Path) -> None:
    write_search(tmp_path / "tpe")
    write_ablation(tmp_path / "study")
    for name in ("tpe", "study"):
        assert error_distribution_sections(read_run(tmp_path / name)) == []
    write_random_search(tmp_path / "stopped", 30, scheduler="median")
    (section,) = error_distribution_sections(read_run(tmp_path / "stopped"))
    assert "stopped early have no final error" in section.reason
    write_random_search(tmp_path / "short", 12)
    (section,) = error_distribution_sections(read_run(tmp_path / "short"))
    assert section.reason == "No figure: 12 networks have an accuracy, at least 20 are needed."
