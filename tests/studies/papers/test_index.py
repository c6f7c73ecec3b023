"""The index that `--list` shows says what the studies say."""

from studies.papers.catalog import STUDIES
from studies.papers.index import INDEX, index_text, read_index


def test_the_index_is_up_to_date() -> None:
    """If not: python -m studies.papers.index."""
    assert INDEX.read_text(encoding="utf-8") == index_text()


def test_rows_are_the_studies_in_their_order() -> None:
    assert [row["study"] for row in read_index()] == list(STUDIES)
    assert {row["question"] for row in read_index()} == {s.question for s in STUDIES.values()}
