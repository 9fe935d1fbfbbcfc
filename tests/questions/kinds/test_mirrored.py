"""Whether the second picture shows the object or its mirror image."""

import numpy as np
from support.box_views import BY_NAME, EAST_OF_IT, GATES, SOUTH, SURE, answer, known
from support.egg_shots import Item, around, problems, shoot, write

from viewpoint100k.questions.facts.pair_sentences import PREMISES
from viewpoint100k.questions.kind import Figure


def test_mirrored_says_what_is_shown():
    what = known(SOUTH, EAST_OF_IT)
    assert answer("mirrored", what, Figure(mirrored=(1,))) == "its mirror image"
    assert answer("mirrored", what, Figure()) == "the same object"
    alike = SURE.model_copy(update={"chirality": 0.01})
    assert answer("mirrored", known(SOUTH, EAST_OF_IT, decidability=alike), Figure()) is None
    assert (
        BY_NAME["mirrored"].draw(known(SOUTH, EAST_OF_IT, background="hdri"), GATES, np.random.default_rng(0))
        is None
    )


def test_in_the_same_light_nobody_is_asked_about_a_mirror():
    what = known(SOUTH, EAST_OF_IT, lights=("studio/world", "studio/world"))
    assert BY_NAME["mirrored"].draw(what, GATES, np.random.default_rng(0)) is None


def test_every_other_second_picture_is_mirrored():
    rng = np.random.default_rng(0)
    drawn = [BY_NAME["mirrored"].draw(known(SOUTH, EAST_OF_IT), GATES, rng) for _ in range(300)]
    assert 110 < sum(bool(figure.mirrored) for figure in drawn) < 190


def test_a_mirror_has_no_chain():
    """Nothing that could be said of it here would tell the object from its mirror image."""
    item = Item(
        "mirrored/object", shoot([around(-90), around(-50)]), Figure(mirrored=(1,)), "its mirror image"
    )
    assert write(item, np.random.default_rng(0)) is None
    assert problems(item, f"{PREMISES['sees_more'][0]}. So the answer is: its mirror image.")
