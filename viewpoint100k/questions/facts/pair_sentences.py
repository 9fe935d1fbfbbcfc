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
            "The object's middle is in the {0} third of image 1 from left to right and in its {1} third from top to bottom",
            "Image 1 has the object's middle in the {0} third of its width and the {1} third of its height",
        ),
    ),
    "place_2": Phrases(
        (
            "The object's middle is in the {0} third of image 2 from left to right and in its {1} third from top to bottom",
            "Image 2 has the object's middle in the {0} third of its width and the {1} third of its height",
        ),
    ),
    "shift_x": Phrases(
        (
            "The object's middle shifted to the {0} in the picture{by}",
            "From image 1 to image 2, the object comes to lie further to the {0} in the picture{by}",
            "In the picture, the object has gone to the {0}{by}",
        ),
        (
            "The object's middle did not shift sideways in the picture",
            "From left to right, the object is at about the same place in both pictures",
        ),
    ),
    "shift_y": Phrases(
        (
            "The object's middle shifted {0} in the picture{by}",
            "From image 1 to image 2, the object comes to lie further {0} in the picture{by}",
            "In the picture, the object has gone {0}{by}",
        ),
        (
            "The object's middle did not shift up or down in the picture",
            "From top to bottom, the object is at about the same place in both pictures",
        ),
    ),
    "side": Phrases(
        (
            "In image 2 the object is seen more from the side that was on the {0} in image 1{by}",
            "The side of the object that was on the {0} in image 1 is turned more to the camera in image 2{by}",
            "Image 2 looks more at the side of the object that was on the {0} in image 1{by}",
        ),
        (
            "Both images show the object from nearly the same side",
            "Neither the left nor the right side of the object comes more into view in image 2",
            "The sides of the object are turned to the camera in image 2 as they were in image 1",
        ),
    ),
    "upper": Phrases(
        (
            "The object's upper side is turned {0} to the camera in image 2 than in image 1{by}",
            "In image 2 the top of the object faces the camera {0} than in image 1{by}",
            "Image 2 has the object's upper side {0} in view than image 1{by}",
        ),
        (
            "The object's upper side is turned to the camera equally in both images",
            "Both images see the top of the object at nearly the same slant",
        ),
    ),
    "size": Phrases(
        (
            "The object looks {0} in image 2 than in image 1",
            "In the picture, the object became {0}",
        ),
        (
            "The object looks about as large in both images",
            "In the picture, the object kept its size",
        ),
    ),
    "beyond_lens": Phrases(
        (
            "Compared with what the lens alone makes of its size, the object is {0} in image 2",
            "Leaving out what the lens did, the object looks {0} in image 2",
        ),
        (
            "What the lens did explains the size of the object in image 2",
            "Leaving out what the lens did, the object looks equally large in both images",
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
            "Without turning, the move would have shifted the object to the {0} in the picture{by}",
        ),
        (
            "Had the camera kept its heading, the object would have stayed about where it was from left to right",
            "Without turning, there would be hardly any sideways shift of the object in the picture",
        ),
    ),
    "offset_x": Phrases(
        (
            "In image 2 the object is further to the {0} than that{by}",
            "Compared with that, image 2 has the object further to the {0}{by}",
        ),
        (
            "In image 2 the object is about where that puts it",
            "Image 2 has the object at about that place",
        ),
        refers_back=True,
        after="unturned_x",
    ),
    "unturned_y": Phrases(
        (
            "Had the camera kept its tilt, the object would have shifted {0} in the picture{by}",
            "Without tilting, the move would have shifted the object {0} in the picture{by}",
        ),
        (
            "Had the camera kept its tilt, the object would have stayed at about the same height in the picture",
            "Without tilting, there would be hardly any shift of the object up or down in the picture",
        ),
    ),
    "offset_y": Phrases(
        (
            "In image 2 the object is further {0} than that{by}",
            "Compared with that, image 2 has the object further {0}{by}",
        ),
        (
            "In image 2 the object is at about that height",
            "Image 2 has the object at about the height that this makes",
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
            "Apart from perspective, the object's upright lines are turned {0} in the picture from image 1 to image 2{by}",
            "Perspective aside, what is upright on the object leans further {0} in image 2 than in image 1{by}",
        ),
        (
            "Apart from perspective, the object's upright lines have the same direction in both pictures",
            "Perspective aside, what is upright on the object leans the same way in both pictures",
        ),
    ),
    "face": Phrases(
        (
            "What faced the camera in image 1 has gone {0} to the object's {1} edge in image 2",
            "The part of the object that faced the camera in image 1 is {0} to the {1} edge of the object in image 2",
        ),
        special={
            GONE: (
                "What faced the camera in image 1 is out of sight in image 2, beyond the object's {1} edge",
                "The part of the object that faced the camera in image 1 is gone behind the {1} edge of the object in image 2",
            )
        },
    ),
    "between": Phrases(
        (
            "That means that the direction from which the object is seen changed by more than {0} and less than {1} degrees",
            "The angle between both directions from the object to the camera is between {0} and {1} degrees",
        ),
        refers_back=True,
    ),
    "faces_1": Phrases(
        (
            "Image 1 shows the object's {0}",
            "In image 1 the camera looks at the object's own {0}",
        ),
    ),
    "faces_2": Phrases(
        (
            "Image 2 shows the object's {0}",
            "In image 2 the camera looks at the object's own {0}",
        ),
    ),
}

PREMISES: dict[str, tuple[str, ...]] = {
    "sees_more": (
        "Going left, a camera sees more of the side that was on the left in its picture, and going right, of the one on the right",
        "The side that comes into view was on the left in the picture if the camera went left, and on the right if it went right",
    ),
    "turn_or_move": (
        "Turning to one side shifts the object to the other in the picture, and so does moving",
        "What a turn does not explain of the shift, the move does, and both shift the object the opposite way",
    ),
    "tilt_or_move": (
        "Tilting one way shifts the object the other way in the picture, and so does moving",
        "What a tilt does not explain of the shift, the move does, and both shift the object the opposite way",
    ),
    "turn_opposite": (
        "A turn takes the object the opposite way in the picture",
        "The object goes to the other side of the picture than the one to which the camera turns",
    ),
    "tilt_opposite": (
        "A tilt takes the object the opposite way in the picture",
        "The object goes up in the picture when the camera tilts down, and down when it tilts up",
    ),
    "roll_opposite": (
        "A roll turns the picture's content the opposite way",
        "The content of the picture turns against the camera's roll",
    ),
    "facing": (
        "An object that faces camera 1 has its own left on the right of image 1",
        "For something that faces the first camera, left and right are swapped",
    ),
    "from_above": (
        "Seen from above, going around something to the right is counter-clockwise and to the left clockwise",
        "A camera that goes around to its right goes counter-clockwise when seen from above, to its left clockwise",
    ),
    "own_sides": (
        "An object's own left is on the right of a picture of its front and on the left of a picture of its back",
        "Own left and right are swapped in a picture of the front, and as in the picture from behind",
    ),
    "higher_sees_top": (
        "The higher the place from which one looks, the more the top faces one",
        "The upper side is seen the better, the higher the camera looks from",
    ),
    "nearer_larger": (
        "Apart from the lens, an object looks the larger the nearer it is",
        "What the lens does not explain of the size comes from the distance",
    ),
    "ahead": (
        "Going far around an object also brings the camera ahead of where it was",
        "Whoever goes far around an object at the same distance also gets ahead along the first line of sight",
    ),
    "third_is_small": (
        "A third of the way to the edge is a small angle, two thirds a middle one, and the edge a quarter of a circle",
        "Halfway to the edge is a third of a quarter circle, and the edge itself is a whole one",
    ),
    "all_shift": ("A shift by itself does not tell a move from a tilt", "A shift alone may come from a tilt"),
}

NEEDS = {
    "ahead": PremiseNeed("wide", ("yes",)),
    "own_sides": PremiseNeed("faces_1", ("front", "back")),
}
OF_PAIRS = Language(phrases=PHRASES, premises=PREMISES, needs=NEEDS)
