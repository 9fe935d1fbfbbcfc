"""Which dot of the second picture is on the point that is marked in the first."""

import numpy as np
from support.box_views import BY_NAME, EAST_OF_IT, GATES, SOUTH, answer, known, seen_of_box
from support.egg_shots import Item, around, dots, egg, nearest, shoot, soundly
from support.painted_box import K


def test_the_dot_on_the_same_point_is_the_answer_and_no_other():
    what, rng = known(SOUTH, EAST_OF_IT, seen=seen_of_box()), np.random.default_rng(1)
    drawn = [BY_NAME["marked_point"].draw(what, GATES, rng) for _ in range(60)]
    assert len([figure for figure in drawn if figure]) > 20
    for figure in filter(None, drawn):
        said = answer("marked_point", what, figure)
        mark = next(mark for mark in figure.marks if mark.image == 0)
        dot = next(mark for mark in figure.marks if mark.image == 1 and f"the {mark.colour} dot" == said)
        # both lie on rays that meet: the nearest points of the two lines are one
        origins, rays = [], []
        for pose, point in ((SOUTH, mark), (EAST_OF_IT, dot)):
            ray = pose[:3, :3] @ np.linalg.solve(K, [point.x, point.y, 1.0])
            origins.append(pose[:3, 3])
            rays.append(ray / np.linalg.norm(ray))
        across = np.cross(*rays)
        assert abs((origins[1] - origins[0]) @ across / np.linalg.norm(across)) < 1e-3
        assert len({(m.x, m.y) for m in figure.marks if m.image == 1}) == 4


def test_staying_near_the_pixel_of_the_mark_is_right_no_more_often_than_by_chance():
    what, rng = known(SOUTH, EAST_OF_IT, seen=seen_of_box()), np.random.default_rng(2)
    hits, asked = 0, 0
    for _ in range(300):
        figure = BY_NAME["marked_point"].draw(what, GATES, rng)
        if figure is None:
            continue
        mark, *dots = sorted(figure.marks, key=lambda mark: mark.image)
        nearest = min(dots, key=lambda dot: np.hypot(dot.x - mark.x, dot.y - mark.y))
        hits += answer("marked_point", what, figure) == f"the {nearest.colour} dot"
        asked += 1
    assert asked > 150 and 0.05 < hits / asked < 0.3


def test_a_dot_beside_its_point_has_no_answer():
    what = known(SOUTH, EAST_OF_IT, seen=seen_of_box())
    figure = BY_NAME["marked_point"].draw(what, GATES, np.random.default_rng(0))
    moved = figure.marks[0].model_copy(update={"x": figure.marks[0].x + 3})
    assert answer("marked_point", what, figure._replace(marks=(moved, *figure.marks[1:]))) is None


def test_what_was_on_the_right_comes_to_the_middle_when_the_camera_goes_right():
    """From the south to the east, counter-clockwise from above: the point in the east was right and is in the middle."""
    thing = egg()
    places = [
        nearest(thing, p)
        for p in ([0.35, -0.2, 0], [-0.1, -0.1, 0.38], [0.05, 0.3, 0.25], [0.1, -0.38, -0.05])
    ]
    shot = shoot([around(-90, 0), around(-30, 0)], thing, points=places)
    item = Item(
        "marked_point/image_2",
        shot,
        dots(shot, 0, (1, 2, 3), ("blue", "red", "green", "yellow")),
        "the blue dot",
    )
    texts = soundly(item)
    assert any("further to the left" in text for text in texts)
    assert all("blue (middle, middle)" in text or "blue is in the middle" in text for text in texts)
