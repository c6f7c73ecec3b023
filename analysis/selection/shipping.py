"""Which training of a chosen network is shipped: the one of the run, or the best of new ones."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.render.outputs import make_folder, write_output
from analysis.selection.candidates import PickCandidate
from analysis.selection.expectation import SHARE, ExpectedAccuracy
from searchspace import InputError
from searchspace.schema import from_json, to_json
from searchspace.serialization.files import read_json
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from trainers import Job
from trainers.job import Result
from trainers.training_folder import CONFIG, METRICS, WEIGHTS


@dataclass(frozen=True)
class Trained:
    """A training of the chosen network in a folder, and its accuracies in per cent at one size."""

    folder: Path
    job: Job
    validation: float
    test: float
    rivals: int = 1
    """Trainings of the network that it is the best of, itself included."""

    @classmethod
    def read(cls, folder: Path, size: int) -> "Trained | None":
        """The finished training in a folder; None if there is none."""
        if not (folder / WEIGHTS).exists() or not (folder / METRICS).exists():
            return None
        job = Job.from_json(read_json(folder / CONFIG)["job"], str(folder / CONFIG))
        result = from_json(Result, read_json(folder / METRICS), str(folder / METRICS))
        return cls(folder, job, *_accuracies(result, size))

    def sentence(self) -> str:
        """Seed and accuracies."""
        return f"seed {self.job.seed}, validation {self.validation:.2f} %, test {self.test:.2f} %"


def measured_training(store: RunStore, chosen: PickCandidate, folder: Path) -> Trained | None:
    """The measured network with the best validation accuracy of those whose weights are kept.

    Its job, result and weights are copied into `folder`, as `trainers.train` would write them.
    """
    kept = [r for r in store.records() if r.key in chosen.keys and store.weights_of(r.key).exists()]
    if not kept:
        return None
    best = max(kept, key=lambda record: _accuracies(record.result, chosen.size)[0])
    _copy(best, store.weights_of(best.key), folder)
    return Trained(folder, best.job, *_accuracies(best.result, chosen.size), len(kept))


def retrained(folder: Path, size: int) -> list[Trained]:
    """The finished trainings in the folders of `folder`, the best on validation first."""
    found = [Trained.read(one, size) for one in sorted(folder.glob("seed-*"))]
    return sorted(filter(None, found), key=lambda trained: -trained.validation)


def measured_sentences(trained: Trained, chosen: PickCandidate) -> list[str]:
    """What is shipped of a run, in sentences."""
    sentences = [f"Shipped as the run measured it: {trained.sentence()}."]
    if len(chosen.keys) > 1:
        kept = f"{trained.rivals} of its {len(chosen.keys)} seeds"
        sentences.append(f"The run kept the weights of {kept}; this one is best on validation.")
    return sentences


def retrained_sentences(
    trainings: Sequence[Trained], expected: ExpectedAccuracy | None, *, as_in_run: bool
) -> list[str]:
    """What is shipped of new trainings, and whether the run promised as much, in sentences."""
    best, *others = trainings
    sentences = [f"Shipped, newly trained: {best.sentence()}."]
    if others:
        listed = "; ".join(other.sentence() for other in others)
        sentences = [
            f"Shipped, the best on validation of {len(trainings)} new trainings: "
            f"{best.sentence()}. The others: {listed}."
        ]
    if not as_in_run:
        return [*sentences, "It was trained with another recipe than in the run, which says little "
                "of its accuracy."]  # fmt: skip
    if expected is None:
        return [*sentences, "Whether that is as the run promised cannot be said: too few networks "
                "were trained with several seeds."]  # fmt: skip
    place = expected.place(best.validation)
    interval = (
        f"the interval of {expected.low:.2f} to {expected.high:.2f} % in which {SHARE:.0%} of new "
        "trainings were expected"
    )
    if place == "within":
        return [*sentences, f"Its validation accuracy is within {interval}."]
    warning = (
        " Train more seeds, or choose a network that was measured several times."
        if place == "below"
        else ""
    )
    return [
        *sentences,
        f"Attention: its validation accuracy of {best.validation:.2f} % is {place} {interval}."
        f"{warning}",
    ]


def _accuracies(result: Result, size: int) -> tuple[float, float]:
    """Validation and test accuracy at a size, in per cent."""
    for point in result.points:
        if point.size == size:
            return 100 * point.validation_accuracy, 100 * point.test_accuracy
    raise InputError(f"the network was not measured at {size} px")


def _copy(record: Record, weights: Path, folder: Path) -> None:
    make_folder(folder)
    config: dict[str, Any] = {"key": record.key, "job": record.job.to_json()}
    for name, data in ((CONFIG, config), (METRICS, to_json(record.result))):
        write_output(folder / name, json.dumps(data, indent=1, allow_nan=False) + "\n")
    try:
        shutil.copyfile(weights, folder / WEIGHTS)
    except OSError as error:
        raise InputError(f"cannot copy {weights} to {folder}: {error.strerror}") from None
