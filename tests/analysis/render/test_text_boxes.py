from analysis.render.text_boxes import place_names, shortened, text_width

FRAME = (0.0, 0.0, 400.0, 300.0)


def test_names_keep_off_points_each_other_and_the_edge() -> None:
    points = [(200.0, 150.0), (204.0, 152.0), (390.0, 10.0)]
    names = ["first of them", "second", "at the corner"]
    placed = place_names(points, names, FRAME)
    assert None not in placed
    boxes = []
    for place in placed:
        assert place is not None
        width = text_width(place.text)
        left = place.x - {"start": 0, "middle": width / 2, "end": width}[place.anchor]
        boxes.append((left, place.y - 12, left + width, place.y + 3))
        assert left >= 0 and left + width <= 400
    (a, b) = boxes[:2]
    assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_a_name_without_room_is_left_out() -> None:
    assert place_names([(5.0, 5.0)], ["much too long for this"], (0, 0, 60, 20)) == [None]


def test_long_names_end_in_an_ellipsis() -> None:
    assert shortened("short", 100) == "short"
    cut = shortened("a name that is too long", 80)
    assert cut.endswith("…") and text_width(cut) <= 80
