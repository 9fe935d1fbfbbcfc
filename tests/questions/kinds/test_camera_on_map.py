"""Which camera of a map took the second picture."""

import numpy as np
import pytest
from support.box_views import (
    BY_NAME,
    EAST_OF_IT,
    FAR_EAST,
    FAR_WEST,
    GATES,
    PLAIN,
    SOUTH,
    answer,
    is_colour,
    known,
    question,
)
from support.egg_shots import Item, around, shoot, soundly

from viewpoint100k.drawing import shown
from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import MapCamera


def test_on_the_map_a_camera_that_went_right_is_on_the_right():
    # whoever goes around something to the right goes counter-clockwise, seen from above
    assert known(SOUTH, EAST_OF_IT).truth.azimuth_change_deg == pytest.approx(40)
    assert known(SOUTH, EAST_OF_IT).truth.translation[0] > 0
    cameras = [
        MapCamera(azimuth_deg=angle, colour=colour)
        for angle, colour in ((90, "red"), (-90, "blue"), (180, "green"))
    ]
    *views, drawn = shown(question(map_cameras=cameras), PLAIN)
    assert len(views) == 2 and drawn.size == (256, 256)
    assert is_colour(drawn, 128 + 0.36 * 256, 128, "red")
    assert is_colour(drawn, 128 - 0.36 * 256, 128, "blue")
    assert is_colour(drawn, 128, 128 - 0.36 * 256, "green")
    assert min(drawn.getpixel((128, 128 + round(0.36 * 256)))) > 240  # the first camera, in white


@pytest.mark.parametrize(("second", "angle"), [(FAR_EAST, 75.0), (FAR_WEST, -75.0)])
def test_the_camera_on_the_map_is_the_one_at_the_second_cameras_azimuth(second, angle):
    figure = BY_NAME["camera_on_map"].draw(known(SOUTH, second), GATES, np.random.default_rng(0))
    right = next(camera.colour for camera in figure.map_cameras if abs(camera.azimuth_deg - angle) < 0.01)
    assert answer("camera_on_map", known(SOUTH, second), figure) == f"the {right} camera"
    assert any(abs(camera.azimuth_deg + angle) < 0.01 for camera in figure.map_cameras)  # its mirror image


def test_the_right_camera_is_as_often_any_colour_and_as_often_the_nearer_one():
    rng, what = np.random.default_rng(0), known(SOUTH, FAR_EAST)
    drawn = [BY_NAME["camera_on_map"].draw(what, GATES, rng) for _ in range(400)]
    colours = [answer("camera_on_map", what, figure) for figure in drawn]
    assert all(60 < colours.count(colour) < 145 for colour in set(colours)) and len(set(colours)) == 4
    nearer = [min(abs(camera.azimuth_deg) for camera in figure.map_cameras) > 70 for figure in drawn]
    assert 160 < sum(nearer) < 240
    # where no camera would fit between the right one and the first, the nearest would always be right
    assert BY_NAME["camera_on_map"].draw(known(SOUTH, EAST_OF_IT), GATES, rng) is None


@pytest.mark.parametrize(("way", "colour"), [(1, "green"), (-1, "red")])
def test_going_right_leads_to_the_right_half_of_a_map_on_which_the_first_camera_is_below(way, colour):
    angles = {"red": -40.0, "blue": -90.0, "green": 40.0, "yellow": 90.0}
    figure = Figure(map_cameras=tuple(MapCamera(azimuth_deg=a, colour=c) for c, a in angles.items()))
    shot = shoot([around(-90), around(-90 + way * 40)])
    texts = soundly(Item("camera_on_map/seen_from_above", shot, figure, f"the {colour} camera"))
    side = "right" if way > 0 else "left"
    assert all(
        f"the side of the object that was on the {side}" in t.lower()
        or f"from the side that was on the {side}" in t
        for t in texts
    )
