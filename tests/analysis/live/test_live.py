"""Live pages follow a run directory, and only for this machine."""

import json
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from analysis.live.pages import RunPages
from analysis.live.server import FAREWELL, PERIOD, LiveServer
from analysis.live.snapshot import LiveRun
from analysis.watch import watch
from studies.rundir.store import STUDY
from studies.trackers.live_log import FILE, LiveLog
from studies.trackers.tracker import TrackedJob
from tests.support.browser import BrowserPage, in_browser
from tests.support.helpers import job, made_up, write_ablation

HOSTILE = "</script><img src=x onerror='document.body.dataset.attacked = 1'>"


Logs = Callable[[Path], LiveLog]


@pytest.fixture
def live_log() -> Iterator[Logs]:
    """Live logs of run directories, whose files are closed as by a process that ends."""
    made: list[LiveLog] = []

    def of(folder: Path) -> LiveLog:
        made.append(LiveLog(folder, lambda: (3, 0.25, "1 min 5 s left")))
        return made[-1]

    yield of
    for log in made:
        if log.file is not None:
            log.file.close()


def training(log: LiveLog, name: str = "static") -> TrackedJob:
    """A job that has trained one of its two epochs."""
    one = TrackedJob(job(), f"{name}, seed 0", name)
    log.started(one)
    log.placed(one, "node-1", 77)
    log.epochs(one, made_up(one.job, 0.8).curve[:1])
    return one


def test_a_run_is_followed_from_before_its_start_to_its_end(tmp_path: Path, live_log: Logs) -> None:
    run = LiveRun(tmp_path)
    assert not run.update()
    assert run.state.startswith("not live")
    log = live_log(tmp_path)
    one = training(log)
    assert run.update()
    shot = run.snapshot()
    assert (shot["state"], shot["done"], shot["left"]) == ("running", 0.25, "1 min 5 s left")
    assert shot["running"][0]["curve"] == [(1, 0.4)]
    assert (shot["running"][0]["host"], shot["running"][0]["pid"]) == ("node-1", 77)
    assert shot["nodes"] == {"node-1": 1}
    assert shot["counts"] == {"waiting": 2, "running": 1}
    log.ended(one, made_up(one.job, 0.8))
    log.note("a sentence")
    log.close()
    run.update()
    shot = run.snapshot()
    assert (shot["state"], shot["counts"]["finished"], shot["running"]) == ("ended", 1, [])
    assert [line[10:] for line in shot["log"]] == ["static, seed 0: finished, 80.0 %", "a sentence"]
    # The next command begins the log anew.
    training(live_log(tmp_path))
    run.update()
    assert run.snapshot()["counts"] == {"waiting": 2, "running": 1}


def test_a_run_whose_process_is_gone_was_interrupted(tmp_path: Path, live_log: Logs) -> None:
    training(live_log(tmp_path))
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    lines[0]["pid"] = 2**22 + 1
    text = "".join(json.dumps(line) + "\n" for line in lines)
    # A torn last line and damage are passed over.
    (tmp_path / FILE).write_text(text + "damage\n[1]\n" + '{"event": "no')
    run = LiveRun(tmp_path)
    run.update()
    assert run.snapshot()["state"] == "interrupted"
    assert run.snapshot()["counts"] == {"waiting": 2, "interrupted": 1}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """Of a run with results, and of one that has not begun."""
    write_ablation(tmp_path / "run", jobs=4)
    served = LiveServer([tmp_path / "run", tmp_path / "none"])
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def status(address: str, **headers: str) -> int:
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_only_this_machine_is_answered(server: LiveServer) -> None:
    assert status(server.address) == 200
    assert status(server.address, Host="evil.example") == 403
    assert status(server.address, Host="127.0.0.1.evil.example:80") == 403
    assert status(server.address, Origin="http://evil.example") == 403
    for path in ("other", "report/9", "report/-1", "../etc/passwd"):
        assert status(server.address + path) == 404
    assert server.server_address[0] == "127.0.0.1"


def test_news_arrive_within_two_seconds(server: LiveServer, tmp_path: Path, live_log: Logs) -> None:
    with urllib.request.urlopen(server.address + "events", timeout=30) as stream:
        assert stream.readline() == b"event: jobs\n"
        stream.readline()
        training(live_log(tmp_path / "run"), HOSTILE)
        for line in stream:
            if line.startswith(b"data: [") and b"</script>" not in line and b"img" in line:
                break
        assert json.loads(line[6:])[0]["running"][0]["name"] == f"{HOSTILE}, seed 0"
    # One look at the directory, and the reply.
    assert PERIOD <= 1


def test_the_end_is_told_after_a_last_look(
    server: LiveServer, tmp_path: Path, live_log: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with urllib.request.urlopen(server.address + "events", timeout=30) as stream:
        stream.readline()
        # Nothing but the end looks from here on.
        monkeypatch.setattr("analysis.live.server.PERIOD", 1e6)
        server.stopped.wait(1.2)
        (tmp_path / "run" / STUDY).touch()
        training(live_log(tmp_path / "run"), "the last")
        monkeypatch.setattr(server.pages[1], "first_screen", lambda: "the end")
        server.shutdown()
        server.server_close()
        lines = stream.read().decode().splitlines()
    assert lines[-3:] == ["event: closed", "data: {}", ""]
    assert any(line.startswith("data: [") and "the last, seed 0" in line for line in lines)
    assert any("the end" in line for line in lines)
    assert server.listeners == 0


def test_the_end_waits_a_short_time_for_those_who_listen(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float | None] = []

    def wait_for(condition: Callable[[], bool], timeout: float | None = None) -> bool:
        waited.append(timeout)
        return condition()

    server.listeners = 1
    monkeypatch.setattr(server.changed, "wait_for", wait_for)
    server.server_close()
    assert waited == [FAREWELL] and FAREWELL <= 2


def test_an_error_of_drawing_is_told_once(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    texts = ["damaged", "damaged", "other"]

    def fails() -> str:
        raise ValueError(texts[0])

    server.stopped.set()
    monkeypatch.setattr(server.pages[0], "first_screen", fails)
    while texts:
        server.draw()
        texts.pop(0)
    assert [text.split(": ", 1)[1] for text in caplog.messages] == [
        "ValueError: damaged",
        "ValueError: other",
    ]


def test_pages_are_made_again_only_for_new_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / STUDY).write_text("{}")
    pages, made = RunPages(tmp_path, 0), iter(range(9))
    for name in ("_made_screen", "_made_report"):
        monkeypatch.setattr(pages, name, lambda: str(next(made)))
    assert [pages.first_screen(), pages.report(), pages.first_screen()] == ["0", "1", "0"]
    (tmp_path / STUDY).write_text("{ }")
    assert [pages.first_screen(), pages.report(), pages.report()] == ["2", "3", "3"]


def test_sigterm_ends_watching_as_ctrl_c_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[LiveServer] = []

    def serve(server: LiveServer) -> None:
        served.append(server)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(LiveServer, "serve_forever", serve)
    monkeypatch.setattr("torch.set_num_threads", lambda count: None)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert watch([tmp_path]) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert served[0].stopped.is_set()
    assert "Watch at http://127.0.0.1:" in capsys.readouterr().out


def test_the_default_port_is_told_once() -> None:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(watch)
    help_text = CliRunner().invoke(app, ["--help"]).output
    port = help_text[help_text.index("--port") : help_text.index("--host")]
    assert port.count("default") == 1


@pytest.mark.browser
@pytest.mark.slow
def test_a_live_page_shows_jobs_and_the_first_screen(
    server: LiveServer, tmp_path: Path, live_log: Logs
) -> None:
    async def look(page: BrowserPage) -> None:
        await page.resize(390)
        await page.open(server.address)
        training(live_log(tmp_path / "run"), HOSTILE)
        await page.until("document.querySelector('.job') && document.querySelector('svg.front')")
        shown = await page.run("document.querySelector('.job').textContent")
        assert HOSTILE in shown and "epoch 1 of 2, 40.0 %" in shown
        assert "node-1, process 77" in shown
        assert await page.run("document.body.dataset.attacked || ''") == ""
        assert await page.run("document.documentElement.scrollWidth <= innerWidth")
        await page.open(server.address + "report/0")
        await page.run("boxes.forEach(draw)")
        await page.until("boxes.every((box) => box.querySelector('svg'))")
        assert page.complaints == []

    in_browser(look)
