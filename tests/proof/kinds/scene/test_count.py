"""How many objects are further to one side of another, or closer: all of them must be seen."""

import pytest
from support.published import proven, refusals
from support.scene_samples import placed

SCENE = placed((0.0, 0.0), (-0.3, 0.1), (0.35, -0.1), (0.2, 0.3))
A, B, C, D = (part.name for part in SCENE.scene.parts)
NUMBERS = ["zero", "one", "two", "three", "four"]
WORDING = "How many objects are {} the first one?"


@pytest.mark.parametrize(
    ("relation", "words"),
    [
        ("further to the left in the picture than", "one"),
        ("further to the right in the picture than", "two"),
        ("near", None),
        ("further to the left in the picture than, or closer to the camera than", None),
    ],
)
def test_objects_on_one_side(relation, words):
    assert proven("count/camera", SCENE, images=[0], parts=[0], prompt=WORDING.format(relation)) == words


def test_an_object_of_which_little_is_seen_leaves_the_number_open():
    seen = list(SCENE.scene.views[0].parts)
    seen[1] = seen[1].model_copy(update={"visible_fraction": 0.1, "referable": False})
    shot = SCENE.scene.views[0].model_copy(update={"parts": seen})
    hidden = SCENE.model_copy(update={"scene": SCENE.scene.model_copy(update={"views": [shot]})})
    wording = WORDING.format("further to the right in the picture than")
    assert proven("count/camera", hidden, images=[0], parts=[0], prompt=wording) is None


def test_a_chain_goes_through_all_others():
    text = (
        f"Compared with {A}, {B} is further to the left, {C} is further to the right, and {D} is further to "
        "the right. So the answer is: two."
    )
    wording = WORDING.format("further to the right in the picture than")
    fields = {"images": [0], "parts": [0], "prompt": wording, "options": NUMBERS}
    assert refusals(text, "count/camera", SCENE, "two", **fields) == []
    for old, new in (
        (f"{B} is further to the left", f"{B} is further to the right"),
        (f", and {D} is further to the right", ""),
        ("two", "one"),
    ):
        assert refusals(text.replace(old, new), "count/camera", SCENE, "two", **fields)
    other = fields | {"prompt": WORDING.format("further to the left in the picture than")}
    assert "from what is said follows 'one', not 'two'" in refusals(
        text, "count/camera", SCENE, "two", **other
    )
