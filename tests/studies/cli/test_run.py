"""The command as a user types it; Ray is not started by any of these."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from searchspace.cli import INTERRUPTED
from studies.cli import ablation_training, preview
from studies.cli.progress import duration
from studies.execution.ablation_queue import StagedQueue
from studies.execution.ray_backend import RayBackend
from studies.papers import catalog
from studies.run import main
from studies.rundir.store import RESULTS, STUDY, RunStore
from tests.studies.papers.test_studies import run_in_process
from tests.support.helpers import study
from tests.support.mirror import mirror
from tests.support.paths import ROOT
from tests.trainers.tasks.test_folder import tree


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting to train is an error."""

    def refuse(*args: object) -> None:
        raise AssertionError("training was started")

    monkeypatch.setattr(RayBackend, "run", refuse)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit status of `python -m studies.run ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["run", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def assert_refused(status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, and one sentence that holds `message`, and nothing else."""
    assert status == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


DIGITS = ["coconv_experts", "--preset", "digits"]
"""A study whose data are always at hand."""
BAD_INPUT = {
    "wrong study": (["coconv_expert"], "did you mean coconv_experts?"),
    "no study": ([], "--list shows them all"),
    "wrong preset": (["coconv_experts", "--preset", "fast"], "quick, digits, paper, got 'fast'"),
    "unknown dataset": (["coconv_experts", "--task", "mnist"], "there is no task 'mnist'"),
    "no data root": (["coconv_experts", "--preset", "paper"], "needs --data-root"),
    "missing data root": (
        ["coconv_experts", "--task", "cifar100", "--data-root", "/does/not/exist"],
        "/does/not/exist does not exist",
    ),
    "zero seeds": (["coconv_experts", "--seeds", "0"], "at least 1, got '0'"),
    "seeds not a number": (["coconv_experts", "--seeds", "many"], "got 'many'"),
    "negative gpus": (["coconv_experts", "--gpus-per-trial", "-1"], "at least 0, got '-1'"),
    "zero workers": (["coconv_experts", "--workers", "0"], "at least 1, got '0'"),
    "unknown option": (["coconv_experts", "--seed", "3"], "--seed"),
    "output under a file": ([*DIGITS, "--out", __file__ + "/run"], "cannot write to"),
    "output is a file": ([*DIGITS, "--out", __file__], "is a file"),
    "foreign output": ([*DIGITS, "--out", Path(__file__).parent], "is not empty"),
    "fresh in a foreign output": (
        [*DIGITS, "--fresh", "--out", Path(__file__).parent],
        "is not empty",
    ),
}


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_status_2(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, message = BAD_INPUT[case]
    assert_refused(call(monkeypatch, *arguments), message, capsys)


def test_list_shows_every_study_with_its_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert call(monkeypatch, "--list") == 0
    output = capsys.readouterr().out
    for name, one in catalog.STUDIES.items():
        assert name in output
        assert one.question in output


def test_list_takes_two_lines_a_study_by_paper(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert call(monkeypatch, "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    papers = [line for line in lines if line and not line.startswith(" ")]
    assert papers == ["CoConv", "Multiception", "MS-SAR", "RS-Net", "HS", "No paper"]
    assert len(lines) == 2 * len(catalog.STUDIES) + 2 * len(papers) - 1


def test_help_names_every_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--help") == 0
    output = capsys.readouterr().out
    for option in (
        "--plan",
        "--list",
        "--preset",
        "--data-root",
        "--seeds",
        "--fresh",
        "--address",
    ):
        assert option in output


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """A study of tiny networks under the name `tiny`."""
    monkeypatch.setitem(catalog.STUDIES, "tiny", study())
    return "tiny"


@pytest.mark.usefixtures("no_training")
def test_plan_shows_costs_and_jobs_and_writes_nothing(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    out = tmp_path / "run"
    assert call(monkeypatch, tiny, "--plan", "--out", out, "--seeds", "3") == 0
    output = capsys.readouterr().out
    assert "6 jobs to train of 6 (3 seeds), about" in output
    assert "coconv" in output
    assert not out.exists()


@pytest.mark.slow
def test_a_plan_imports_no_ray(tmp_path: Path) -> None:
    code = (
        "import atexit, runpy, sys\n"
        "sys.argv = ['run', 'coconv_experts', '--plan', '--out', sys.argv[1]]\n"
        "atexit.register(lambda: print('ray is imported:', 'ray' in sys.modules))\n"
        "runpy.run_module('studies.run', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "jobs to train" in done.stdout
    assert "ray is imported: False" in done.stdout


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (7500, "2 h 5 min"), (1e6, "12 days")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.usefixtures("no_training")
def test_plan_needs_no_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preview, "image_seconds", lambda job, macs, device: 1.0)
    assert call(monkeypatch, "coconv_experts", "--plan", "--task", "cifar100") == 0
    assert "cifar100" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("no_training")
def test_finished_run_is_replayed_at_once(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run_in_process(study(), tmp_path, 4)
    before = (tmp_path / RESULTS).read_bytes()
    assert call(monkeypatch, tiny, "--out", tmp_path) == 0
    output = capfd.readouterr().out
    assert "nothing is trained again" in output
    assert "report.html" in output
    assert (tmp_path / RESULTS).read_bytes() == before


@pytest.mark.slow
def test_more_seeds_extend_and_fewer_do_not_shrink(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_in_process(study(), tmp_path, 4)
    asked: list[list[tuple[str, int]]] = []

    def note(queue: StagedQueue, *rest: object) -> int:
        asked.append([(job.architecture.label(), job.seed) for job in queue.waiting])
        return 0

    monkeypatch.setattr(ablation_training, "_train", note)
    assert call(monkeypatch, tiny, "--out", tmp_path, "--seeds", "3") == 0
    assert [seed for _, seed in asked[0]] == [2, 2]
    assert call(monkeypatch, tiny, "--out", tmp_path, "--seeds", "1") == 0
    plan = RunStore(tmp_path).experiment()
    assert plan is not None
    assert plan.design.seeds == 3


def test_fresh_keeps_the_earlier_run_under_another_name(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    run_in_process(study(), out, 4)
    before = (out / RESULTS).read_bytes()
    seen: list[int] = []

    def note(queue: StagedQueue, *rest: object) -> int:
        seen.append(len(queue.waiting))
        return INTERRUPTED

    monkeypatch.setattr(ablation_training, "_train", note)
    assert call(monkeypatch, tiny, "--out", out, "--fresh") == INTERRUPTED
    assert seen == [4]
    assert (tmp_path / "run.1" / RESULTS).read_bytes() == before
    assert (out / STUDY).exists()


@pytest.mark.usefixtures("no_training")
def test_corrupt_results_are_named_and_left_alone(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_in_process(study(), tmp_path, 2)
    with open(tmp_path / RESULTS, "ab") as file:
        file.write(b"garbage\n")
    before = (tmp_path / RESULTS).read_bytes()
    assert call(monkeypatch, tiny, "--out", tmp_path) == 2
    assert f"{RESULTS} line 3" in capsys.readouterr().err
    assert (tmp_path / RESULTS).read_bytes() == before


@pytest.mark.usefixtures("no_training")
def test_a_run_of_another_study_is_not_continued(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_in_process(study(), tmp_path, 1)
    assert call(monkeypatch, "coconv_experts", "--out", tmp_path) == 2
    assert "cannot be continued: it holds tiny" in capsys.readouterr().err


SPACE_FILE = (
    "{backbone: {kind: resnet_cifar, depth: 8, width: 4}, num_classes: 7, "
    "rules: [{slots: 'layer1.*', options: [static, acnet]}]}"
)


@pytest.mark.parametrize("verb", [[], ["search", "--space", "space.yaml"]])
def test_a_plan_checks_the_data_that_it_is_given(
    verb: list[str], tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(SPACE_FILE)
    Path("images.yaml").write_text("{kind: folder, path: nowhere}")
    Path("empty").mkdir()
    command = [*(verb or [tiny]), "--plan"]
    status = call(monkeypatch, *command, "--task", "images.yaml")
    assert_refused(status, "nowhere", capsys)
    status = call(monkeypatch, *command, "--task", "folder")
    assert_refused(status, "write {kind: folder, path: FOLDER}", capsys)
    status = call(monkeypatch, *command, "--task", "stl10", "--data-root", "empty")
    assert_refused(status, "has no folder stl10_binary", capsys)
    tree(tmp_path / "data", counts=(4, 4))
    Path("images.yaml").write_text("{kind: folder, path: data/set, size: 8}")
    assert call(monkeypatch, *command, "--task", "images.yaml") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "folder(name=set, images=8, size=8)" in shown
    note = "fitted to the 2 of folder" if verb else "in place of the preset's own tasks"
    assert note in shown


@pytest.mark.usefixtures("no_training")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("asked", [[], ["--download"]])
def test_nothing_is_fetched_unless_asked(
    asked: list[str], tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from torchvision.datasets import KMNIST

    with mirror() as served:
        monkeypatch.setattr(KMNIST, "mirrors", [served.url])
        options = ["--task", "KMNIST", "--data-root", tmp_path / "data", *asked]
        (tmp_path / "space.yaml").write_text(SPACE_FILE)
        for command in ([tiny, "--plan"], ["search", "--space", tmp_path / "space.yaml"]):
            status = call(monkeypatch, *command, *options)
            message = "KMNIST cannot be downloaded: " if asked else "data does not exist"
            output = capsys.readouterr()
            assert (status, output.out) == (2, "")
            assert message in output.err
        assert bool(served.asked) == bool(asked)
    gc.collect()
