import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.render import files
from analysis.render.figures import figure
from analysis.render.section import ReportTable, Section
from searchspace import InputError

FRAME = pd.DataFrame(
    {"name": ["a_b", "c"], "share": [0.25, 3e-5], "n": pd.array([1234567, None], "Int64"),
     "on": [True, False], "never": [None, None]}
)  # fmt: skip
COLUMNS = {name: f"what {name} means" for name in FRAME}
TABLE = ReportTable("shares", "Shares", FRAME, COLUMNS)


def drawn() -> Section:
    made = figure("cost", "accuracy, %")
    made.add_scatter(x=[1, 2], y=[3, 4])
    return Section("front", "Front", figure=made, tables=(TABLE,))


def test_tables_in_four_formats_with_their_columns_explained(tmp_path: Path) -> None:
    assert files.write_tables([("1-", drawn())], tmp_path) == 1
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["1-shares.csv", "1-shares.md", "1-shares.parquet", "1-shares.tex",
                     "COLUMNS.md"]  # fmt: skip
    back = pd.read_parquet(tmp_path / "1-shares.parquet")
    assert back["n"].tolist() == FRAME["n"].tolist()
    assert pd.read_csv(tmp_path / "1-shares.csv")["share"].tolist() == [0.25, 3e-5]
    assert r"a\_b & yes & 0.25 & 1,234,567 \\" in (tmp_path / "1-shares.tex").read_text()
    assert "| a_b | yes | 0.25 | 1,234,567 |" in (tmp_path / "1-shares.md").read_text()
    assert "- `share`: what share means" in (tmp_path / "COLUMNS.md").read_text()


def test_a_page_leaves_out_what_is_hidden_or_nowhere_known() -> None:
    table = ReportTable("shares", "Shares", FRAME, COLUMNS, hidden=("on",)).text_table(rows=1)
    assert table.headings == ("name", "share", "n")
    assert table.rows == (("a_b", "0.25", "1,234,567"),)


def test_a_column_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match="never"):
        ReportTable("shares", "Shares", FRAME, {name: "" for name in FRAME if name != "never"})


def test_figures_need_kaleido(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(InputError, match=r"needs kaleido; install it with .*\[figures\]"):
        files.write_figures([("", drawn())], tmp_path)


@pytest.mark.browser
def test_figures_in_three_formats(tmp_path: Path) -> None:
    assert files.write_figures([("", drawn())], tmp_path) == 1
    starts = {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}
    for kind, start in starts.items():
        assert (tmp_path / f"front.{kind}").read_bytes().startswith(start)
    assert "accuracy, %" in (tmp_path / "front.svg").read_text()
