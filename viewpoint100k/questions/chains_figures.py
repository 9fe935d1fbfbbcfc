"""Chains of thought for questions that draw a figure or show more than two pictures.

As in `chains`: facts that the pictures show, plans that order them, one sentence for each, and a chain only
where what is said makes the right answer. Where all options are looked at, one sentence goes through all of
them in a fixed order, so that none stands out before the conclusion. `verifier_figures` reads the sentences
back.

`mirrored` has no chain: what tells an object from its mirror image is the order of its parts, and parts have
no names here.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.geometry.points import SIDES
from viewpoint100k.geometry.rotations import wrap_deg
from viewpoint100k.questions.chains import (
    FACE_EDGES_DEG,
    FACE_MARGIN,
    FACE_WORDS,
    GREY_ANGLE_DEG,
    GREY_LENS,
    GREY_SIZE,
    MAX_WORDS,
    PREMISES,
    Grey,
    Plan,
    Statement,
    said_by,
    sentence,
    state_facts,
    text_of,
)
from viewpoint100k.questions.chains import _tens as tens
from viewpoint100k.questions.chains import _three as three
from viewpoint100k.questions.kinds import Figure
from viewpoint100k.records import Colour, Seen, SurfacePoint, Truth, View, matrix

COLOURS: tuple[Colour, ...] = ("red", "blue", "green", "yellow")
GREY_ABOUT_DEG = Grey(8.0, 12.0)
LEAST_RADIUS = 0.08  # world units from the upright axis: nearer to it, a place is on no side of it
BORDER = 0.004  # of the object's box, to the border of a third; a dot is said to be in one of them
OWN_BORDER = 0.015  # the same, for the place that is looked for
GREY_WAY = Grey(0.04, 0.06)  # of the object's box: a way to the left or right within it
IN_VIEW_DEG, OUT_OF_VIEW_DEG, SEEN_WELL_DEG = 70, 110, 80
HIDDEN_SHARE, SHOWN_SHARE = 0.05, 0.10  # of the object's pixels that are on one of its own sides
SHARED_APART = 0.04  # of the surface: below, two views share about as much with a third
FEWEST_DEG = 15.0  # around the object, to be spoken of as a way around it
BINS_DEG = (60, 120)
MOST = ("the most", "a middle part", "the least")


class Scene(NamedTuple):
    """What is known of a question: the views in the order in which it shows them, and what it draws."""

    views: Sequence[View]
    truth: Truth  # from image 1 to image 2
    seen: Seen
    figure: Figure
    pair: Mapping[str, Statement]  # `state_facts` of images 1 and 2


Facts = dict[str, Statement]


# --- facts ------------------------------------------------------------------------------------------


def _pair(scene: Scene, *names: str) -> Facts:
    """Facts of images 1 and 2 that are told of other questions too."""
    return {name: scene.pair[name] for name in names if name in scene.pair}


def _facts(*found: Statement | None) -> Facts:
    return {one.predicate: one for one in found if one is not None}


def _marked(scene: Scene) -> SurfacePoint | None:
    """The point of the object that is marked in image 1."""
    marks = [mark for mark in scene.figure.marks if mark.image == 0]
    if not marks or not scene.seen.points:
        return None
    return min(scene.seen.points, key=lambda p: math.dist(p.pixels[0], (marks[0].x, marks[0].y)))


def _share(view: View, x: float, y: float) -> tuple[float, float]:
    """Where a pixel is in the object's box: from left to right and from top to bottom, 0..1."""
    left, top, right, bottom = view.object_box
    return (x - left) / (right - left), (y - top) / (bottom - top)


def _thirds(where: tuple[float, float], border: float) -> tuple[str, str] | None:
    if min(abs(share - edge) for share in where for edge in (1 / 3, 2 / 3)) < border:
        return None
    column, row = (min(2, max(0, int(3 * share))) for share in where)
    return ("left", "middle", "right")[column], ("top", "middle", "bottom")[row]


def _dot_1(scene: Scene) -> Statement | None:
    point = _marked(scene)
    where = point and _share(scene.views[0], *point.pixels[0])
    cell = _thirds(where, BORDER) if where else None
    return Statement("dot_1", cell, 0.0, 1.0) if cell else None


def _about(scene: Scene, number: int) -> Statement | None:
    """How far around the object's upright axis the marked place is from the side that faces a camera; right is > 0."""
    point = _marked(scene)
    if point is None or math.hypot(point.world[0], point.world[1]) < LEAST_RADIUS:
        return None
    position = matrix(scene.views[number - 1].world_from_camera)[:3, 3]
    angles = [np.degrees(np.arctan2(y, x)) for x, y, _ in (point.world, position)]
    turned = float(wrap_deg(angles[0] - angles[1]))
    return three(f"about_{number}", turned, GREY_ABOUT_DEG, ("left", "same", "right"), degrees=True)


def _lands(scene: Scene) -> Statement | None:
    """Where the marked place is in image 2, and to which side it went on the object."""
    point = _marked(scene)
    if point is None:
        return None
    before, after = (_share(view, *at) for view, at in zip(scene.views, point.pixels, strict=False))
    way = three("lands", after[0] - before[0], GREY_WAY, ("left", "same", "right"))
    cell = _thirds(after, OWN_BORDER)
    return way._replace(args=(*way.args, *cell)) if way and cell else None


def _dots(scene: Scene) -> Statement | None:
    """In which thirds of the object all the dots of image 2 are."""
    at = {
        mark.colour: _share(scene.views[1], mark.x, mark.y) for mark in scene.figure.marks if mark.image == 1
    }
    cells = [_thirds(at[colour], BORDER) if colour in at else None for colour in COLOURS]
    words = [word for cell in cells if cell for word in cell]
    return Statement("dots", tuple(words), 0.0, 1.0) if None not in cells else None


def _map(scene: Scene) -> Statement | None:
    at = {camera.colour: camera.azimuth_deg for camera in scene.figure.map_cameras}
    if set(at) != set(COLOURS):
        return None
    words = [word for c in COLOURS for word in ("right" if at[c] > 0 else "left", tens(at[c]))]
    return Statement("map", tuple(words), 0.0, 1.0)


def _shown(scene: Scene) -> Statement | None:
    """Which of the object's own upright sides image 1 shows."""
    if not scene.seen.sides:
        return None
    shares = dict(zip(SIDES[:4], scene.seen.sides[scene.figure.images[0]], strict=False))
    if any(HIDDEN_SHARE < share < SHOWN_SHARE for share in shares.values()):
        return None
    sides = tuple(side for side in ("front", "back", "left", "right") if shares[side] >= SHOWN_SHARE)
    return Statement("shown", sides, 0.0, 1.0) if 1 <= len(sides) <= 2 else None


def _backdrop(scene: Scene) -> Statement | None:
    return three("backdrop", math.log(scene.truth.focal_ratio), GREY_LENS, ("smaller", "same", "larger"))


def _against(scene: Scene) -> Statement | None:
    """The object's size against what is far behind it, which grows with the lens alone."""
    shares = [max(view.object_share, 1e-9) for view in scene.views]
    growth = 0.5 * math.log(shares[1] / shares[0]) - math.log(scene.truth.focal_ratio)
    return three("against", growth, GREY_SIZE, ("smaller", "same", "larger"))


def _around_deg(scene: Scene, number: int, start: int = 1) -> float:
    """About the object from one image to another, > 0 to the camera's right."""
    places = [matrix(scene.views[i - 1].world_from_camera)[:3, 3] for i in (start, number)]
    angles = [np.degrees(np.arctan2(place[1], place[0])) for place in places]
    return float(wrap_deg(angles[1] - angles[0]))


def _up_deg(scene: Scene, number: int) -> float:
    places = [matrix(scene.views[i - 1].world_from_camera)[:3, 3] for i in (1, number)]
    heights = [np.degrees(np.arctan2(place[2], np.hypot(place[0], place[1]))) for place in places]
    return float(heights[1] - heights[0])


def _expected(scene: Scene) -> Statement | None:
    """What the move in the question's words does to the sides that are seen."""
    words = scene.figure.words
    numbers = [int(word) for word in words.split() if word.isdigit()]
    if len(numbers) != 1:
        return None
    way = "top" if "rises" in words else "right" if "counter-clockwise" in words else "left"
    return Statement("expected", (way, numbers[0]), float(numbers[0]), 1.0)


def _views(scene: Scene) -> list[Statement]:
    """Which way each of the others was taken from image 1, with and without how far."""
    words: list[str | int] = []
    for number in range(2, len(scene.views) + 1):
        around, up = _around_deg(scene, number), _up_deg(scene, number)
        aside = up if abs(around) > abs(up) else around
        if max(abs(around), abs(up)) < FEWEST_DEG or abs(aside) > GREY_ANGLE_DEG.clear:
            return []
        if abs(around) > abs(up):
            words += ["right" if around > 0 else "left", tens(around)]
        elif up > 0:
            words += ["top", tens(up)]
        else:
            return []
    return [Statement("views", tuple(words), 0.0, 1.0), Statement("ways", tuple(words[::2]), 0.0, 1.0)]


def _all_one_way(scene: Scene) -> Statement | None:
    turns = [_around_deg(scene, number) for number in (2, 3, 4)]
    if min(abs(turn) for turn in turns) < FEWEST_DEG or len({turn > 0 for turn in turns}) != 1:
        return None
    return Statement("all_one_way", ("right" if turns[0] > 0 else "left",), turns[0], 1.0)


def _part(angle_deg: float) -> str | None:
    """How far what faced a camera has gone to the object's edge."""
    if (
        abs(angle_deg) < FACE_EDGES_DEG[0]
        or min(abs(math.log(abs(angle_deg) / e)) for e in FACE_EDGES_DEG) < FACE_MARGIN
    ):
        return None
    return FACE_WORDS[bisect_left(FACE_EDGES_DEG, abs(angle_deg)) - 1]


def _parts(scene: Scene) -> Statement | None:
    found = [_part(_around_deg(scene, number)) for number in (2, 3, 4)]
    edge = "left" if _around_deg(scene, 2) > 0 else "right"
    words = [part for part in found if part]
    return Statement("parts", (*words, edge), 0.0, 1.0) if len(words) == 3 else None


def _turns(scene: Scene) -> Statement:
    return Statement("turns", tuple(tens(_around_deg(scene, number)) for number in (2, 3, 4)), 0.0, 1.0)


def _shared(scene: Scene) -> Statement | None:
    """Which of the others shows most of the surface that image 1 shows."""
    if not scene.seen.covisible_fraction:
        return None
    images = scene.figure.images
    shares = [scene.seen.covisible_fraction[images[0]][view] for view in images[1:]]
    ranked = sorted(shares, reverse=True)
    if min(ranked[0] - ranked[1], ranked[1] - ranked[2]) < SHARED_APART:
        return None
    return Statement("shared", tuple(MOST[ranked.index(share)] for share in shares), 0.0, 1.0)


def _leg(scene: Scene, start: int, end: int) -> list[Statement]:
    """From one image to another: which side comes into view, how far the middle went to the edge, and the angle."""
    turn = _around_deg(scene, end, start)
    if abs(turn) < FEWEST_DEG:
        return []
    way, edge = ("right", "left") if turn > 0 else ("left", "right")
    found = [
        Statement(f"leg_side_{start}{end}", (start, end, way), turn, 1.0),
        Statement(f"leg_turn_{start}{end}", (start, end, tens(turn)), turn, 1.0),
    ]
    if (part := _part(turn)) is not None:
        found.append(Statement(f"leg_part_{start}{end}", (start, end, part, edge), turn, 1.0))
    return found


def _composed(scene: Scene) -> Facts:
    found = _facts(*_leg(scene, 1, 2), *_leg(scene, 2, 3), *_leg(scene, 1, 3))
    legs = [found.get(f"leg_turn_{leg}") for leg in ("12", "23")]
    total = sum(int(leg.args[2]) for leg in legs if leg)
    if None not in legs and abs(total - abs(_around_deg(scene, 3))) < 9:
        found["total"] = Statement("total", (total,), float(total), 1.0)
    return found


FACTS: dict[str, Callable[[Scene], Facts]] = {
    "marked_point/image_2": lambda s: (
        _pair(s, "side", "upper") | _facts(_dot_1(s), _about(s, 1), _about(s, 2), _lands(s), _dots(s))
    ),
    "covisible_point/image_2": lambda s: (
        _pair(s, "side", "upper", "face") | _facts(_dot_1(s), _about(s, 1), _about(s, 2))
    ),
    "camera_on_map/seen_from_above": lambda s: _pair(s, "side", "upper", "face", "between") | _facts(_map(s)),
    "revealed_side/object_front": lambda s: _pair(s, "side", "upper", "face") | _facts(_shown(s)),
    "zoom_or_dolly/camera_1": lambda s: _pair(s, "side", "upper", "size") | _facts(_backdrop(s), _against(s)),
    "which_view/around_object": lambda s: _facts(_expected(s), *_views(s)),
    "order/around_object": lambda s: _facts(_all_one_way(s), _parts(s), _turns(s), _shared(s)),
    "composed_angle/seen_from_above": _composed,
}


# --- sentences ----------------------------------------------------------------------------------------

# per predicate: what is said where there is something, and where there is nothing
PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dot_1": (
        (
            "In image 1 the dot is in the {0} third of the object across and in its {1} third down",
            "Image 1 has the dot in the {0} third of the object's width and the {1} third of its height",
        ),
        (),
    ),
    "about_1": (
        (
            "Seen from above, the marked place is about {1} degrees around the object to the {0} of what faces camera 1",
            "Counted around the upright axis, the marked place lies about {1} degrees to the {0} of what faces camera 1",
        ),
        (
            "Seen from above, the marked place is where the object faces camera 1",
            "Counted around the upright axis, the marked place lies in the direction of camera 1",
        ),
    ),
    "about_2": (
        (
            "For camera 2 this place is then about {1} degrees to the {0}",
            "That puts it about {1} degrees to the {0} of what faces camera 2",
        ),
        (
            "For camera 2 this place is then straight ahead",
            "That puts it where the object faces camera 2",
        ),
    ),
    "lands": (
        (
            "On the object in image 2, this place is further to the {0}, in the {1} third across and the {2} third down",
            "In image 2 this place is further to the {0} on the object, it is in the {1} third of its width and the {2} third of its height",
        ),
        (
            "On the object in image 2, this place is neither further left nor right, in the {1} third across and the {2} third down",
            "In image 2 this place has gone neither left nor right on the object, it is in the {1} third of its width and the {2} third of its height",
        ),
    ),
    "dots": (
        (
            "Of the dots in image 2, red is in the {0} third across and the {1} third down, "
            "blue {2} and {3}, green {4} and {5}, yellow {6} and {7}",
            "By thirds of the object's width and height, image 2 has red {0} and {1}, blue {2} and {3}, green {4} and {5}, "
            "yellow {6} and {7}",
        ),
        (),
    ),
    "map": (
        (
            "On the map, going around from the white camera, red is about {1} degrees to the {0}, blue {3} to the {2}, "
            "green {5} to the {4}, yellow {7} to the {6}",
            "Counted around the map's middle from the white camera, red stands about {1} degrees to the {0}, "
            "blue {3} to the {2}, green {5} to the {4}, yellow {7} to the {6}",
        ),
        (),
    ),
    "shown": (
        (
            "Of the object's own upright sides, image 1 shows {sides} and no other",
            "The only ones of the object's own upright sides that image 1 shows clearly: {sides}",
        ),
        (),
    ),
    "backdrop": (
        (
            "What is far behind the object looks {0} in image 2 than in image 1",
            "Things in the background are drawn {0} in image 2 than in image 1",
        ),
        (
            "What is far behind the object looks equally large in both images",
            "Things in the background are drawn at the same scale in both images",
        ),
    ),
    "against": (
        (
            "Measured against the background, the object is {0} in image 2 than in image 1",
            "In relation to what is behind it, the object became {0}",
        ),
        (
            "Measured against the background, the object is equally large in both images",
            "In relation to what is behind it, the object kept its size",
        ),
    ),
    "expected": (
        (
            "The move brings more of the side into view that is on the {0} in image 1, by about {1} degrees",
            "After the move, one must see the object from about {1} degrees further to the {0} than in image 1",
        ),
        (),
    ),
    "views": (
        (
            "Compared with image 1, {list}",
            "By the sides that come into view, {list}",
        ),
        (),
    ),
    "ways": (
        (
            "Compared with image 1, what comes more into view is {list}",
            "What is turned more to the camera than in image 1 is {list}",
        ),
        (),
    ),
    "all_one_way": (
        (
            "Each of images 2, 3 and 4 looks more at the side of the object that was on the {0} in image 1",
            "In images 2, 3 and 4 alike, the object is seen more from the side that was on the {0} in image 1",
        ),
        (),
    ),
    "parts": (
        (
            "Towards the object's {3} edge, what faced the camera in image 1 is {0} in image 2, {1} in image 3 and {2} in image 4",
            "What faced the camera in image 1 has gone towards the {3} edge of the object: in image 2 it is {0}, in image 3 {1}, "
            "in image 4 {2}",
        ),
        (),
    ),
    "turns": (
        (
            "The angle around the object from image 1 is about {0} degrees to image 2, about {1} to image 3 and about {2} to image 4",
            "Around the object, image 2 is about {0} degrees away from image 1, image 3 about {1} and image 4 about {2}",
        ),
        (),
    ),
    "shared": (
        (
            "Of the surface that is seen in image 1, image 2 has {0} in common with it, image 3 {1} and image 4 {2}",
            "By the surface that they share with image 1, image 2 has {0}, image 3 {1}, image 4 {2}",
        ),
        (),
    ),
    "leg_side": (
        (
            "Image {1} looks more at the side that was on the {2} in image {0}",
            "In image {1} the object is seen more from the side that was on the {2} in image {0}",
        ),
        (),
    ),
    "leg_part": (
        (
            "What faced the camera in image {0} has gone {2} to the object's {3} edge in image {1}",
            "What faced camera {0} is {2} to the object's {3} edge in image {1}",
        ),
        (),
    ),
    "leg_turn": (
        (
            "From image {0} to image {1} that is about {2} degrees around the object",
            "About {2} degrees around it lie between image {0} and image {1}",
        ),
        (),
    ),
    "total": (("Both parts together come to {0} degrees", "Added up, that is {0} degrees"), ()),
}
GONE = (
    "What faced the camera in image {0} is out of sight in image {1}, beyond the object's {3} edge",
    "What faced camera {0} is gone behind the object's {3} edge in image {1}",
)
RISEN = (
    "The move turns the top of the object more to the camera, by about {1} degrees",
    "After the move, one must look down at the object about {1} degrees more steeply than in image 1",
)

OUR_PREMISES: dict[str, tuple[str, ...]] = {
    "sense": PREMISES["from_above"],
    "rises": PREMISES["higher_sees_top"],
    "map_right": (
        "The white camera looks up the map, so its right is the map's right",
        "On the map the first camera stands below the object, so its right is the map's right",
    ),
    "against_the_way": (
        "What one sees of an object goes against the camera's way",
        "The surface that one sees turns to the other side than the camera goes",
    ),
    "quarter": (
        "What is turned from the camera by well less than a quarter of a circle is in view, by well more it is behind the object, "
        "unless it is high up",
        "A place in front is in view, and one that is turned away by far more than a quarter of a circle is not, unless it is high "
        "up",
    ),
    "round_order": (
        "Going around an object to the right, one meets the front, left, back and right of it in this order, to the left the "
        "other way round",
        "From above and counter-clockwise, an object's own sides are front, left, back, right, and to one's right is "
        "counter-clockwise",
    ),
    "lens_all": (
        "A lens changes the size of everything alike, and the distance to the object only that of the object, not of what is "
        "far behind",
        "What is far away grows with the lens alone, and the object also with the camera's nearness",
    ),
    "further_on": (
        "The further the camera has gone around, the further what it faced has turned away",
        "The further along the way a picture was taken, the less it has in common with the first",
    ),
    "legs_add": (
        "Ways around the object in the same sense add up",
        "Two parts of one way around the object make an angle that is their sum",
    ),
}

# where a premise would be beside the point, as in `chains`
OUR_NEEDS = {
    "sense": ("expected", ("left", "right")),
    "rises": ("expected", ("top",)),
    "against_the_way": ("side", ("left", "right")),
}


def _speak(fact: Statement, rng: np.random.Generator) -> str:
    name = (
        fact.predicate.rstrip("0123456789").rstrip("_")
        if fact.predicate.startswith("leg_")
        else fact.predicate
    )
    if name not in PHRASES:
        return sentence(fact, rng)
    something, nothing = PHRASES[name]
    phrases = nothing if fact.args[0] == "same" else something
    if name == "leg_part" and fact.args[2] == FACE_WORDS[-1]:
        phrases = GONE
    if name == "expected" and fact.args[0] == "top":
        phrases = RISEN
    items = {"views": _view_items, "ways": _way_items}.get(name)
    extra = (
        {"list": items(fact.args)} if items else {"sides": " and ".join(f"the {side}" for side in fact.args)}
    )
    return phrases[int(rng.integers(len(phrases)))].format(*fact.args, **extra)


def _view_items(args: Sequence[str | int]) -> str:
    words = {
        "left": "about {} degrees further to the left",
        "right": "about {} degrees further to the right",
        "top": "about {} degrees higher",
    }
    items = [words[str(way)].format(angle) for way, angle in zip(args[::2], args[1::2], strict=True)]
    return f"image 2 was taken from {items[0]}, image 3 from {items[1]} and image 4 from {items[2]}"


def _way_items(args: Sequence[str | int]) -> str:
    words = {"left": "the left side", "right": "the right side", "top": "the top"}
    items = [words[str(way)] for way in args]
    return f"{items[0]} in image 2, {items[1]} in image 3 and {items[2]} in image 4"


# --- what follows -----------------------------------------------------------------------------------


def _number(facts: Facts, name: str) -> int | None:
    """Degrees to the right that are said of something; 0 for none."""
    if name not in facts:
        return None
    args = facts[name].args
    if args[0] == "same":
        return 0
    return int(args[1]) * (1 if args[0] == "right" else -1) if len(args) > 1 else None


def _turns_fit(facts: Facts) -> bool:
    """Whether where the place is around the object goes with how far the camera went, as far as that is said."""
    before, after, side = (_number(facts, name) for name in ("about_1", "about_2", "side"))
    if before is None or after is None or side is None:
        return True
    return abs((before - side - after + 180) % 360 - 180) <= 10


def _dot(facts: Facts) -> set[str]:
    if not {"dots", "lands", "side"} <= facts.keys() or not _turns_fit(facts):
        return set()
    way, *cell = facts["lands"].args
    if way == facts["side"].args[0] != "same":  # it must go against the camera's way
        return set()
    words = facts["dots"].args
    return {f"the {c} dot" for i, c in enumerate(COLOURS) if list(words[2 * i : 2 * i + 2]) == cell}


def _in_view(facts: Facts) -> set[str]:
    before, after, side = (_number(facts, name) for name in ("about_1", "about_2", "side"))
    if (
        before is None
        or after is None
        or side is None
        or abs(before) > SEEN_WELL_DEG
        or not _turns_fit(facts)
    ):
        return set()
    if abs(after) <= IN_VIEW_DEG:
        return {"it can be seen"}
    low = "dot_1" in facts and facts["dot_1"].args[1] != "top"
    return {"it is hidden"} if abs(after) >= OUT_OF_VIEW_DEG and low else set()


def _camera(facts: Facts) -> set[str]:
    if not {"side", "between", "map"} <= facts.keys():
        return set()
    low, high = (int(angle) for angle in facts["between"].args)
    words, side = facts["map"].args, facts["side"].args[0]
    return {
        f"the {c} camera"
        for i, c in enumerate(COLOURS)
        if words[2 * i] == side and low <= int(words[2 * i + 1]) <= high
    }


def _next_side(facts: Facts) -> set[str]:
    """The side that comes next after those that are seen, on the way around."""
    if not {"shown", "side"} <= facts.keys() or facts["side"].args[0] == "same":
        return set()
    ring = ("front", "left", "back", "right")  # as a camera that goes to its right meets them
    step = 1 if facts["side"].args[0] == "right" else -1
    shown = facts["shown"].args
    last = [side for side in shown if ring[(ring.index(str(side)) + step) % 4] not in shown]
    if len(last) != 1:
        return set()
    word = ring[(ring.index(str(last[0])) + step) % 4]
    return {f"its {word}" if word in ("front", "back") else f"its {word} side"}


def _lens_or_distance(facts: Facts) -> set[str]:
    if not {"backdrop", "against"} <= facts.keys():
        return set()
    zoomed, moved = (facts[name].args[0] != "same" for name in ("backdrop", "against"))
    return {
        (True, False): {"only the lens zoomed"},
        (False, True): {"only the distance changed"},
        (True, True): {"the lens and the distance changed"},
        (False, False): {"the lens and the distance stayed"},
    }[zoomed, moved]


def _view(facts: Facts) -> set[str]:
    if "expected" not in facts:
        return set()
    found = []
    if "views" in facts:
        words = facts["views"].args
        pairs = list(zip(words[::2], words[1::2], strict=True))
        found.append({i for i, pair in enumerate(pairs) if pair == facts["expected"].args})
    if "ways" in facts:
        found.append({i for i, way in enumerate(facts["ways"].args) if way == facts["expected"].args[0]})
    return {f"image {i + 2}" for i in set.intersection(*found)} if found else set()


def _order(facts: Facts) -> set[str]:
    """The orders that go with all that is said."""
    if "all_one_way" not in facts:
        return set()
    keys: list[list[int]] = []
    if "turns" in facts:
        keys.append([int(angle) for angle in facts["turns"].args])
    if "parts" in facts:
        keys.append([FACE_WORDS.index(str(part)) for part in facts["parts"].args[:3]])
    if not any(len(set(key)) == 3 for key in keys):
        return set()
    if "shared" in facts:
        keys.append([MOST.index(str(word)) for word in facts["shared"].args])
    orders = {tuple(sorted(range(3), key=lambda i: key[i])) for key in keys if len(set(key)) == 3}
    fits = [o for o in orders if all(key[o[0]] <= key[o[1]] <= key[o[2]] for key in keys)]
    return {", ".join(str(i + 2) for i in order) for order in fits}


def _sum(facts: Facts) -> set[str]:
    if not {"leg_side_12", "leg_side_23", "leg_turn_12", "leg_turn_23", "total"} <= facts.keys():
        return set()
    ways = {facts[f"leg_side_{leg}"].args[2] for leg in ("12", "23")}
    total = int(facts["total"].args[0])
    if len(ways) != 1 or total < 0.75 * BINS_DEG[0] or total > 160:
        return set()
    angle = min(BINS_DEG, key=lambda one: abs(math.log(total / one)))
    return {f"about {angle} degrees {'counter-clockwise' if 'right' in ways else 'clockwise'}"}


ANSWERS: dict[str, Callable[[Facts], set[str]]] = {
    "marked_point/image_2": _dot,
    "covisible_point/image_2": _in_view,
    "camera_on_map/seen_from_above": _camera,
    "revealed_side/object_front": _next_side,
    "zoom_or_dolly/camera_1": _lens_or_distance,
    "which_view/around_object": _view,
    "order/around_object": _order,
    "composed_angle/seen_from_above": _sum,
}


# --- plans --------------------------------------------------------------------------------------------

PLANS: dict[str, tuple[Plan, ...]] = {
    "marked_point/image_2": (
        ("dot_1!", "side!", "=against_the_way", "lands!", "dots!"),
        ("about_1!", "side!", "about_2!", "lands!", "dots!"),
        ("side!", "upper?", "dot_1!", "lands!", "dots!"),
        ("dots!", "dot_1!", "side!", "lands!"),
    ),
    "covisible_point/image_2": (
        ("dot_1!", "about_1!", "side!", "about_2!", "=quarter"),
        ("=quarter", "dot_1!", "about_1!", "side!", "about_2!"),
        ("side!", "upper?", "dot_1!", "about_1!", "about_2!", "=quarter"),
        ("side!", "face?", "dot_1!", "about_1!", "about_2!", "=quarter"),
    ),
    "camera_on_map/seen_from_above": (
        ("side!", "face?", "between!", "=map_right", "map!"),
        ("map!", "=map_right", "side!", "face?", "between!"),
        ("face!", "between!", "side!", "map!"),
        ("upper?", "side!", "face?", "between!", "=sees_more", "map!"),
    ),
    "revealed_side/object_front": (
        ("shown!", "side!", "=sees_more", "=round_order"),
        ("=round_order", "shown!", "upper?", "side!"),
        ("side!", "=sees_more", "shown!", "=round_order"),
        ("side!", "face?", "shown!", "=round_order"),
    ),
    "zoom_or_dolly/camera_1": (
        ("backdrop!", "against!", "=lens_all"),
        ("=lens_all", "size?", "backdrop!", "against!"),
        ("side?", "backdrop!", "against!", "=lens_all"),
        ("size?", "upper?", "=lens_all", "backdrop!", "against!"),
    ),
    "which_view/around_object": (
        ("=sense", "expected!", "views!"),
        ("views!", "=sense", "expected!"),
        ("expected!", "ways!", "views!"),
        ("=sense", "expected!", "ways!"),
        ("=rises", "expected!", "views!"),
        ("ways!", "views!", "=rises", "expected!"),
    ),
    "order/around_object": (
        ("all_one_way!", "parts!", "=further_on", "turns?"),
        ("all_one_way!", "parts?", "turns!"),
        ("shared!", "all_one_way!", "=further_on", "turns!"),
        ("=further_on", "all_one_way!", "turns!"),
    ),
    "composed_angle/seen_from_above": (
        (
            "leg_side_12!",
            "leg_part_12?",
            "leg_turn_12!",
            "leg_side_23!",
            "leg_part_23?",
            "leg_turn_23!",
            "total!",
        ),
        (
            "leg_part_12?",
            "leg_turn_12!",
            "leg_part_23?",
            "leg_turn_23!",
            "leg_side_12!",
            "leg_side_23!",
            "total!",
        ),
        (
            "=legs_add",
            "leg_side_12!",
            "leg_turn_12!",
            "leg_side_23!",
            "leg_turn_23!",
            "total!",
            "leg_part_13?",
        ),
        (
            "leg_side_12!",
            "leg_side_23!",
            "=from_above",
            "leg_turn_12!",
            "leg_turn_23!",
            "=legs_add",
            "total!",
        ),
    ),
}


def write_figure_chain(
    kind_name: str,
    views: Sequence[View],
    truth: Truth,
    seen: Seen,
    figure: Figure,
    answer_text: str,
    rng: np.random.Generator,
    pair: Mapping[str, Statement] | None = None,
) -> str | None:
    """A chain of thought that ends in the right answer, or None where the facts do not clearly make it.

    Args:
        kind_name: "type/frame", of a kind that draws a figure.
        views: those that the question shows, in order.
        truth: the motion from the first of them to the second.
        seen: of the sample.
        figure: of the question.
        answer_text: the words of the right option.
        rng: chooses plan and phrases.
        pair: `state_facts(views, truth)`, where it is known already.

    Returns:
        Sentences that `verifier.verify_chain` accepts, at most `MAX_WORDS` words; the conclusion is the last
        one.
    """
    if kind_name not in FACTS:
        return None
    scene = Scene(views, truth, seen, figure, state_facts(views, truth) if pair is None else pair)
    facts, answers_of = FACTS[kind_name](scene), ANSWERS[kind_name]
    if answers_of(facts) - {answer_text}:
        return None  # something speaks against the answer: it is not left out, so there is no chain
    plans, premises = PLANS[kind_name], PREMISES | OUR_PREMISES
    order = rng.permutation(len(plans))
    for number, optional in [(number, True) for number in order] + [(number, False) for number in order]:
        said = said_by(plans[number], facts, optional, OUR_NEEDS)
        stated = {one.predicate: one for one in said if isinstance(one, Statement)}
        if said and answers_of(stated) == {answer_text}:
            text = text_of(said, answer_text, rng, _speak, premises)
            if len(text.split()) <= MAX_WORDS:
                return text
    return None
