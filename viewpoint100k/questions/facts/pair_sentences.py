"""The sentences of chains of thought about two views of an object."""

from collections.abc import Mapping, Sequence

from viewpoint100k.questions.facts.chain import Language, Phrases, PremiseNeed

# how far what faced the camera has gone to the object's edge; the last one needs other sentences
FACE_WORDS = (
    "a third of the way",
    "two thirds of the way",
    "nearly all the way",
    "all the way",
    "out of sight",
)
GONE = FACE_WORDS[-1]


def _fields(args: Sequence[str | int]) -> Mapping[str, str]:
    """How wide the pictures are, where that is said."""
    numbers = [arg for arg in args if isinstance(arg, int)]
    if not numbers:
        return {"fields": ""}
    return {"fields": f", from a field of view of about {numbers[0]} to about {numbers[-1]} degrees"}


PHRASES: dict[str, Phrases] = {
    "place_1": Phrases(
        (
            "The centre of the object is in the {0} third of image 1 horizontally and in the {1} third "
            "vertically",
            "In image 1, the object's centre lies in the {0} third of the width and the {1} third of the "
            "height",
        ),
    ),
    "place_2": Phrases(
        (
            "The centre of the object is in the {0} third of image 2 horizontally and in the {1} third "
            "vertically",
            "In image 2, the object's centre lies in the {0} third of the width and the {1} third of the "
            "height",
        ),
    ),
    "shift_x": Phrases(
        (
            "The object's centre shifted to the {0} in the picture{by}",
            "From image 1 to image 2, the object's position in the picture shifts to the {0}{by}",
            "In the picture, the object appears further to the {0} in image 2{by}",
        ),
        (
            "The object's centre did not shift sideways in the picture",
            "Horizontally, the object is at about the same place in both pictures",
        ),
    ),
    "shift_y": Phrases(
        (
            "The object's centre shifted {0} in the picture{by}",
            "From image 1 to image 2, the object's position in the picture shifts {0}{by}",
            "In the picture, the object appears further {0} in image 2{by}",
        ),
        (
            "The object's centre did not shift up or down in the picture",
            "Vertically, the object is at about the same place in both pictures",
        ),
    ),
    "side": Phrases(
        (
            "In image 2 the object is seen more from the side that was on the {0} in image 1{by}",
            "The side of the object that was on the {0} in image 1 is turned more towards the camera in "
            "image 2{by}",
            "Image 2 shows more of the side of the object that was on the {0} in image 1{by}",
        ),
        (
            "Both images show the object from nearly the same side",
            "Neither the left nor the right side of the object comes further into view in image 2",
            "The sides of the object face the camera in image 2 just as they did in image 1",
        ),
    ),
    "upper": Phrases(
        (
            "The top of the object is turned {0} towards the camera in image 2 than in image 1{by}",
            "In image 2 the top of the object faces the camera {0} than in image 1{by}",
            "Image 2 shows {0} of the top of the object than image 1{by}",
        ),
        (
            "The top of the object is turned towards the camera equally in both images",
            "Both images show the top of the object at nearly the same angle",
        ),
    ),
    "size": Phrases(
        (
            "The object looks {0} in image 2 than in image 1",
            "In the picture, the object has become {0}",
        ),
        (
            "The object looks about equally large in both images",
            "In the picture, the object has kept its size",
        ),
    ),
    "beyond_lens": Phrases(
        (
            "Beyond what zooming explains, the object looks {0} in image 2",
            "Apart from the effect of the lens, the object looks {0} in image 2",
        ),
        (
            "The lens alone explains the size of the object in image 2",
            "Apart from the effect of the lens, the object looks equally large in both images",
        ),
    ),
    "lens": Phrases(
        (
            "The lens zoomed {0}{fields}",
            "Between the images the lens was zoomed {0}{fields}",
        ),
        (
            "The lens is the same in both images",
            "Both images have the same field of view",
        ),
        fill=_fields,
    ),
    "unturned_x": Phrases(
        (
            "Had the camera kept its heading, the object would have shifted to the {0} in the picture{by}",
            "Without the turn, the move would have shifted the object to the {0} in the picture{by}",
        ),
        (
            "Had the camera kept its heading, the object would have stayed at about the same horizontal "
            "position",
            "Without the turn, the object would hardly have shifted sideways in the picture",
        ),
    ),
    "offset_x": Phrases(
        (
            "In image 2 the object is further to the {0} than this predicts{by}",
            "Compared with this prediction, the object in image 2 is further to the {0}{by}",
        ),
        (
            "In image 2 the object is about where this predicts",
            "In image 2 the object is at about the predicted place",
        ),
        refers_back=True,
        after="unturned_x",
    ),
    "unturned_y": Phrases(
        (
            "Had the camera kept its tilt, the object would have shifted {0} in the picture{by}",
            "Without the tilt, the move would have shifted the object {0} in the picture{by}",
        ),
        (
            "Had the camera kept its tilt, the object would have stayed at about the same height in the "
            "picture",
            "Without the tilt, the object would hardly have shifted up or down in the picture",
        ),
    ),
    "offset_y": Phrases(
        (
            "In image 2 the object is further {0} than this predicts{by}",
            "Compared with this prediction, the object in image 2 is further {0}{by}",
        ),
        (
            "In image 2 the object is at about the predicted height",
            "In image 2 the object is at about the height that this predicts",
        ),
        refers_back=True,
        after="unturned_y",
    ),
    "turned": Phrases(
        (
            "The camera turned to the {0}{by}",
            "The camera's heading swung to the {0}{by}",
        ),
        (
            "The camera kept its heading",
            "The camera turned neither left nor right",
        ),
    ),
    "tilted": Phrases(
        (
            "The camera tilted {0}{by}",
            "The camera's line of sight was tilted {0}{by}",
        ),
        (
            "The camera kept its tilt",
            "The camera's line of sight was not tilted",
        ),
    ),
    "lean": Phrases(
        (
            "Apart from perspective, the object's vertical lines rotate {0} in the picture from image 1 to "
            "image 2{by}",
            "Perspective aside, the object's vertical lines are rotated further {0} in image 2 than in "
            "image 1{by}",
        ),
        (
            "Apart from perspective, the object's vertical lines have the same direction in both pictures",
            "Perspective aside, the object's vertical lines lean the same way in both pictures",
        ),
    ),
    "face": Phrases(
        (
            "The part that faced the camera in image 1 has moved {0} to the object's {1} edge in image 2",
            "In image 2, the part of the object that faced the camera in image 1 is {0} to the object's {1} "
            "edge",
        ),
        special={
            GONE: (
                "The part that faced the camera in image 1 is out of sight in image 2, beyond the object's "
                "{1} edge",
                "The part of the object that faced the camera in image 1 has gone behind the {1} edge of "
                "the object in image 2",
            )
        },
    ),
    "between": Phrases(
        (
            "So the viewing direction changed by more than {0} and less than {1} degrees",
            "The angle between the two directions from the object to the camera is between {0} and {1} "
            "degrees",
        ),
        refers_back=True,
    ),
    "faces_1": Phrases(
        (
            "Image 1 shows the object's {0} side",
            "In image 1 the camera looks at the object's own {0} side",
        ),
    ),
    "faces_2": Phrases(
        (
            "Image 2 shows the object's {0} side",
            "In image 2 the camera looks at the object's own {0} side",
        ),
    ),
}

PREMISES: dict[str, tuple[str, ...]] = {
    "sees_more": (
        "A camera that moves left sees more of the side that was on the left in its picture, and one that "
        "moves right sees more of the right side",
        "The side that comes into view was on the left in the picture if the camera went left, and on the "
        "right if it went right",
    ),
    "turn_or_move": (
        "Turning the camera to one side shifts the object to the other side of the picture, and so does "
        "moving it",
        "The part of the shift that the turn does not explain comes from the move, and both shift the "
        "object in the opposite direction",
    ),
    "tilt_or_move": (
        "Tilting the camera one way shifts the object the other way in the picture, and so does moving it",
        "The part of the shift that the tilt does not explain comes from the move, and both shift the "
        "object in the opposite direction",
    ),
    "turn_opposite": (
        "Turning the camera shifts the object the opposite way in the picture",
        "When the camera turns to one side, the object shifts to the other side of the picture",
    ),
    "tilt_opposite": (
        "Tilting the camera shifts the object the opposite way in the picture",
        "The object goes up in the picture when the camera tilts down, and down when it tilts up",
    ),
    "roll_opposite": (
        "When the camera rolls, the content of the picture rotates the opposite way",
        "The content of the picture rotates in the opposite direction to the camera's roll",
    ),
    "facing": (
        "An object that faces camera 1 has its own left on the right of image 1",
        "For an object that faces the first camera, left and right are swapped compared with the picture",
    ),
    "from_above": (
        "Seen from above, going around something to the right is counter-clockwise, and going to the left "
        "is clockwise",
        "A camera that goes around to its right moves counter-clockwise when seen from above, and one that "
        "goes to its left moves clockwise",
    ),
    "own_sides": (
        "An object's own left is on the right of a picture of its front and on the left of a picture of "
        "its back",
        "Seen from the front, an object's own left and right appear swapped; seen from behind, they do not",
    ),
    "higher_sees_top": (
        "The higher the viewpoint, the more the top faces the camera",
        "The higher the camera, the more of the top it sees",
    ),
    "nearer_larger": (
        "Apart from zooming, an object looks larger the nearer it is",
        "Any change of size that the lens does not explain comes from a change of distance",
    ),
    "ahead": (
        "Going far around an object also brings the camera forward",
        "Going far around an object at a constant distance also moves the camera forward along its first "
        "line of sight",
    ),
    "third_is_small": (
        "A third of the way to the edge means a small angle, two thirds of the way a medium one, and the "
        "edge itself a right angle",
        "Halfway to the edge means a third of a right angle, and the edge itself a full right angle",
    ),
    "all_shift": (
        "A shift by itself does not distinguish a move from a tilt",
        "A shift alone may also come from a tilt",
    ),
}

NEEDS = {
    "ahead": PremiseNeed("wide", ("yes",)),
    "own_sides": PremiseNeed("faces_1", ("front", "back")),
}
OF_PAIRS = Language(phrases=PHRASES, premises=PREMISES, needs=NEEDS)
