"""Names and texts of a user that look like HTML, on every page."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.data.runs import read_run
from analysis.report import PAGE, report
from analysis.sections.verdict_summary import page as verdicts_page
from searchspace.markdown import markdown_table
from studies import Ablation, Arm, Claim
from studies.rundir.store import RunStore
from studies.spec.claims import exceeds
from tests.support.browser import BrowserPage, in_browser
from tests.support.helpers import EXPERTS, STATIC, made_up, record, study

ATTACK = "document.body.dataset.attacked = 1"
NAMES = (
    f"<script>{ATTACK}</script>",
    f'</script><script>{ATTACK}</script>"',
    f"<!--<script> ' \" <img src=x onerror='{ATTACK}'>",
    f']]>--></style></title><svg onload="{ATTACK}"><b>bold</b> & &lt;',
    f'%{{x}} ${{y}} {{{{ 7 * 7 }}}} <a href="javascript:{ATTACK}">link</a>',
)


def write_hostile(folder: Path) -> Ablation:
    """A run directory whose names and texts are all hostile."""
    tiny = study(3)
    networks = (
        STATIC,
        EXPERTS,
        *(replace(EXPERTS, choices=dict(list(EXPERTS.choices.items())[i:])) for i in (1, 2, 3)),
    )
    arms = tuple(Arm(name, network) for name, network in zip(NAMES, networks, strict=True))
    claim = Claim(NAMES[1], NAMES[2], exceeds(NAMES[1], NAMES[0]))
    design = replace(tiny.presets["quick"], arms=arms, claims=(claim,), note=NAMES[3])
    points = (replace(tiny.published[0], arm=NAMES[0], source=NAMES[1], note=NAMES[2], macs=1e6),)
    asked = replace(
        tiny, name=NAMES[0], question=NAMES[2], source=NAMES[3], baseline=NAMES[0],
        presets={"quick": design}, published=points,
    ).ablation("quick")  # fmt: skip
    store = RunStore(folder)
    with store.locked():
        store.ask(asked, {"python": NAMES[1]})
        for number, (_, job) in enumerate(asked.jobs()):
            result = made_up(job, 0.7 + 0.01 * number, "failed" if number == 4 else "finished")
            if number == 4:
                result = replace(result, reason=NAMES[1])
            store.append(record(job, result))
    return asked


class Tags(HTMLParser):
    """The tags of a page, its text, and the contents of its JSON scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.inside = ""
        self.json: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.inside = "json" if dict(attrs).get("type") == "application/json" else tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "json":
            self.json.append(data)
        elif self.inside not in ("script", "style"):
            self.text += data


def test_pages_hold_hostile_texts_as_text(tmp_path: Path) -> None:
    write_hostile(tmp_path)
    report([tmp_path], plotly=tmp_path / "plotly.js")
    text = (tmp_path / PAGE).read_text()
    parsed = Tags(text)
    # Drawings are the page's own: no attribute of theirs is a script (`Tags`).
    assert not {"img", "a-"} & set(parsed.tags)
    assert parsed.tags.count("script") == len(parsed.json) + 2
    assert parsed.tags.count("aside") == 1
    for data in parsed.json:
        assert "<" not in data
        json.loads(data)
    for page in (parsed, Tags(verdicts_page([read_run(tmp_path)]))):
        unbroken = page.text.replace("\u00a0", " ")
        assert all(name in unbroken for name in NAMES)
        assert "script" not in page.tags or page is parsed


@pytest.mark.browser
@pytest.mark.slow
def test_no_script_of_a_name_runs_in_a_browser(tmp_path: Path) -> None:
    write_hostile(tmp_path)
    report([tmp_path], plotly=tmp_path / "plotly 1.js")
    (tmp_path / "verdicts.html").write_text(verdicts_page([read_run(tmp_path)]))

    async def look(page: BrowserPage) -> None:
        await page.resize(1280, 3000)
        for name in (PAGE, "verdicts.html"):
            await page.open((tmp_path / name).as_uri())
            if name == PAGE:
                await page.run(
                    'document.querySelectorAll("details").forEach((d) => { d.open = true; });'
                    "boxes.forEach(draw); document.querySelector('button.shows').click()"
                )
                await page.until("boxes.every((box) => box.querySelector('svg'))")
            assert await page.run("document.body.dataset.attacked || ''") == ""
            # Drawn as text: plotly knows links and bold face too.
            bad = "img, svg[onload], a[href^=javascript], tspan[style*=font-weight]"
            assert await page.run(f"document.querySelectorAll({bad!r}).length") == 0
        assert page.complaints == []

    in_browser(look)


def test_cells_of_markdown_hold_hostile_texts() -> None:
    table = markdown_table(("name",), [["<b>|</b>\n<!--"], ["< 0.0001"]])
    assert table.splitlines()[2:] == [r"| \<b>\|\</b> \<!-- |", "| < 0.0001 |"]
