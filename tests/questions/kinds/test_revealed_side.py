"""Which of the object's own sides comes into view."""

import pytest
from support.box_views import EAST_OF_IT, SOUTH, answer, known
from support.egg_shots import GATES, KINDS, Item, around, shoot, soundly

from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import Seen


def test_the_side_that_comes_into_view():
    # its front faces south; going east brings the side on its own left into view: it looks south, east is on
    # its left
    hidden, some = [0.8, 0, 0, 0, 0.2, 0], [0.4, 0, 0.4, 0, 0.2, 0]
    assert (
        answer("revealed_side", known(SOUTH, EAST_OF_IT, seen=Seen(sides=[hidden, some]))) == "its left side"
    )
    little = [0.7, 0, 0.1, 0, 0.2, 0]
    assert answer("revealed_side", known(SOUTH, EAST_OF_IT, seen=Seen(sides=[hidden, little]))) is None
    assert answer("revealed_side", known(SOUTH, EAST_OF_IT, seen=Seen(sides=[some, some]))) is None
    two = [0.3, 0.2, 0.3, 0, 0.2, 0]
    assert answer("revealed_side", known(SOUTH, EAST_OF_IT, seen=Seen(sides=[hidden, two]))) is None
    assert answer("revealed_side", known(SOUTH, EAST_OF_IT)) is None


@pytest.mark.parametrize(
    ("front_azimuth_deg", "way", "answer"),
    [
        (-90, 1, "its left side"),
        (-90, -1, "its right side"),
        (90, 1, "its right side"),
        (0, 1, "its front"),
        (0, -1, "its back"),
    ],
)
def test_who_stands_before_somebody_and_goes_right_gets_to_see_their_left(front_azimuth_deg, way, answer):
    """Camera 1 is in the south; a front in the east makes it look at the object's right."""
    shot = shoot([around(-90), around(-90 + 60 * way)], front_azimuth_deg=front_azimuth_deg)
    sides = [[0.05] * 6 for _ in range(2)]
    order = ("front", "back", "left", "right")
    first = {-90: "front", 90: "back", 0: "right"}[front_azimuth_deg]
    sides[0][order.index(first)] = 0.8
    word = answer.removeprefix("its ").removesuffix(" side")
    sides[1][order.index(first)] = sides[1][order.index(word)] = 0.4
    shot = shot._replace(seen=shot.seen.model_copy(update={"sides": sides}))
    item = Item("revealed_side/object_front", shot, Figure(), answer)
    solved = KINDS[item.name].solve(shot, item.figure, GATES)
    assert item.options[solved.fact.option] == answer
    soundly(item)
