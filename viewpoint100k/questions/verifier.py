"""Reads a chain of thought back and checks it: every sentence, every fact, and what follows from them.

Shares nothing with `chains`, which writes them: the grammar is written down here a second time, as regular
expressions, the facts are recomputed from the stored poses, intrinsics and boxes with formulas of our own,
and the conclusion is drawn anew from the sentences alone.

Frames: the world has +Z up and the object's middle at the origin; cameras are OpenCV's (x right, y down, z
forward).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.questions import verifier_figures
from viewpoint100k.questions.read_figure import ReadFigure as Figure
from viewpoint100k.records import Seen, View

Array = NDArray[np.float64]
Say = Mapping[str, str]  # the words and numbers of one sentence

MAX_WORDS = 120
NOTHING_SEEN, NO_FIGURE = Seen(), Figure()
NUMBER_SLACK_DEG = 6.0  # "about 20 degrees" is true from 14 to 26
NONE_BELOW = {
    "shift": 3.2,
    "angle": 5.0,
    "turn": 4.0,
}  # degrees: in the middle of what is not said either way
SIZE_DIFFERS = 1.10  # ratio of widths
LENS_DIFFERS = 1.06
SECTOR_DEG = 45.0


# --- grammar ----------------------------------------------------------------------------------------

BY = r"(?:, by about (?P<deg>\d+) degrees)?"
LR, UD = r"(?P<way>left|right)", r"(?P<way>up|down)"
TURNS = r"(?P<way>clockwise|counter-clockwise)"
WIDE, HIGH = r"(?P<column>left|middle|right)", r"(?P<row>top|middle|bottom)"
PART = r"(?P<part>a third of the way|two thirds of the way|nearly all the way|all the way)"

GRAMMAR: tuple[tuple[str, str], ...] = (
    (
        "place",
        rf"the object's middle is in the {WIDE} third of image (?P<image>[12]) from left to right and in its {HIGH} third from top to bottom",
    ),
    (
        "place",
        rf"image (?P<image>[12]) has the object's middle in the {WIDE} third of its width and the {HIGH} third of its height",
    ),
    ("shift_x", rf"the object's middle shifted to the {LR} in the picture{BY}"),
    ("shift_x", rf"from image 1 to image 2, the object comes to lie further to the {LR} in the picture{BY}"),
    ("shift_x", rf"in the picture, the object has gone to the {LR}{BY}"),
    ("shift_x", r"the object's middle did not shift sideways in the picture"),
    ("shift_x", r"from left to right, the object is at about the same place in both pictures"),
    ("shift_y", rf"the object's middle shifted {UD} in the picture{BY}"),
    ("shift_y", rf"from image 1 to image 2, the object comes to lie further {UD} in the picture{BY}"),
    ("shift_y", rf"in the picture, the object has gone {UD}{BY}"),
    ("shift_y", r"the object's middle did not shift up or down in the picture"),
    ("shift_y", r"from top to bottom, the object is at about the same place in both pictures"),
    ("side", rf"in image 2 the object is seen more from the side that was on the {LR} in image 1{BY}"),
    (
        "side",
        rf"the side of the object that was on the {LR} in image 1 is turned more to the camera in image 2{BY}",
    ),
    ("side", rf"image 2 looks more at the side of the object that was on the {LR} in image 1{BY}"),
    ("side", r"both images show the object from nearly the same side"),
    ("side", r"neither the left nor the right side of the object comes more into view in image 2"),
    ("side", r"the sides of the object are turned to the camera in image 2 as they were in image 1"),
    (
        "upper",
        rf"the object's upper side is turned (?P<way>more|less) to the camera in image 2 than in image 1{BY}",
    ),
    ("upper", rf"in image 2 the top of the object faces the camera (?P<way>more|less) than in image 1{BY}"),
    ("upper", rf"image 2 has the object's upper side (?P<way>more|less) in view than image 1{BY}"),
    ("upper", r"the object's upper side is turned to the camera equally in both images"),
    ("upper", r"both images see the top of the object at nearly the same slant"),
    ("size", r"the object looks (?P<way>larger|smaller) in image 2 than in image 1"),
    ("size", r"in the picture, the object became (?P<way>larger|smaller)"),
    ("size", r"the object looks about as large in both images"),
    ("size", r"in the picture, the object kept its size"),
    (
        "grown",
        r"compared with what the lens alone makes of its size, the object is (?P<way>larger|smaller) in image 2",
    ),
    ("grown", r"leaving out what the lens did, the object looks (?P<way>larger|smaller) in image 2"),
    ("grown", r"what the lens did explains the size of the object in image 2"),
    ("grown", r"leaving out what the lens did, the object looks equally large in both images"),
    (
        "lens",
        r"(?:the lens|between the images the lens was) zoomed (?P<way>in|out)"
        r"(?:, from a field of view of about (?P<from>\d+) to about (?P<to>\d+) degrees)?",
    ),
    ("lens", r"the lens is the same in both images"),
    ("lens", r"both images have the same field of view"),
    (
        "unturned_x",
        rf"had the camera kept its heading, the object would have shifted to the {LR} in the picture{BY}",
    ),
    (
        "unturned_x",
        rf"without turning, the move would have shifted the object to the {LR} in the picture{BY}",
    ),
    (
        "unturned_x",
        r"had the camera kept its heading, the object would have stayed about where it was from left to right",
    ),
    ("unturned_x", r"without turning, there would be hardly any sideways shift of the object in the picture"),
    ("offset_x", rf"in image 2 the object is further to the {LR} than that{BY}"),
    ("offset_x", rf"compared with that, image 2 has the object further to the {LR}{BY}"),
    ("offset_x", r"in image 2 the object is about where that puts it"),
    ("offset_x", r"image 2 has the object at about that place"),
    ("unturned_y", rf"had the camera kept its tilt, the object would have shifted {UD} in the picture{BY}"),
    ("unturned_y", rf"without tilting, the move would have shifted the object {UD} in the picture{BY}"),
    (
        "unturned_y",
        r"had the camera kept its tilt, the object would have stayed at about the same height in the picture",
    ),
    (
        "unturned_y",
        r"without tilting, there would be hardly any shift of the object up or down in the picture",
    ),
    ("offset_y", rf"in image 2 the object is further {UD} than that{BY}"),
    ("offset_y", rf"compared with that, image 2 has the object further {UD}{BY}"),
    ("offset_y", r"in image 2 the object is at about that height"),
    ("offset_y", r"image 2 has the object at about the height that this makes"),
    ("turned", rf"the camera turned to the {LR}{BY}"),
    ("turned", rf"the camera's heading swung to the {LR}{BY}"),
    ("turned", r"the camera kept its heading"),
    ("turned", r"the camera turned neither left nor right"),
    ("tilted", rf"the camera tilted {UD}{BY}"),
    ("tilted", rf"the camera's line of sight was tilted {UD}{BY}"),
    ("tilted", r"the camera kept its tilt"),
    ("tilted", r"the camera's line of sight was not tilted"),
    (
        "lean",
        rf"apart from perspective, the object's upright lines are turned {TURNS} in the picture from image 1 to image 2{BY}",
    ),
    (
        "lean",
        rf"perspective aside, what is upright on the object leans further {TURNS} in image 2 than in image 1{BY}",
    ),
    ("lean", r"apart from perspective, the object's upright lines have the same direction in both pictures"),
    ("lean", r"perspective aside, what is upright on the object leans the same way in both pictures"),
    ("face", rf"what faced the camera in image 1 has gone {PART} to the object's {LR} edge in image 2"),
    (
        "face",
        rf"the part of the object that faced the camera in image 1 is {PART} to the {LR} edge of the object in image 2",
    ),
    (
        "face",
        rf"what faced the camera in image 1 is (?P<part>out of sight) in image 2, beyond the object's {LR} edge",
    ),
    (
        "face",
        rf"the part of the object that faced the camera in image 1 is (?P<part>gone) behind the {LR} edge of the object in image 2",
    ),
    (
        "between",
        r"that means that the direction from which the object is seen changed by more than (?P<low>\d+) and less than (?P<high>\d+) degrees",
    ),
    (
        "between",
        r"the angle between both directions from the object to the camera is between (?P<low>\d+) and (?P<high>\d+) degrees",
    ),
    ("faces", r"image (?P<image>[12]) shows the object's (?P<way>front|back|left|right)"),
    (
        "faces",
        r"in image (?P<image>[12]) the camera looks at the object's own (?P<way>front|back|left|right)",
    ),
)
# sentences that are true of every pair: how things are seen, never what happened
ALWAYS_TRUE = frozenset(
    """
going left, a camera sees more of the side that was on the left in its picture, and going right, of the one on the right
the side that comes into view was on the left in the picture if the camera went left, and on the right if it went right
turning to one side shifts the object to the other in the picture, and so does moving
what a turn does not explain of the shift, the move does, and both shift the object the opposite way
tilting one way shifts the object the other way in the picture, and so does moving
what a tilt does not explain of the shift, the move does, and both shift the object the opposite way
a turn takes the object the opposite way in the picture
the object goes to the other side of the picture than the one to which the camera turns
a tilt takes the object the opposite way in the picture
the object goes up in the picture when the camera tilts down, and down when it tilts up
a roll turns the picture's content the opposite way
the content of the picture turns against the camera's roll
an object that faces camera 1 has its own left on the right of image 1
for something that faces the first camera, left and right are swapped
seen from above, going around something to the right is counter-clockwise and to the left clockwise
a camera that goes around to its right goes counter-clockwise when seen from above, to its left clockwise
an object's own left is on the right of a picture of its front and on the left of a picture of its back
own left and right are swapped in a picture of the front, and as in the picture from behind
the higher the place from which one looks, the more the top faces one
the upper side is seen the better, the higher the camera looks from
apart from the lens, an object looks the larger the nearer it is
what the lens does not explain of the size comes from the distance
going far around an object also brings the camera ahead of where it was
whoever goes far around an object at the same distance also gets ahead along the first line of sight
a third of the way to the edge is a small angle, two thirds a middle one, and the edge a quarter of a circle
halfway to the edge is a third of a quarter circle, and the edge itself is a whole one
a shift by itself does not tell a move from a tilt
a shift alone may come from a tilt
""".strip().splitlines()
)
COMPILED = tuple((predicate, re.compile(pattern)) for predicate, pattern in GRAMMAR)
CONNECTIVE = re.compile(r"(?:First|Next|Also|Further), (?=[a-z])")
CONCLUSION = re.compile(r"So the answer is: (?P<answer>.+)")

# what a chain may not say before its conclusion, for it would be the label in other words
FORBIDDEN: Mapping[str, tuple[str, ...]] = {
    "ego_rotation": ("turned",),
    "relative_pose": ("turned",),
    "pitch": ("tilted",),
    "which_motion": ("turned", "tilted"),
    "next_action": ("turned", "tilted"),
}


class Sentence(NamedTuple):
    """One sentence, read back."""

    text: str
    predicate: str  # "" for what is always true
    say: Say
    of_figure: bool = False  # it is checked by `verifier_figures`


def verify_chain(
    text: str,
    kind_name: str,
    views: Sequence[View],
    options: Sequence[str],
    answer_text: str,
    front_azimuth_deg: float | None = None,
    seen: Seen = NOTHING_SEEN,
    figure: Figure = NO_FIGURE,
) -> list[str]:
    """What is wrong with a chain of thought; nothing if it is sound.

    Args:
        text: what `chains.write_chain` wrote, or anything else.
        kind_name: "type/frame".
        views: those that the question shows, in order.
        options: the option texts that the question shows; empty for a number.
        answer_text: the words of the right one; for `angle_number` the angle rounded to ten degrees.
        front_azimuth_deg: of the object, where it has a known front; needed by `object_front` alone.
        seen: of the sample, and
        figure: of the question; needed by kinds that draw one. Its words may be the whole prompt.
    """
    problems = []
    if len(text.split()) > MAX_WORDS:
        problems.append(f"{len(text.split())} words, more than {MAX_WORDS}")
    if not text.endswith("."):
        problems.append("it does not end with a full stop")
    *before, last = text.removesuffix(".").split(". ")
    concluded = CONCLUSION.fullmatch(last)
    sentences = []
    for one in before:
        read = _read(one, kind_name)
        if read is None:
            problems.append(f"cannot be read: {one!r}")
        else:
            sentences.append(read)
    problems += _early_label(before, sentences, kind_name, answer_text)
    pair, shown = Pair(views[0], views[1], front_azimuth_deg), verifier_figures.Shown(views, seen, figure)
    for said in sentences:
        true = (
            shown.agrees(said.predicate, said.say)
            if said.of_figure
            else not said.predicate or pair.agrees(said)
        )
        problems += [] if true else [f"not true: {said.text!r}"]
    problems += [f"a number finer than 10 degrees: {one.text!r}" for one in sentences if _too_fine(one.say)]
    problems += _order_problems(sentences) + verifier_figures.order_problems(
        [one.predicate for one in sentences]
    )
    if concluded is None:
        return [*problems, f"the last sentence is not a conclusion: {last!r}"]
    return problems + _conclusion_problems(concluded["answer"], sentences, kind_name, options, answer_text)


@lru_cache(maxsize=8192)  # a closed grammar with angles in tens: the same sentences come again and again
def _read(text: str, kind_name: str) -> Sentence | None:
    """The one sentence that this is of the grammar, as far as questions of this kind may use it."""
    bare = CONNECTIVE.sub("", text, count=1) if CONNECTIVE.match(text) else text
    bare = bare[:1].lower() + bare[1:]
    vocabulary = verifier_figures.VOCABULARY.get(kind_name)
    if vocabulary is not None and (known := verifier_figures.read(bare, vocabulary)) is not None:
        return Sentence(text, *known, of_figure=bool(known[0]))
    if bare in ALWAYS_TRUE:
        return Sentence(text, "", {})
    for predicate, pattern in COMPILED:
        if vocabulary is not None and predicate not in vocabulary:
            continue
        if (found := pattern.fullmatch(bare)) is not None:
            return Sentence(text, predicate, {k: v for k, v in found.groupdict().items() if v is not None})
    return None


def _too_fine(say: Say) -> bool:
    return any(
        int(word) % 10 for name, word in say.items() if word.isdigit() and not name.startswith("image")
    )


def _early_label(
    before: Sequence[str], sentences: Sequence[Sentence], kind_name: str, answer_text: str
) -> list[str]:
    """The label before the conclusion, in its own words or in those of the motion that is asked for."""
    out = [f"the label comes before the facts: {one!r}" for one in before if one.startswith("So the answer")]
    if " " in answer_text or kind_name.endswith("seen_from_above"):
        facts = [
            one for one in sentences if one.predicate and one.predicate not in verifier_figures.EVERY_OPTION
        ]
        out += [
            f"the label comes before the conclusion: {one.text!r}" for one in facts if answer_text in one.text
        ]
    forbidden = FORBIDDEN.get(kind_name.split("/")[0], ())
    return out + [f"this is the label: {one.text!r}" for one in sentences if one.predicate in forbidden]


def _order_problems(sentences: Sequence[Sentence]) -> list[str]:
    """`Further than that` needs a that."""
    out = []
    for number, one in enumerate(sentences):
        wanted = one.predicate.replace("offset", "unturned")
        if wanted != one.predicate and (number == 0 or sentences[number - 1].predicate != wanted):
            out.append(f"refers to nothing: {one.text!r}")
    return out


def _conclusion_problems(
    answer: str, sentences: Sequence[Sentence], kind_name: str, options: Sequence[str], answer_text: str
) -> list[str]:
    out = []
    if answer != answer_text:
        out.append(f"the conclusion {answer!r} is not the answer {answer_text!r}")
    if options and answer not in options:
        out.append(f"the conclusion {answer!r} is not one of the options")
    rule = RULES.get(kind_name)
    if kind_name in verifier_figures.RULES:
        facts = [(one.predicate, one.say) for one in sentences if one.predicate]
        follows = verifier_figures.follows(kind_name, facts)
    elif rule is None:
        return [*out, f"no rule for {kind_name}"]
    else:
        follows = rule(Read(sentences))
    if follows != answer:
        out.append(f"from what is said follows {follows!r}, not {answer!r}")
    return out


# --- what is true -----------------------------------------------------------------------------------


class Pair:
    """What can be measured on two views.

    Angles in degrees; positive: right, down, clockwise, up, counter-clockwise.
    """

    def __init__(self, first: View, second: View, front_azimuth_deg: float | None) -> None:
        self.views = (first, second)
        self.front_azimuth_deg = front_azimuth_deg
        poses = [np.array(view.world_from_camera, dtype=np.float64) for view in self.views]
        self.axes = [pose[:3, :3] for pose in poses]  # columns: right, down, forward
        self.places = [pose[:3, 3] for pose in poses]

    def agrees(self, one: Sentence) -> bool:
        """Whether a sentence is true."""
        return bool(getattr(self, f"_{one.predicate}")(one.say))

    # in the picture

    def _place(self, say: Say) -> bool:
        view = self.views[int(say["image"]) - 1]
        x, y = _middle_of_box(view)
        width, height = 2 * view.intrinsics[0][2], 2 * view.intrinsics[1][2]
        columns, rows = ["left", "middle", "right"], ["top", "middle", "bottom"]
        return (columns[_third(x / width)], rows[_third(y / height)]) == (say["column"], say["row"])

    def _seen_at(self, number: int) -> tuple[float, float]:
        """Of the middle of the box: how far right and down of the line of sight."""
        view = self.views[number]
        (fx, _, cx), (_, fy, cy), _ = view.intrinsics
        x, y = _middle_of_box(view)
        across, downward = (x - cx) / fx, (y - cy) / fy
        return _deg(np.arctan(across)), _deg(np.arctan(downward / np.sqrt(1 + across**2)))

    def _shift_x(self, say: Say) -> bool:
        return _way(say, self._seen_at(1)[0] - self._seen_at(0)[0], NONE_BELOW["shift"], "left", "right")

    def _shift_y(self, say: Say) -> bool:
        return _way(say, self._seen_at(1)[1] - self._seen_at(0)[1], NONE_BELOW["shift"], "up", "down")

    def _growth(self) -> float:
        return float(np.sqrt(self.views[1].object_share / self.views[0].object_share))

    def _zoom(self) -> float:
        return self.views[1].intrinsics[0][0] / self.views[0].intrinsics[0][0]

    def _size(self, say: Say) -> bool:
        return _ratio(say, self._growth(), SIZE_DIFFERS, "smaller", "larger")

    def _grown(self, say: Say) -> bool:
        return _ratio(say, self._growth() / self._zoom(), SIZE_DIFFERS, "smaller", "larger")

    def _lens(self, say: Say) -> bool:
        fields = [_deg(2 * np.arctan(view.intrinsics[0][2] / view.intrinsics[0][0])) for view in self.views]
        said = [say[name] for name in ("from", "to") if name in say]
        near = all(
            abs(int(number) - field) <= NUMBER_SLACK_DEG for number, field in zip(said, fields, strict=False)
        )
        return near and _ratio(say, self._zoom(), LENS_DIFFERS, "out", "in")

    def _lean(self, say: Say) -> bool:
        """The upright direction in the middle of the picture, where perspective does not splay it."""
        angles = []
        for axes in self.axes:
            right, down, _ = axes.T @ [0.0, 0.0, 1.0]
            angles.append(np.angle(complex(-down, right)))  # 0: upright; positive: to the right, clockwise
        return _way(
            say, _wrapped(_deg(angles[1] - angles[0])), NONE_BELOW["angle"], "counter-clockwise", "clockwise"
        )

    # of the camera about the object

    def _around(self) -> float:
        (x1, y1, _), (x2, y2, _) = self.places
        return _deg(np.arctan2(x1 * y2 - y1 * x2, x1 * x2 + y1 * y2))

    def _side(self, say: Say) -> bool:
        return _way(say, self._around(), NONE_BELOW["angle"], "left", "right")

    def _upper(self, say: Say) -> bool:
        slants = [_deg(np.arcsin(place[2] / np.linalg.norm(place))) for place in self.places]
        return _way(say, slants[1] - slants[0], NONE_BELOW["angle"], "less", "more")

    def _face(self, say: Say) -> bool:
        """The point of the upright axis' surface that faced camera 1, as camera 2 has it between middle and edge."""
        (x1, y1), (x2, y2) = (place[:2] / np.linalg.norm(place[:2]) for place in self.places)
        to_right, ahead = (
            x2 * y1 - y2 * x1,
            x1 * x2 + y1 * y2,
        )  # in the second camera's level right and nearness
        reached = float(np.abs(to_right))
        edge_deg = _deg(np.arcsin(min(reached, 1.0)))
        angle_deg = edge_deg if ahead >= 0 else 180 - edge_deg
        low, high = {
            "a third of the way": (12, 29),
            "two thirds of the way": (29, 49),
            "nearly all the way": (49, 73),
            "all the way": (73, 107),
            "out of sight": (107, 180),
            "gone": (107, 180),
        }[say["part"]]
        return low <= angle_deg <= high and say["way"] == ("right" if to_right > 0 else "left")

    def _between(self, say: Say) -> bool:
        return int(say["low"]) < abs(self._around()) < int(say["high"])

    def _faces(self, say: Say) -> bool:
        if self.front_azimuth_deg is None:
            return False
        front = np.radians(self.front_azimuth_deg)
        forward = np.array([np.cos(front), np.sin(front)])
        left = np.array([-forward[1], forward[0]])  # up cross forward
        x, y = self.places[int(say["image"]) - 1][:2]
        cosines = {"front": forward, "back": -forward, "left": left, "right": -left}
        return bool(np.array([x, y]) @ cosines[say["way"]] > np.hypot(x, y) * np.cos(np.radians(SECTOR_DEG)))

    # of the camera itself

    def _turn(self) -> float:
        """To the right, about the vertical."""
        (x1, y1, _), (x2, y2, _) = (axes[:, 2] for axes in self.axes)
        return _deg(np.arctan2(y1 * x2 - x1 * y2, x1 * x2 + y1 * y2))

    def _tilt(self) -> float:
        """Up."""
        first, second = (_deg(np.arcsin(np.clip(axes[2, 2], -1, 1))) for axes in self.axes)
        return second - first

    def _turned(self, say: Say) -> bool:
        return _way(say, self._turn(), NONE_BELOW["turn"], "left", "right")

    def _tilted(self, say: Say) -> bool:
        return _way(say, self._tilt(), NONE_BELOW["turn"], "down", "up")

    def _kept(self, what: str) -> Array:
        """(3, 3) axes of the second camera, turned back about the vertical or tilted back about its level right."""
        axes = self.axes[1]
        if what == "heading":
            # turning right by t is clockwise from above, so turning back is counter-clockwise
            return _rotation(np.array([0.0, 0.0, 1.0]), self._turn()) @ axes
        forward = axes[:, 2]
        level_right = np.array([forward[1], -forward[0], 0.0]) / np.hypot(forward[0], forward[1])
        return _rotation(level_right, -self._tilt()) @ axes

    def _from_second(self, axes: Array) -> tuple[float, float]:
        return _bearing(axes.T @ -self.places[1])

    def _unturned_x(self, say: Say) -> bool:
        before = _bearing(self.axes[0].T @ -self.places[0])[0]
        kept = self._from_second(self._kept("heading"))[0]
        return _way(say, _wrapped(kept - before), NONE_BELOW["angle"], "left", "right")

    def _offset_x(self, say: Say) -> bool:
        kept, real = self._from_second(self._kept("heading"))[0], self._from_second(self.axes[1])[0]
        return _way(say, _wrapped(real - kept), NONE_BELOW["angle"], "left", "right")

    def _unturned_y(self, say: Say) -> bool:
        before = _bearing(self.axes[0].T @ -self.places[0])[1]
        return _way(say, self._from_second(self._kept("tilt"))[1] - before, NONE_BELOW["angle"], "up", "down")

    def _offset_y(self, say: Say) -> bool:
        kept, real = self._from_second(self._kept("tilt"))[1], self._from_second(self.axes[1])[1]
        return _way(say, real - kept, NONE_BELOW["angle"], "up", "down")


def _way(say: Say, value: float, none_below: float, negative: str, positive: str) -> bool:
    """Whether a value has the direction that is said (none, where none is said), and about the size."""
    if "way" not in say:
        return abs(value) <= none_below
    if abs(value) < none_below or say["way"] != (positive if value > 0 else negative):
        return False
    return "deg" not in say or abs(int(say["deg"]) - abs(value)) <= NUMBER_SLACK_DEG


def _ratio(say: Say, value: float, differs: float, below: str, above: str) -> bool:
    if "way" not in say:
        return 1 / differs <= value <= differs
    return value > differs if say["way"] == above else say["way"] == below and value < 1 / differs


def _middle_of_box(view: View) -> tuple[float, float]:
    left, top, right, bottom = view.object_box
    return 0.5 * (left + right), 0.5 * (top + bottom)


def _third(share: float) -> int:
    return 0 if share < 1 / 3 else 1 if share < 2 / 3 else 2


def _bearing(point: Array) -> tuple[float, float]:
    """A (3,) point in camera axes: degrees to the right of the line of sight, and below the camera's own level."""
    return _deg(np.angle(complex(point[2], point[0]))), _deg(np.arcsin(point[1] / np.linalg.norm(point)))


def _rotation(axis: Array, angle_deg: float) -> Array:
    """(3, 3) by Rodrigues' formula, right-handed about a unit axis."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.radians(angle_deg)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross))


def _deg(radians: Any) -> float:
    return float(radians) * 180.0 / float(np.pi)


def _wrapped(angle_deg: float) -> float:
    return (angle_deg + 180.0) % 360.0 - 180.0


# --- what follows -----------------------------------------------------------------------------------

OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up", "none": "none"}


class Read:
    """The facts of a chain: `way("side")` is the word said of the side, "none" where none was said, "" where nothing was."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self.said: dict[str, Say] = {}
        for one in sentences:
            if one.predicate:
                self.said[one.predicate + one.say.get("image", "")] = one.say

    def way(self, predicate: str) -> str:
        return self.said[predicate].get("way", "none") if predicate in self.said else ""

    def number(self, predicate: str) -> int:
        return int(self.said.get(predicate, {}).get("deg", 0))

    @property
    def grown(self) -> str:
        """The object's size without the lens: it tells the distance."""
        if "grown" in self.said:
            return self.way("grown")
        rank = {"smaller": -1, "none": 0, "larger": 1}
        zoom = {"out": -1, "none": 0, "in": 1}
        if self.way("size") not in rank or self.way("lens") not in zoom:
            return ""
        size, lens = rank[self.way("size")], zoom[self.way("lens")]
        if size == lens != 0:
            return ""  # it would take a number to tell
        return {-1: "smaller", 0: "none", 1: "larger"}[int(np.sign(size - lens))]


def _swept(read: Read) -> str:
    seen = {"left": "left", "right": "right", "none": "none"}.get(read.way("side"), "")
    return _agreed(seen, _residual(read, "turned", "shift_x"))


def _raised(read: Read) -> str:
    seen = {"more": "up", "less": "down", "none": "none"}.get(read.way("upper"), "")
    return _agreed(seen, _residual(read, "tilted", "shift_y"))


def _agreed(one: str, other: str) -> str:
    return "contradiction" if one and other and one != other else one or other


def _residual(read: Read, turn: str, shift: str) -> str:
    """Which way the camera moved, by what its turn does not explain of the shift; "" where that takes numbers."""
    turned, shifted = read.way(turn), read.way(shift)
    if not turned or not shifted or (turned != "none" and shifted == OPPOSITE[turned]):
        return ""
    return OPPOSITE[shifted if turned == "none" else turned]


def _sideways(read: Read) -> str:
    return {"none": "no movement sideways"}.get(_swept(read), _swept(read))


def _sideways_swapped(read: Read) -> str:
    return {"left": "right", "right": "left", "none": "no movement sideways"}.get(_swept(read), "")


def _own_sideways(read: Read) -> str:
    """Along the object's own left and right; nothing follows for a camera that looks at one of its sides."""
    seen, side = read.way("faces1"), read.way("side")
    if not side or seen not in ("front", "back"):
        return ""
    if side == "none":
        return "no movement sideways"
    return OPPOSITE[side] if seen == "front" else side


def _around_from_above(read: Read) -> str:
    words = {"left": "clockwise", "right": "counter-clockwise", "none": "no movement around it"}
    return words.get(read.way("side"), "")


def _heading(read: Read) -> str:
    return {"left": "right", "right": "left", "none": "none"}.get(read.way("offset_x"), "")


def _nod(read: Read) -> str:
    return {"up": "down", "down": "up", "none": "none"}.get(read.way("offset_y"), "")


def _spin(read: Read) -> str:
    words = {"clockwise": "counter-clockwise", "counter-clockwise": "clockwise", "none": "none"}
    return words.get(read.way("lean"), "")


def _ahead(read: Read) -> str:
    if not read.way("side"):
        return "forward" if read.grown == "larger" else ""
    far_around = read.number("side") >= 40
    if read.grown == "larger":
        return "forward"
    if read.grown == "smaller":
        return "" if far_around else "backward"
    if read.grown == "none":
        return "forward" if far_around else "neither forward nor backward"
    return ""


def _the_motion(read: Read) -> tuple[str, str]:
    """The only motion that explains what is said, and its direction; ("", "") if there is none or more than one."""
    side, upper = read.way("side"), read.way("upper")
    if side in ("left", "right"):
        turned = _heading(read)
        if turned == "none":
            return "sideways", side
        return ("around", side) if turned == OPPOSITE[side] else ("", "")
    if side != "none":
        return "", ""
    if upper in ("more", "less"):
        return ("vertical", "up" if upper == "more" else "down") if _nod(read) == "none" else ("", "")
    if upper != "none":
        return "", ""
    found = [
        ("forward", {"larger": "forward", "smaller": "backward"}.get(read.grown, "")),
        ("turn", _heading(read)),
        ("tilt", _nod(read)),
        ("roll", _spin(read)),
    ]
    active = [(name, way) for name, way in found if way not in ("", "none")]
    return active[0] if len(active) == 1 else ("", "")


def _motion_words(read: Read) -> str:
    return {
        "sideways": "it moved sideways",
        "vertical": "it moved up or down",
        "forward": "it moved forward or back",
        "turn": "it turned left or right",
        "tilt": "it tilted up or down",
        "roll": "it rolled to one side",
        "around": "it went around the object",
    }.get(_the_motion(read)[0], "")


def _action_words(read: Read) -> str:
    motion, way = _the_motion(read)
    verb = {"sideways": "move", "vertical": "move", "forward": "move"}.get(motion, motion)
    return f"{verb} {way}" if motion and motion != "around" else ""


def _middle(read: Read) -> int:
    """Of the angles between which the truth lies; 0 if the way that the object's face went does not go with them."""
    if "between" not in read.said or "face" not in read.said:
        return 0
    return (int(read.said["between"]["low"]) + int(read.said["between"]["high"])) // 2


def _bin(read: Read) -> str:
    return f"about {_middle(read)} degrees" if _middle(read) else ""


def _bin_and_way(read: Read) -> str:
    way = {"left": "clockwise", "right": "counter-clockwise"}.get(read.way("side"), "")
    return f"{_bin(read)} {way}" if way and _middle(read) else ""


def _nearness(read: Read) -> str:
    return {"larger": "nearer", "smaller": "farther", "none": "equally far"}.get(read.grown, "")


def _height(read: Read) -> str:
    return {"more": "higher", "less": "lower", "none": "equally high"}.get(read.way("upper"), "")


def _two_ways(read: Read) -> str:
    side, upper = read.way("side"), {"more": "up", "less": "down"}.get(read.way("upper"), "")
    return f"{side} and {upper}" if side in ("left", "right") and upper else ""


def _moved_and_turned(read: Read) -> str:
    side, heading = read.way("side"), _heading(read)
    return f"moved {side}, turned {heading}" if {side, heading} <= {"left", "right"} else ""


def _named(rule: Callable[[Read], str], none: str) -> Callable[[Read], str]:
    """The rule, with its "none" in the words of the option."""

    def named(read: Read) -> str:
        found = rule(read)
        return none if found == "none" else found

    return named


RULES: Mapping[str, Callable[[Read], str]] = {
    "ego_translation/camera_1": _sideways,
    "object_translation/object_facing_camera_1": _sideways_swapped,
    "object_translation/object_front": _own_sideways,
    "object_translation/seen_from_above": _around_from_above,
    "ego_rotation/camera_1": _named(_heading, "no horizontal rotation"),
    "vertical_translation/camera_1": _named(_raised, "neither up nor down"),
    "forward_translation/camera_1": _ahead,
    "combined_translation/camera_1": _two_ways,
    "pitch/camera_1": _named(_nod, "no tilt"),
    "roll/behind_camera_1": _named(_spin, "no roll"),
    "which_motion/camera_1": _motion_words,
    "next_action/camera_1": _action_words,
    "angle/around_object": _bin,
    "angle_number/around_object": lambda read: str(_middle(read)) if _middle(read) else "",
    "signed_angle/seen_from_above": _bin_and_way,
    "distance/object": _nearness,
    "elevation/object": _height,
    "relative_pose/camera_1": _moved_and_turned,
}
