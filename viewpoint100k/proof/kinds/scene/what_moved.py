"""What moved between two pictures of a scene: the camera, an object, both or nothing?"""

import numpy as np

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.events import camera_moved, event_of, movers
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.scene_facts import SLACK_PERCENT, near

AT_REST = 1.5  # percent of the picture
ANSWERS = {  # by whether the camera moved, and whether an object did
    (True, False): "only the camera",
    (False, True): "only one object",
    (True, True): "the camera and one object",
    (False, False): "nothing at all",
}


def _solve(case: Case) -> Answer | str:
    event = event_of(case)
    if isinstance(event, str):
        return event
    camera = camera_moved(case)
    if camera is None:
        return "is asked although it is unclear whether the camera moved"
    if event is None:
        decidability = case.sample.decidability
        return Answer(
            Label(ANSWERS[camera[0], False], camera[1]), max(decidability.translation, decidability.rotation)
        )
    margin = min(camera[1], event.margin)
    if event.kind != "moved" or margin < 1 or case.scene.change is None:
        return f"is asked although an object {event.kind}, with margin {margin:.2f}"
    if not all(view.parts[event.part].referable for view in case.scene.views[:2]):
        return "is asked although the object that moved is not seen in both pictures"
    return Answer(Label(ANSWERS[camera[0], True], margin), case.scene.change.difference)


def _goes(case: Case, say: Say) -> bool:
    part = case.number(say["a"])
    if say["a"] in movers(case):
        return False
    reached = [case.look(image).middle_percent(part) for image in (1, 2)]
    rests = bool(np.abs(reached[0] - reached[1]).max() < AT_REST)
    if rests != ((say["x1"], say["y1"]) == (say["x2"], say["y2"])):
        return False
    return all(
        near(say[f"{axis}{image}"], reached[image - 1][number], SLACK_PERCENT)
        for image in (1, 2)
        for number, axis in enumerate("xy")
    )


STAY = Fact(
    "stay",
    (
        "relative to one another, all objects stand as before",
        "the distances among the objects are the same in both images",
    ),
    lambda case, say: not movers(case),
)
BUT = Fact(
    "but",
    (
        "relative to one another, all objects except <a:name> stand as before",
        "the distances among the objects are the same in both images except those to <a:name>",
    ),
    lambda case, say: movers(case) == {say["a"]},
)
GOES = Fact(
    "goes",
    (
        "<a:name> is at about <x1:percent> percent of the width and <y1:percent> percent of the height of "
        "image 1, and at about <x2:percent> and <y2:percent> in image 2",
        "measured from the left and the top, <a:name> is at about <x1:percent> and <y1:percent> percent of "
        "image 1 and at about <x2:percent> and <y2:percent> percent of image 2",
    ),
    _goes,
)


def _follows(said: Said) -> str:
    goes = said.say("goes")
    one_moved = "but" in said
    if goes is None or one_moved == ("stay" in said):
        return ""
    camera = (goes["x1"], goes["y1"]) != (goes["x2"], goes["y2"])
    return ANSWERS[camera, one_moved]


PROOFS = {
    "what_moved/scene": Proof(
        of_scene(_solve, 0, images=2),
        (STAY, BUT, GOES),
        frozenset(
            {
                "an object that stayed in place on the floor but moved in the picture shows that the "
                "camera moved",
                "a camera at rest shows an unmoved object at the same place in the picture",
            }
        ),
        _follows,
        options={
            "camera": "only the camera",
            "object": "only one object",
            "both": "the camera and one object",
            "nothing": "nothing at all",
        },
    )
}
