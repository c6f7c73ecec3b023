"""Reports in a real browser."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from analysis.report import PAGE, report
from tests.support.helpers import write_ablation, write_search

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROBE = """<script>
window.addEventListener("load", () => setTimeout(() => {
  const point = document.querySelector("#front-macs-0-f .point").getBoundingClientRect();
  const x = point.left + point.width / 2, y = point.top + point.height / 2;
  const drag = document.querySelector("#front-macs-0-f .nsewdrag");
  const send = (kind) => drag.dispatchEvent(new MouseEvent(kind, {
    bubbles: true, cancelable: true, view: window, clientX: x, clientY: y, button: 0, buttons: 1,
  }));
  send("mousemove");
  setTimeout(() => {
    document.body.dataset.hovered = document.querySelector("#network .command").textContent;
    send("mousedown");
    send("mouseup");
  }, 1500);
}, 3000));
</script></body>"""
"""Moves the pointer to the first point of a front, and clicks."""


def opened(page: Path, profile: Path) -> tuple[str, str]:
    """The document after its scripts have run, and what the browser complained of."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "these tests need Chromium (Debian: apt-get install chromium)"
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            # Tall enough for every figure to be near the window; no host can be reached.
            "--window-size=1280,12000", "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr", "--virtual-time-budget=20000",
            f"--user-data-dir={profile}", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, "\n".join(complaints)


@pytest.mark.parametrize("write", [write_ablation, write_search])
def test_every_figure_has_points_and_a_click_shows_the_network(
    write: object, tmp_path: Path
) -> None:
    assert callable(write)
    write(tmp_path)
    report([tmp_path])
    text = (tmp_path / PAGE).read_text()
    probed = tmp_path / "probed.html"
    probed.write_text(text.replace("</body>", PROBE))
    document, complaints = opened(probed, tmp_path / "profile")
    assert complaints == ""
    figures = document.split('<div class="figure')[1:]
    assert len(figures) == text.count('<div class="figure"') > 3
    for figure in figures:
        drawn = figure.split('<script type="application/json"')[0]
        assert re.search(r'class="(point|js-line|lines)"|<path class="js-line"', drawn), drawn[:90]
    hovered = re.search(r'data-hovered="([^"]*)"', document)
    assert hovered
    assert unescape(hovered[1]).startswith("python -m trainers.train ")
    dock = document[document.index('<aside id="network"') :]
    assert dock.startswith('<aside id="network" class="pinned">')
    assert '"backbone": {' in dock
    assert "cat &gt; " in dock
