"""The nearest, the highest and the furthest of three cameras, of views that are placed by hand."""

import numpy as np
import pytest
from support.kinds import BY_NAME, options_of
from support.published import sample_of, set_seen, view_at

from viewpoint100k.config import GateConfig

GATES = GateConfig()
TURNS = (30.0, 60.0, 95.0)


def views(turns=TURNS, elevations=(10, 10, 10), distances=(3.0, 3.0, 3.0), zooms=(1, 1, 1), shared=0.5):
    """Four views of a ball: the first from the south, the others around it from there, counter-clockwise."""
    others = [
        view_at(-90 + turn, up, away, zoom=zoom)
        for turn, up, away, zoom in zip(turns, elevations, distances, zooms, strict=True)
    ]
    seen = set_seen(4)
    seen = seen.model_copy(update={"covisible_fraction": (np.full((4, 4), shared)).tolist()})
    return sample_of([view_at(-90, 10), *others], seen=seen)


def answer(name, what):
    kind = next(kind for kind in BY_NAME.values() if kind.type == name)
    solved = kind.solve(what, kind.draw(what, GATES, np.random.default_rng(0)), GATES)
    return None if solved is None else options_of(kind)[solved.fact.option]


def test_the_nearest_camera_is_nearest_through_one_lens_and_by_enough():
    assert answer("nearest_of_three", views(distances=(3.0, 2.4, 2.9))) == "image 3"
    assert answer("nearest_of_three", views(distances=(2.2, 3.0, 2.6))) == "image 2"
    assert answer("nearest_of_three", views(distances=(3.0, 2.7, 2.9))) is None
    assert answer("nearest_of_three", views(distances=(3.0, 2.4, 2.9), zooms=(1, 1, 1.2))) is None


def test_the_highest_camera_looks_down_most_steeply():
    assert answer("highest_of_three", views(elevations=(10, 12, 40))) == "image 4"
    assert answer("highest_of_three", views(elevations=(30, 12, 10))) == "image 2"
    assert answer("highest_of_three", views(elevations=(10, 12, 18))) is None


@pytest.mark.parametrize("side", [1, -1])
def test_the_furthest_camera_is_furthest_to_whichever_side(side):
    assert answer("furthest_of_three", views([side * turn for turn in TURNS])) == "image 4"
    assert answer("furthest_of_three", views([30 * side, -60 * side, 35 * side])) == "image 3"
    assert answer("furthest_of_three", views([40 * side, -40 * side, 20 * side])) is None  # two as far
    assert answer("furthest_of_three", views([50 * side, 110 * side, 170 * side])) is None


def test_views_that_share_nothing_lead_nowhere():
    assert answer("furthest_of_three", views(shared=0.05)) is None


def test_what_a_flat_look_sees_of_the_right_picture_is_what_is_evened_out():
    kind = BY_NAME["furthest_of_three/around_object"]
    what = views()
    larger = what.views[3].model_copy(update={"object_share": 2 * what.views[3].object_share})
    other = what.model_copy(update={"views": [*what.views[:3], larger]})
    figure = kind.draw(what, GATES, np.random.default_rng(0))
    plain, changed = (kind.solve(one, figure, GATES).alone for one in (what, other))
    assert changed[0] - plain[0] == pytest.approx(np.log(2) * 2 / 3)  # over the mean of the three
