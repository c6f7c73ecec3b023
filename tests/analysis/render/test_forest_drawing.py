from math import nan

from analysis.render.forest_drawing import ForestRow, forest_drawings
from analysis.render.text_boxes import text_width

ROWS = [
    ForestRow("better", 2.0, 1.0, 3.0, "supported", "supported, within 0.5"),
    ForestRow("no seed yet", nan, nan, nan, "undecided", "undecided"),
    ForestRow("a claim with a name that is long " * 4, -12.9, -16.45, -9.35, "contradicted", "no"),
]


def test_every_row_has_its_place_and_numbers_and_words_do_not_meet() -> None:
    for drawing in forest_drawings(ROWS, "points", margin=0.5):
        assert drawing.margin is not None
        assert drawing.left < drawing.margin[0] < drawing.zero < drawing.margin[1] < drawing.right
        better, missing, worse = drawing.rows
        assert better.mean is not None and better.low is not None and better.high is not None
        assert drawing.zero < better.low < better.mean < better.high <= drawing.right
        assert (missing.mean, missing.low, missing.number) == (None, None, "–")
        assert worse.mean is not None and worse.mean < drawing.zero
        assert worse.name.endswith("…") and worse.number == "−12.90 (−16.45 to −9.35)"
    wide, _ = forest_drawings(ROWS, "points")
    room = wide.width - wide.right - 14
    assert text_width(worse.number) + text_width("supported, within 0.5") < room
