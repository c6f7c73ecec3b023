"""Costs in the table of a long run: those of measurement, asked for all rows at once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from searchspace.space import Space
from studies import load
from studies.rundir.store import RunStore
from studies.rundir.trial_log import Proposed
from studies.spec.ablation import costs
from tests.support.helpers import SPACE, TASK, made_up, record, search
from trainers import Ensemble


def write_long_search(folder: Path) -> RunStore:
    """A search of all networks of a space: the first failed, all switchable have ensembles."""
    asked, store = search(trials=SPACE.size()), RunStore(folder)
    with store.locked():
        store.ask(asked, {})
        for number, network in enumerate(SPACE):
            job = asked.job(network, 0)
            store.log(Proposed(number, network, "sampler", job.key, 0))
            result = made_up(job, 0.5, "finished" if number else "failed")
            if network.resolutions and number:
                weights = (0.5,) * len(network.resolutions.sizes)
                result = replace(result, ensemble=Ensemble(weights, 0.6, 1.0, 0.6))
            store.append(record(job, result))
    return store


def test_costs_of_a_long_run_are_measured_ones_and_asked_for_once_per_size_and_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = write_long_search(tmp_path)
    calls: list[Any] = []
    price = Space.price

    def counted(self: Space, points: Any, *form_and_size: Any) -> Any:
        calls.append(form_and_size)
        return price(self, points, *form_and_size)

    monkeypatch.setattr(Space, "price", counted)
    frame = load(store)
    assert sorted(calls) == sorted((f, s) for f in ("deployed", "training") for s in (8, 7, 6))

    networks = {network.key: network for network in SPACE}
    assert list(frame["architecture"]) == [networks[key].to_json() for key in frame["arm"]]
    sampled = frame[::9]
    assert sampled["ensemble_macs"].notna().any()
    for row in sampled.to_dict("records"):
        network = networks[row["arm"]]
        deployed, training = costs(network, TASK, row["size"])
        assert (row["macs"], row["params"]) == (deployed.macs, deployed.params)
        assert (row["training_macs"], row["training_params"]) == (training.macs, training.params)
        if row["ensemble_macs"] > 0:
            assert network.resolutions is not None
            by_size = [costs(network, TASK, size)[0].macs for size in network.resolutions.sizes]
            assert row["ensemble_macs"] == sum(by_size)


def test_equal_parts_of_architectures_are_one_object_in_the_table(tmp_path: Path) -> None:
    forms = load(write_long_search(tmp_path))["architecture"]
    backbones = {id(form["backbone"]): form["backbone"] for form in forms}
    choices = {id(choice) for form in forms for choice in form["choices"].values()}
    assert len(backbones) == len({str(backbone) for backbone in backbones.values()})
    assert len(choices) < len(forms)


def test_a_task_that_fits_the_space_keeps_its_cost_tables() -> None:
    fitting = search(space=replace(SPACE, num_classes=TASK.classes, in_chs=TASK.in_chs))
    assert fitting.task_space() is fitting.space
    other = search(space=replace(SPACE, num_classes=TASK.classes + 1))
    assert other.task_space().num_classes == TASK.classes
