"""`index.csv`: every study's name, question, source and presets, for `--list` without torch.

`python -m studies.papers.index` writes the file anew from the studies; a test says when it must.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from rich.table import Column, Table

from searchspace.cli import run_command

INDEX = Path(__file__).with_name("index.csv")
COLUMNS = ("study", "question", "paper's table", "presets")


def studies_table() -> Table:
    """Every study with its question."""
    table = Table(Column(COLUMNS[0], no_wrap=True), *COLUMNS[1:])
    for row in read_index():
        table.add_row(*(row[column] for column in COLUMNS))
    return table


def read_index() -> list[Mapping[str, str]]:
    """The rows of the index, one for each study."""
    return list(csv.DictReader(io.StringIO(INDEX.read_text(encoding="utf-8"))))


def index_text() -> str:
    """What the index must say."""
    from studies.papers.catalog import STUDIES

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for study in STUDIES.values():
        writer.writerow([study.name, study.question, study.source, ", ".join(study.presets)])
    return text.getvalue()


def write_index() -> None:
    """Write the index of all studies anew."""
    INDEX.write_text(index_text(), encoding="utf-8")


if __name__ == "__main__":
    run_command(write_index, "python -m studies.papers.index")
