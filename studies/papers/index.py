"""`index.csv`: every study's name, question, source and presets, for `--list` without torch.

`python -m studies.papers.index` writes the file anew from the studies; a test says when it must.
"""

import csv
import io
import re
import textwrap
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from searchspace.cli import run_command

INDEX = Path(__file__).with_name("index.csv")
COLUMNS = ("study", "question", "paper's table", "presets")


def studies_text(width: int) -> str:
    """Every study by paper, with its table, presets and question, in lines of at most `width`."""
    filled = partial(textwrap.fill, width=width, break_on_hyphens=False)
    lines: list[str] = []
    paper = ""
    for row in read_index():
        source, place = split_source(row[COLUMNS[2]])
        if source != paper:
            paper = source
            lines += [*[""] * bool(lines), paper[0].upper() + paper[1:]]
        about = f" ({place})" if place else ""
        head = f"{row['study']}{about}: {row['presets']}"
        lines.append(filled(head, initial_indent="  ", subsequent_indent="      "))
        question = row["question"]
        lines.append(filled(question, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)


def split_source(source: str) -> tuple[str, str]:
    """The paper, and the place in it: CoConv and Table 4."""
    paper = re.split(" (?=Table|Figure|Section)", source)[0]
    return paper, source[len(paper) :].strip()


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
