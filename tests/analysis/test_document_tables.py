"""The generated parts of the documents are up to date, and a page without its places is refused."""

import pytest

from analysis.document_tables import PART, filled, studies_parts
from searchspace import InputError
from studies.papers.catalog import STUDIES
from tests.support.paths import ROOT


def test_the_tables_of_studies_are_up_to_date() -> None:
    page = (ROOT / "docs" / "studies.md").read_text()
    assert filled(page, studies_parts(STUDIES.values())) == page
    for name in STUDIES:
        assert f"| `{name}` |" in page


def test_a_part_is_replaced_between_its_marks() -> None:
    page = "# A\n<!-- generated: b -->\nold\n<!-- end -->\nrest\n"
    assert filled(page, {"b": "new\n"}) == page.replace("old", "new")
    assert PART.findall(page)[0][1] == "b"


@pytest.mark.parametrize("parts", [{}, {"b": "", "c": ""}])
def test_parts_and_places_must_agree(parts: dict[str, str]) -> None:
    with pytest.raises(InputError, match="generated parts must be"):
        filled("<!-- generated: b -->\n<!-- end -->\n", parts)
