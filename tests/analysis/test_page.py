"""Reports in a real browser: at three widths, in both colour schemes, and what one can do there."""

from pathlib import Path
from typing import Any

import pytest

from analysis.report import PAGE, report
from analysis.sections import coordinates
from tests.support.browser import BrowserPage, in_browser
from tests.support.helpers import write_ablation, write_search
from tests.support.paths import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTHS = ((390, False), (1280, True), (1920, False))

FILTER = """(() => { const field = document.querySelector("input.filter"); field.value = "%s";
    field.dispatchEvent(new Event("input")); })()"""
"""Types into the first filter of a page's tables."""

PROBES = (ROOT / "tests" / "support" / "page_probes.js").read_text()
"""Functions that give what is wrong with a page's texts."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coordinates, "FEWEST", 3)
        for name, write in (("ablation", write_ablation), ("search", write_search)):
            write(folder / name)
            report([folder / name])
    return {name: folder / name / PAGE for name in ("ablation", "search")}


@pytest.mark.parametrize("kind", ["ablation", "search"])
def test_nothing_is_cut_lies_over_another_or_is_hard_to_read(
    kind: str, pages: dict[str, Path]
) -> None:
    """Pictures are kept beside the page, for people to look at."""

    async def look(page: BrowserPage) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for width, dark in WIDTHS:
            await page.resize(width, dark=dark)
            await page.open(pages[kind].as_uri())
            await page.run(PROBES)
            for probe in ("cutTexts", "overlappingTexts", "faintTexts", "tooWide"):
                found[f"{probe} at {width}"] = await page.run(f"{probe}()")
            await page.picture(pages[kind].with_name(f"{width}.png"), whole=True)
        return found | {"complaints": page.complaints}

    found = in_browser(look)
    assert not {name: texts for name, texts in found.items() if texts}


def test_one_can_copy_compare_choose_sort_and_filter(pages: dict[str, Path]) -> None:
    async def use(page: BrowserPage) -> None:
        await page.resize(1280)
        await page.open(pages["search"].as_uri())
        await page.run('document.querySelector("button.copies").click()')
        copied = await page.run("document.body.dataset.copied")
        assert copied.startswith("cat > ") and "\npython -m trainers.train " in copied
        # The slider: its lowest budget picks another network than its highest.
        pick = 'document.querySelector(".budget output strong").textContent'
        highest = await page.run(pick)
        await page.run("""(() => { const s = document.querySelector(".budget input"); s.value = 0;
            s.dispatchEvent(new Event("input")); })()""")
        assert await page.run(pick) != highest
        assert (await page.run('document.querySelectorAll(".budget .certainty").length')) > 0
        # Two networks side by side, what differs marked.
        await page.run("""(() => { const dots = all("svg.wide .dot[data-i]");
            const other = dots.find((dot) => dot.dataset.i !== dots[0].dataset.i);
            [dots[0], other].forEach((dot) => dot.dispatchEvent(new MouseEvent("click"))); })()""")
        assert await page.run('document.querySelectorAll("#network .network").length') == 2
        assert await page.run('document.querySelectorAll("#network .differs").length') > 0
        # A part of an axis: the front and the tables show the networks within.
        await page.run("""(() => { const grip = document.querySelector(".axes .grip");
            const { left, bottom } = grip.getBoundingClientRect();
            grip.setPointerCapture = () => {};
            [["pointerdown", 0], ["pointermove", 60]].forEach(([kind, up]) => grip.dispatchEvent(
              new PointerEvent(kind, { clientX: left, clientY: bottom - up }))); })()""")
        chosen, others = "svg.wide .dot.picked", "svg.wide .dot[data-i]:not(.picked)"
        for dots in (chosen, others, ".axes .line.out", "tbody tr[hidden]"):
            assert await page.run(f"document.querySelectorAll({dots!r}).length") > 0
        # A filter does not show again what the selection hides, nor the other way round.
        hidden = 'document.querySelectorAll("tbody tr[hidden]").length'
        by_axes = await page.run(hidden)
        await page.run(FILTER % "no such row")
        filtered = await page.run(hidden)
        assert filtered > by_axes
        await page.run(FILTER % "")
        assert await page.run(hidden) == by_axes
        await page.run(FILTER % "no such row")
        await page.run('document.querySelector(".axes .all").click()')
        rows = 'all("tbody tr%s", document.querySelector("input.filter").parentElement).length'
        assert await page.run(rows % "[hidden]") == await page.run(rows % "") > 0
        await page.run(FILTER % "")
        assert await page.run(hidden) == 0
        # A table by another column, and some of its rows.
        mean = """(() => { const table = document.querySelector("table");
            const column = all("th", table).findIndex((head) => head.textContent === "mean");
            all("th button", table)[column].click();
            return [...table.tBodies[0].rows].map((row) => Number(row.cells[column].textContent));
            })()"""
        values = await page.run(mean)
        assert values == sorted(values) and len(values) > 3
        assert page.complaints == []

    in_browser(use)


def test_every_figure_is_drawn_and_a_point_shows_its_network(pages: dict[str, Path]) -> None:
    async def draw(page: BrowserPage) -> None:
        await page.resize(1280)
        await page.open(pages["ablation"].as_uri())
        await page.run('document.querySelectorAll("details").forEach((d) => { d.open = true; })')
        await page.run("boxes.forEach(draw)")
        await page.until(
            'boxes.every((b) => b.querySelector(".point, .js-line, .lines, .js-fill"))'
        )
        assert await page.run("boxes.length") > 3
        await page.run("""(() => { const box = document.getElementById("front-params-0-f");
            box.emit("plotly_click", { points: [{ data: box.data.find((t) => t.meta), customdata:
            [0] }] }); })()""")
        assert '"backbone": {' in await page.run(
            'document.querySelector("#network .json").textContent'
        )
        assert page.complaints == []

    in_browser(draw)
