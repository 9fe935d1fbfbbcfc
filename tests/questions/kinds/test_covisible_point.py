"""Whether a point that is marked in the first picture can be seen in the second."""

import numpy as np
import pytest
from support.box_views import BY_NAME, GATES, SOUTH, answer, known, looking, seen_of_box, sees
from support.egg_shots import KINDS, Item, around, egg, nearest, shoot, soundly

from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import Mark


def test_a_hidden_point_is_asked_about_as_often_as_a_seen_one_and_lies_as_far_out():
    south_west, south_east = looking(-125), looking(-50)  # one sees the west side, both the south side
    seen = seen_of_box(south_east, south_west)
    what, rng = known(south_west, south_east, seen=seen), np.random.default_rng(3)
    figures = [BY_NAME["covisible_point"].draw(what, GATES, rng) for _ in range(300)]
    said = [answer("covisible_point", what, figure) for figure in figures]
    assert (
        110 < said.count("it is hidden") < 190
        and said.count("it is hidden") + said.count("it can be seen") == 300
    )
    out = {
        way: [
            np.hypot(f.marks[0].x - 48, f.marks[0].y - 48)
            for f, s in zip(figures, said, strict=True)
            if s == way
        ]
        for way in set(said)
    }
    assert abs(np.mean(out["it is hidden"]) - np.mean(out["it can be seen"])) < 6


def test_a_hidden_point_is_hidden():
    seen = seen_of_box(looking(0))  # a quarter further around: what faced west is gone
    what = known(SOUTH, looking(0), seen=seen)
    for point in seen.points:
        if point.visible[0] != "yes":
            continue
        mark = Mark(image=0, x=point.pixels[0][0], y=point.pixels[0][1], colour="red")
        said = answer("covisible_point", what, Figure(marks=(mark,)))
        expected = {"yes": "it can be seen", "no": "it is hidden", "unclear": None}[point.visible[1]]
        assert said == expected
        if said is not None:
            assert sees(looking(0), np.array(point.world) * 1.0005) == (said == "it can be seen")


@pytest.mark.parametrize(("way", "answer"), [(1, "it can be seen"), (-1, "it is hidden")])
def test_a_place_on_the_right_is_lost_when_the_camera_goes_far_to_the_left(way, answer):
    thing = egg()
    shot = shoot(
        [around(-90, 0), around(-90 + way * 80, 0)], thing, points=[nearest(thing, [0.28, -0.28, 0.0])]
    )
    mark = Mark(image=0, x=shot.seen.points[0].pixels[0][0], y=shot.seen.points[0].pixels[0][1], colour="red")
    item = Item("covisible_point/image_2", shot, Figure(marks=(mark,)), answer)
    (solved,) = [KINDS[item.name].solve(shot, item.figure, GATES)]
    assert item.options[solved.fact.option] == answer
    soundly(item)
