"""The English of this package: by which words questions say motions, moves, relations, changes and answers.

Proofs speak this English among themselves, whatever the words of a dataset: `language` reads these.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

TENS = re.compile(
    r"about (?P<around>\d+) degrees (?P<sense>counter-clockwise|clockwise) \(seen from above\)"
    r"|about (?P<rise>\d+) degrees more steeply"
)
AROUND = re.compile(
    r"goes (?:a (quarter) of a circle around the scene to its (left|right)|half a circle around the scene)"
)
STAYS = "stays where it is"
RELATIONS: Mapping[str, str] = {
    "further to the left in the picture than": "left",
    "further to the right in the picture than": "right",
    "closer to the camera than": "closer",
    "farther from the camera than": "farther",
}
CHANGES: Mapping[str, str] = {
    "stands in another place in image 2": "moved",
    "has been turned on the spot in image 2": "turned",
    "is there in image 2 only": "appeared",
    "is there in image 1 only": "vanished",
}


OF_MOTIONS: Mapping[str, str] = {
    "clockwise": "goes about {degrees} degrees clockwise (seen from above) around the object",
    "counter_clockwise": "goes about {degrees} degrees counter-clockwise (seen from above) around the object",
    "rises": "rises until it looks down at the object about {degrees} degrees more steeply",
}
OF_MOVES: Mapping[str, str] = {
    "stays": STAYS,
    "right": "goes a quarter of a circle around the scene to its right",
    "left": "goes a quarter of a circle around the scene to its left",
    "half": "goes half a circle around the scene",
}
# phrases that wordings name, by kind and by the key that they have in every language
PHRASES: Mapping[str, Mapping[str, str]] = {
    "which_view/around_object": OF_MOTIONS,
    "count/camera": {key: phrase for phrase, key in RELATIONS.items()},
    "side_after/camera": OF_MOVES,
    "closer_after/camera": OF_MOVES,
    "hops/camera": OF_MOVES,
    "changed_object/scene": {key: phrase for phrase, key in CHANGES.items()},
}
# options, by kind and key; {a}, {b} and {c} are names of the objects that a question speaks of
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "ego_translation/camera_1": {"left": "left", "right": "right", "none": "no movement sideways"},
    "object_translation/object_facing_camera_1": {
        "left": "left", "right": "right", "none": "no movement sideways",
    },
    "object_translation/object_front": {"left": "left", "right": "right", "none": "no movement sideways"},
    "object_translation/seen_from_above": {
        "clockwise": "clockwise", "counter_clockwise": "counter-clockwise", "none": "no movement around it",
    },
    "ego_rotation/camera_1": {"left": "left", "right": "right", "none": "no horizontal rotation"},
    "vertical_translation/camera_1": {"down": "down", "up": "up", "none": "neither up nor down"},
    "forward_translation/camera_1": {
        "backward": "backward", "forward": "forward", "none": "neither forward nor backward",
    },
    "combined_translation/camera_1": {
        "left_and_down": "left and down", "right_and_down": "right and down", "left_and_up": "left and up",
        "right_and_up": "right and up",
    },
    "pitch/camera_1": {"down": "down", "up": "up", "none": "no tilt"},
    "roll/behind_camera_1": {
        "counter_clockwise": "counter-clockwise", "clockwise": "clockwise", "none": "no roll",
    },
    "which_motion/camera_1": {
        "sideways": "it moved sideways", "up_or_down": "it moved up or down",
        "forward_or_back": "it moved forward or back", "turned": "it turned left or right",
        "tilted": "it tilted up or down", "rolled": "it rolled to one side",
        "around": "it went around the object",
    },
    "next_action/camera_1": {
        "move_left": "move left", "move_right": "move right", "move_down": "move down", "move_up": "move up",
        "move_backward": "move backward", "move_forward": "move forward", "turn_left": "turn left",
        "turn_right": "turn right", "tilt_down": "tilt down", "tilt_up": "tilt up",
        "roll_counter_clockwise": "roll counter-clockwise", "roll_clockwise": "roll clockwise",
    },
    "angle/around_object": {
        "20_degrees": "about 20 degrees", "45_degrees": "about 45 degrees", "90_degrees": "about 90 degrees",
    },
    "signed_angle/seen_from_above": {
        "20_degrees_clockwise": "about 20 degrees clockwise",
        "20_degrees_counter_clockwise": "about 20 degrees counter-clockwise",
        "45_degrees_clockwise": "about 45 degrees clockwise",
        "45_degrees_counter_clockwise": "about 45 degrees counter-clockwise",
        "90_degrees_clockwise": "about 90 degrees clockwise",
        "90_degrees_counter_clockwise": "about 90 degrees counter-clockwise",
    },
    "distance/object": {"nearer": "nearer", "farther": "farther", "none": "equally far"},
    "elevation/object": {"lower": "lower", "higher": "higher", "none": "equally high"},
    "relative_pose/camera_1": {
        "moved_left_and_turned_left": "moved left, turned left",
        "moved_left_and_turned_right": "moved left, turned right",
        "moved_right_and_turned_left": "moved right, turned left",
        "moved_right_and_turned_right": "moved right, turned right",
    },
    "marked_point/image_2": {
        "red": "the red dot", "blue": "the blue dot", "green": "the green dot", "yellow": "the yellow dot",
    },
    "covisible_point/image_2": {"seen": "it can be seen", "hidden": "it is hidden"},
    "camera_on_map/seen_from_above": {
        "red": "the red camera", "blue": "the blue camera", "green": "the green camera",
        "yellow": "the yellow camera",
    },
    "revealed_side/object_front": {
        "front": "its front", "back": "its back", "left": "its left side", "right": "its right side",
    },
    "mirrored/object": {"same": "the same object", "mirror_image": "its mirror image"},
    "zoom_or_dolly/camera_1": {
        "lens": "only the lens zoomed", "distance": "only the distance changed",
        "both": "the lens and the distance changed", "neither": "the lens and the distance stayed",
    },
    "which_view/around_object": {"image_2": "image 2", "image_3": "image 3", "image_4": "image 4"},
    "order/around_object": {
        "images_2_3_4": "2, 3, 4", "images_2_4_3": "2, 4, 3", "images_3_2_4": "3, 2, 4",
        "images_3_4_2": "3, 4, 2", "images_4_2_3": "4, 2, 3", "images_4_3_2": "4, 3, 2",
    },
    "composed_angle/seen_from_above": {
        "60_degrees_clockwise": "about 60 degrees clockwise",
        "60_degrees_counter_clockwise": "about 60 degrees counter-clockwise",
        "120_degrees_clockwise": "about 120 degrees clockwise",
        "120_degrees_counter_clockwise": "about 120 degrees counter-clockwise",
    },
    "side_of/camera": {"left": "to the left of it", "right": "to the right of it"},
    "front_of/camera": {"front": "in front of it", "behind": "behind it"},
    "closer/camera": {"a": "{a}", "b": "{b}"},
    "taller/scene": {"a": "{a}", "b": "{b}"},
    "count/camera": {"zero": "zero", "one": "one", "two": "two", "three": "three", "four": "four"},
    "nearer_to/scene": {"a": "{a}", "b": "{b}"},
    "faces/camera": {
        "away": "away from the camera", "right": "to the right", "towards": "towards the camera",
        "left": "to the left",
    },
    "facing/objects": {
        "same": "the same way", "quarter_right": "a quarter turn to the right of that",
        "opposite": "the opposite way", "quarter_left": "a quarter turn to the left of that",
    },
    "perspective/object": {
        "ahead_left": "ahead on the left", "ahead_right": "ahead on the right",
        "behind_left": "behind on the left", "behind_right": "behind on the right",
    },
    "turn_to_face/object": {
        "45_degrees_left": "about 45 degrees to the left",
        "45_degrees_right": "about 45 degrees to the right",
        "90_degrees_left": "about 90 degrees to the left",
        "90_degrees_right": "about 90 degrees to the right",
        "135_degrees_left": "about 135 degrees to the left",
        "135_degrees_right": "about 135 degrees to the right",
    },
    "side_after/camera": {"left": "to the left of it", "right": "to the right of it"},
    "closer_after/camera": {"a": "{a}", "b": "{b}"},
    "hops/camera": {"left": "to the left of it", "right": "to the right of it"},
    "hides/camera": {
        "a_hides_b": "{a} hides a part of {b}", "b_hides_a": "{b} hides a part of {a}",
        "none": "neither hides a part of the other",
    },
    "what_moved/scene": {
        "camera": "only the camera", "object": "only one object", "both": "the camera and one object",
        "nothing": "nothing at all",
    },
    "changed_object/scene": {"a": "{a}", "b": "{b}", "c": "{c}"},
    "seen_in/images": {"image_1": "image 1", "image_2": "image 2"},
    "nearest_of_three/object": {"image_2": "image 2", "image_3": "image 3", "image_4": "image 4"},
    "highest_of_three/object": {"image_2": "image 2", "image_3": "image 3", "image_4": "image 4"},
    "furthest_of_three/around_object": {"image_2": "image 2", "image_3": "image 3", "image_4": "image 4"},
}  # fmt: skip


class Motion(NamedTuple):
    """A motion about the object, in whole tens of degrees."""

    around_deg: int  # counter-clockwise from above
    rise_deg: int


def motion_in(wording: str) -> Motion | None:
    """The only motion about the object that a question says; None if it says none, or several."""
    motions = list(TENS.finditer(wording))
    if len(motions) != 1:
        return None
    if motions[0]["rise"]:
        return Motion(0, int(motions[0]["rise"]))
    sign = 1 if motions[0]["sense"] == "counter-clockwise" else -1
    return Motion(sign * int(motions[0]["around"]), 0)


def move_in(wording: str) -> int | None:
    """How far counter-clockwise the camera goes around the scene, degrees; None if that is not said."""
    moves = AROUND.findall(wording)
    if len(moves) != 1:
        return 0 if not moves and STAYS in wording else None
    quarter, side = moves[0]
    if not quarter:
        return 180
    return 90 if side == "right" else -90


def relation_in(wording: str) -> str:
    """The only relation that a question says: "left", "right", "closer" or "farther"; empty if not one."""
    return _only(wording, RELATIONS)


def change_in(wording: str) -> str:
    """The only change that a question says: "moved", "turned", "appeared" or "vanished"; empty if not one."""
    return _only(wording, CHANGES)


def _only(wording: str, phrases: Mapping[str, str]) -> str:
    meanings = [meaning for phrase, meaning in phrases.items() if phrase in wording]
    return meanings[0] if len(meanings) == 1 else ""
