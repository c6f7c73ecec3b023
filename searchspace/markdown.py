"""Tables in GitHub's Markdown."""

import re
from collections.abc import Container, Iterable, Sequence


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: Container[int] = ()
) -> str:
    """A table with a line break at the end; the columns in `numbers` are aligned to the right."""
    rule = ["--:" if column in numbers else "---" for column in range(len(headings))]
    lines = ([_cell(text) for text in row] for row in (headings, rule, *rows))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """The text of a cell: a bar, a line break or a tag would end it."""
    return re.sub(r"<(?=[A-Za-z/!?])", r"\\<", text.replace("|", "\\|").replace("\n", " "))
