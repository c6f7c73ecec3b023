"""The index that `--list` shows says what the studies say."""

from studies.papers.catalog import STUDIES
from studies.papers.index import INDEX, index_text, read_index, studies_text


def test_the_index_is_up_to_date() -> None:
    """If not: python -m studies.papers.index."""
    assert INDEX.read_text(encoding="utf-8") == index_text()


def test_rows_are_the_studies_in_their_order() -> None:
    assert [row["study"] for row in read_index()] == list(STUDIES)
    assert {row["question"] for row in read_index()} == {s.question for s in STUDIES.values()}


def test_the_list_fits_into_a_terminal_and_breaks_between_words() -> None:
    whole = studies_text(10**6)
    narrow = studies_text(80).splitlines()
    assert max(map(len, narrow)) <= 80 < max(map(len, whole.splitlines()))
    assert " ".join(" ".join(narrow).split()) == " ".join(whole.split())
    # No word of a line that goes on is where a paper's name would be.
    papers = [line for line in whole.splitlines() if line[:1] not in ("", " ")]
    assert [line for line in narrow if line[:1] not in ("", " ")] == papers
