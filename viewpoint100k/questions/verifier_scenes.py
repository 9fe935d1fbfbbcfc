"""Reads chains of thought about scenes back: grammar, measurements and conclusions of its own.

Nothing is shared with `chains_scenes` or with the kinds in `tier_c`: each sentence is taken apart by a
grammar that is written down a second time, measured anew on the cameras' matrices and on the objects' boxes
and places in the world, and rules of our own tell what follows. Only how much of an object can be seen is
taken as it was stored: no shard keeps depth.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.questions.read_figure import ReadFigure as Figure
from viewpoint100k.records import OBJECT_RADIUS, Scene, View

Array = NDArray[np.float64]
Say = Mapping[str, str]

MAX_WORDS = 120
SLACK_DEG, SLACK_PERCENT, SLACK_TENTHS, SLACK_TIMES = 6.0, 6.0, 0.6, 0.06
AT_REST = 1.5  # percent of the picture
STAYED = 0.1  # tenths of the scene's radius: between distances in both images
NEAR_LINE_DEG = 12  # from the line between two halves
GOES = (
    (r"goes a quarter of a circle around the scene to its right", 90),
    (r"goes a quarter of a circle around the scene to its left", 270),
    (r"goes half a circle around the scene", 180),
)

# --- grammar: N is a name, D tens, T any number ------------------------------------------------------

CLOCK = "seen from above and counted clockwise from where the camera looks, "
ZERO = "with the camera's direction as 0 degrees, clockwise from above, "
RADIUS = "tenths of the scene's radius"
GRAMMAR: tuple[tuple[str, str], ...] = (
    ("way", CLOCK + "the way from <a> to <b> points to about <deg> degrees"),
    ("way", ZERO + "from <a> to <b> it goes to about <deg> degrees"),
    ("then", "for the camera after its move, the way from <a> to <b> points to about <deg> degrees"),
    ("then", "once the camera has gone there, from <a> to <b> it goes to about <deg> degrees"),
    ("front", CLOCK + "the front of <a> points to about <deg> degrees"),
    ("front", ZERO + "<a> faces about <deg> degrees"),
    ("turn", "from the first of these directions to the second it is about <deg> degrees <sense>"),
    ("turn", "the second direction is turned from the first by about <deg> degrees <sense>"),
    ("across", "<a> is at about <p> percent of the picture's width from the left, <b> at about <q>"),
    ("across", "counted from the left edge, <a> is at about <p> percent of the width and <b> at about <q>"),
    (
        "foot",
        "<a> stands on the floor at about <p> percent of the picture's height from the top, <b> at about <q>",
    ),
    (
        "foot",
        "counted from the top, the foot of <a> is at about <p> percent of the height and that of <b> at about <q>",
    ),
    ("looks", "in the picture <a> looks about <times> times as tall as <b>"),
    ("looks", "on the image <a> spans about <times> times the height of <b>"),
    ("looks", "in the picture <a> looks about as tall as <b>"),
    ("looks", "on the image <a> spans about the height of <b>"),
    ("far", "<a> is about <times> times as far from the camera as <b>"),
    ("far", "the camera is about <times> times as far from <a> as from <b>"),
    ("far", "<a> is about as far from the camera as <b>"),
    ("far", "the camera is about as far from <a> as from <b>"),
    ("meet", "in the picture the outlines of <a> and <b> meet"),
    ("meet", "<a> and <b> overlap in the picture"),
    ("clear", "in the picture the outlines of <a> and <b> do not meet"),
    ("clear", "<a> and <b> do not overlap in the picture"),
    ("stay", "relative to one another, all objects stand as before"),
    ("stay", "the distances among the objects are the same in both images"),
    ("but", "relative to one another, all objects stand as before but for <a>"),
    ("but", "the distances among the objects are the same in both images except those to <a>"),
    (
        "goes",
        "<a> is at about <x1> percent of the width and <y1> percent of the height of image 1, and at about <x2> and <y2> in image 2",
    ),
    (
        "goes",
        "from left and top, <a> is at about <x1> and <y1> percent of image 1 and at about <x2> and <y2> percent of image 2",
    ),
    ("kept", f"<a> and <b> are about <t1> {RADIUS} apart in both images"),
    ("kept", f"in both images it is about <t1> {RADIUS} between <a> and <b>"),
    ("differs", f"<a> and <b> are about <t1> {RADIUS} apart in image 1 and about <t2> in image 2"),
    ("differs", f"between <a> and <b> it is about <t1> {RADIUS} in image 1, in image 2 about <t2>"),
    (
        "share",
        "in image 1 about <p> percent of <a> can be seen past the other objects, in image 2 about <q> percent",
    ),
    (
        "share",
        "of <a>, image 1 shows about <p> percent past what stands before it, and image 2 about <q> percent",
    ),
    ("each", "compared with <a>, <sides>"),
    ("each", "starting from <a>: <sides>"),
    ("apart", f"over the floor, in {RADIUS}, from <a> it is <lengths>"),
    ("apart", f"on a floor plan, counted in {RADIUS}, <a> has <places>"),
)
PREMISES = frozenset(
    """
between 0 and 180 degrees is to the right, between 180 and 360 to the left
what points below 180 degrees goes to the right, above it to the left
between 90 and 270 degrees is towards the camera, the rest away from it
what points between 90 and 270 degrees comes closer to the camera
0 degrees is away from the camera, 90 to the right, 180 towards it and 270 to the left
away from the camera is 0 degrees, right is 90, towards it 180 and left 270
on a level floor, what stands lower in the picture is closer to the camera
the camera looks down at the floor, so what stands on it lower in the picture is closer
how tall something is goes with how tall it looks times how far away it is
things look smaller in proportion to their distance
going around to the right turns the camera counter-clockwise, to the left clockwise
a camera that goes around a scene turns the opposite way, and directions count from where it then looks
clockwise is a turn to the right
a clockwise turn goes to one's right, less than 90 degrees is ahead and more is behind
where two outlines meet, what is closer hides the other
the closer one of two hides the other where they overlap, and neither does where they do not
what stayed on the floor and went elsewhere in the picture shows that the camera moved
a camera at rest shows what stays at the same place of the picture
""".strip().splitlines()
)
SIDES = "to the left|to the right|closer to the camera|farther away"
CONCLUSION = re.compile(r"So the answer is: (?P<answer>.+)")


class Sentence(NamedTuple):
    """One sentence, read back; the predicate of a premise is empty."""

    text: str
    predicate: str
    say: Say


@lru_cache(maxsize=256)
def _patterns(names: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The grammar for a scene of such objects."""
    name = "|".join(re.escape(one) for one in sorted(names, key=len, reverse=True))
    slots = {
        "deg": r"(?P<deg>\d*0)", "sense": "(?P<sense>clockwise|counter-clockwise)", "times": r"(?P<times>\d+\.\d)",
        **{key: rf"(?P<{key}>-?\d*0)" for key in ("p", "q", "x1", "y1", "x2", "y2")},
        **{key: rf"(?P<{key}>\d+)" for key in ("t1", "t2")},
        **{key: f"(?P<{key}>{name})" for key in ("a", "b")},
        "sides": rf"(?P<list>(?:{name}) is (?:{SIDES})(?:, (?:{name}) is (?:{SIDES}))*)",
        "lengths": rf"(?P<list>about \d+ to (?:{name})(?:, about \d+ to (?:{name}))*)",
        "places": rf"(?P<list>(?:{name}) at about \d+(?:, (?:{name}) at about \d+)*)",
    }  # fmt: skip
    out = []
    for predicate, text in GRAMMAR:
        pieces = re.split(r"<(\w+)>", text)
        pattern = "".join(
            slots[piece] if number % 2 else re.escape(piece) for number, piece in enumerate(pieces)
        )
        out.append((predicate, re.compile(pattern)))
    return tuple(out)


# --- what is true -----------------------------------------------------------------------------------


class World:
    """A scene as its records have it: cameras' matrices, and where each object's box is in each state."""

    def __init__(self, views: Sequence[View], scene: Scene, figure: Figure) -> None:
        self.figure, self.scene = figure, scene
        self.cameras = [np.array(views[i].world_from_camera, dtype=np.float64) for i in figure.images]
        self.lenses = [np.array(views[i].intrinsics, dtype=np.float64) for i in figure.images]
        self.states = [scene.views[i].state for i in figure.images]
        self.seen = [scene.views[i].parts for i in figure.images]
        drawn = {mark.letter for mark in figure.marks}
        told = [
            part.named_by != "letter" or part.letter in drawn for part in scene.parts
        ]  # others have no name here
        self.number = {part.name: number for number, part in enumerate(scene.parts) if told[number]}
        angles = [angle for words, angle in GOES if words in figure.words.split("\n")[0]]
        self.goes_deg = angles[0] if len(angles) == 1 else 0

    def agrees(self, predicate: str, say: Say) -> bool:
        """Whether a sentence is true; false as well if it speaks of what is not there."""
        try:
            return bool(getattr(self, f"_{predicate}")(say))
        except (IndexError, KeyError, ValueError, ZeroDivisionError):
            return False

    def corners(self, name: str, image: int = 0) -> Array:
        """(8, 3) of a box in the world."""
        part = self.scene.parts[self.number[name]]
        pose = np.array(part.world_from_object[self.states[image]], dtype=np.float64)
        if not part.present[self.states[image]]:
            raise KeyError(name)
        x, y, z = part.size
        own = np.array([[i * x / 2, j * y / 2, k * z, 1] for i in (-1, 1) for j in (-1, 1) for k in (0, 1)])
        return np.asarray((own @ pose.T)[:, :3])

    def middle(self, name: str, image: int = 0) -> Array:
        return np.asarray((self.corners(name, image).max(axis=0) + self.corners(name, image).min(axis=0)) / 2)

    def foot(self, name: str, image: int = 0) -> Array:
        x, y, _ = self.middle(name, image)
        return np.array([x, y, self.corners(name, image)[:, 2].min()])

    def share(self, point: Array, image: int = 0) -> Array:
        """(2,) percent of the picture from the left and the top."""
        lens = self.lenses[image]
        x, y, w = lens @ np.linalg.solve(self.cameras[image], np.append(point, 1.0))[:3]
        return np.array([100 * x / w / (2 * lens[0, 2]), 100 * y / w / (2 * lens[1, 2])])

    def depth(self, name: str) -> float:
        return float(np.linalg.solve(self.cameras[0], np.append(self.middle(name), 1.0))[2])

    def spans(self, name: str, image: int = 0) -> Array:
        """(2, 2) least and greatest percent of the picture that a box reaches."""
        at = np.array([self.share(corner, image) for corner in self.corners(name, image)])
        return np.array([at.min(axis=0), at.max(axis=0)])

    def upright(self, name: str) -> float:
        """How long a box's upright axis is in the picture; pictures are square."""
        foot, tall = self.foot(name), self.scene.parts[self.number[name]].size[2]
        return float(np.linalg.norm(self.share(foot + [0.0, 0.0, tall]) - self.share(foot)))

    def clock(self, way: Array, turned_deg: float = 0.0) -> float:
        """Degrees clockwise from above, from where the camera looks if it is turned counter-clockwise by so much."""
        ahead = complex(*self.cameras[0][:2, 2]) * np.exp(1j * np.radians(turned_deg))
        return float(np.degrees(np.angle(ahead / complex(way[0], way[1]))) % 360)

    def between(self, one: str, other: str, image: int = 0) -> float:
        """Tenths of the scene's radius over the floor."""
        return (
            float(np.linalg.norm((self.foot(one, image) - self.foot(other, image))[:2])) * 10 / OBJECT_RADIUS
        )

    def fronts(self, name: str) -> float:
        part = self.scene.parts[self.number[name]]
        if part.front_azimuth_deg is None:
            raise KeyError(name)
        pose = np.array(part.world_from_object[self.states[0]], dtype=np.float64)
        turn = np.arctan2(pose[1, 0], pose[0, 0]) + np.radians(part.front_azimuth_deg)
        return self.clock(np.array([np.cos(turn), np.sin(turn)]))

    # per predicate

    def _way(self, say: Say) -> bool:
        return _same_angle(say["deg"], self.clock(self.middle(say["b"]) - self.middle(say["a"])))

    def _then(self, say: Say) -> bool:
        way = self.middle(say["b"]) - self.middle(say["a"])
        return self.goes_deg != 0 and _same_angle(say["deg"], self.clock(way, self.goes_deg))

    def _front(self, say: Say) -> bool:
        return _same_angle(say["deg"], self.fronts(say["a"]))

    def _turn(self, say: Say) -> bool:
        return int(say["deg"]) <= 180  # that it is the difference of the two before is for `Rules.turn`

    def _across(self, say: Say) -> bool:
        return all(
            _near(say[n], self.share(self.middle(say[o]))[0], SLACK_PERCENT)
            for n, o in (("p", "a"), ("q", "b"))
        )

    def _foot(self, say: Say) -> bool:
        return all(
            _near(say[n], self.share(self.foot(say[o]))[1], SLACK_PERCENT)
            for n, o in (("p", "a"), ("q", "b"))
        )

    def _looks(self, say: Say) -> bool:
        ratio = self.upright(say["a"]) / self.upright(say["b"])
        return abs(float(say.get("times", "1.0")) - ratio) <= SLACK_TIMES

    def _far(self, say: Say) -> bool:
        return (
            abs(float(say.get("times", "1.0")) - self.depth(say["a"]) / self.depth(say["b"])) <= SLACK_TIMES
        )

    def _meet(self, say: Say) -> bool:
        one, two = self.spans(say["a"]), self.spans(say["b"])
        return bool((np.minimum(one[1], two[1]) > np.maximum(one[0], two[0])).all())

    def _clear(self, say: Say) -> bool:
        return say["a"] != say["b"] and not self._meet(say)

    def _stay(self, say: Say) -> bool:
        return not self.movers()

    def _but(self, say: Say) -> bool:
        return self.movers() == {say["a"]}

    def movers(self) -> set[str]:
        """Those that stand elsewhere in image 2."""
        out = set()
        for part in self.scene.parts:
            before, after = (np.array(part.world_from_object[state])[:3, 3] for state in self.states)
            if np.linalg.norm(before - after) * 10 / OBJECT_RADIUS > STAYED:
                out.add(part.name)
        return out

    def _goes(self, say: Say) -> bool:
        shares = [self.share(self.middle(say["a"], image), image) for image in (0, 1)]
        stays = say["a"] not in self.movers() and say["a"] in self.number
        rests = bool(np.abs(shares[0] - shares[1]).max() < AT_REST)
        stays &= rests == ((say["x1"], say["y1"]) == (say["x2"], say["y2"]))
        return bool(stays) and all(
            _near(say[f"{axis}{image + 1}"], shares[image][i], SLACK_PERCENT)
            for image in (0, 1)
            for i, axis in enumerate("xy")
        )

    def _kept(self, say: Say) -> bool:
        before, after = (self.between(say["a"], say["b"], image) for image in (0, 1))
        return (
            say["a"] != say["b"] and abs(before - after) <= STAYED and _near(say["t1"], before, SLACK_TENTHS)
        )

    def _differs(self, say: Say) -> bool:
        before, after = (self.between(say["a"], say["b"], image) for image in (0, 1))
        return _near(say["t1"], before, SLACK_TENTHS) and _near(say["t2"], after, SLACK_TENTHS)

    def _share(self, say: Say) -> bool:
        seen = [parts[self.number[say["a"]]].visible_fraction for parts in self.seen]
        return _near(say["p"], 100 * seen[0], SLACK_PERCENT) and _near(say["q"], 100 * seen[1], SLACK_PERCENT)

    def _each(self, say: Say) -> bool:
        """All of the others that can be seen, each on its side; of one sort of sides."""
        items = side_items(say)
        there = {
            p.name
            for p, seen in zip(self.scene.parts, self.seen[0], strict=True)
            if seen.pixels and seen.referable
        }
        told = [name for name, _ in items]
        if len(told) != len({*told}) or {*told} != there - {say["a"]}:
            return False
        mine = self.middle(say["a"])
        for name, side in items:
            aside = self.share(self.middle(name))[0] - self.share(mine)[0]
            nearer = np.linalg.norm(self.middle(name) - self.cameras[0][:3, 3]) < np.linalg.norm(
                mine - self.cameras[0][:3, 3]
            )
            true = {"to the left": aside < 0, "to the right": aside > 0, "closer to the camera": nearer}
            if not true.get(side, not nearer):
                return False
        return True

    def _apart(self, say: Say) -> bool:
        """All of them: the nearest of some would prove nothing; for a question about two, these two."""
        items = length_items(say)
        told = {name for name, _ in items}
        there = {p.name for p in self.scene.parts if p.present[self.states[0]]} - {say["a"]}
        asked = {self.scene.parts[part].name for part in self.figure.parts} - {say["a"]}
        whole = told == there or (len(self.figure.parts) == 3 and told == asked)
        return whole and all(
            _near(length, self.between(say["a"], name), SLACK_TENTHS) for name, length in items
        )


def _near(said: str, value: float, slack: float) -> bool:
    return abs(int(said) - value) <= slack


def _same_angle(said: str, value: float) -> bool:
    return abs((int(said) - value + 180) % 360 - 180) <= SLACK_DEG


def side_items(say: Say) -> list[tuple[str, str]]:
    """(name, side) of a list."""
    return [(name, side) for name, _, side in (item.partition(" is ") for item in say["list"].split(", "))]


def length_items(say: Say) -> list[tuple[str, str]]:
    """(name, tenths) of a list."""
    out = []
    for item in say["list"].split(", "):
        if item.startswith("about "):
            length, _, name = item.removeprefix("about ").partition(" to ")
        else:
            name, _, length = item.partition(" at about ")
        out.append((name, length))
    return out


# --- what follows -----------------------------------------------------------------------------------


class Rules:
    """The answer that the sentences of a chain make; "" if they make none, or two."""

    def __init__(self, world: World, sentences: Sequence[Sentence]) -> None:
        self.world, self.sentences = world, sentences
        self.names = [world.scene.parts[part].name for part in world.figure.parts]
        self.words = world.figure.words.split("\n")[0]

    def say(self, predicate: str) -> Say | None:
        return next((one.say for one in self.sentences if one.predicate == predicate), None)

    def every(self, predicate: str) -> list[Say]:
        return [one.say for one in self.sentences if one.predicate == predicate]

    def final_way(self, start: str, end: str) -> int | None:
        """The direction from one object to another as it is asked for: after the move where there is one."""
        way = self.say("way")
        if way is None or (way["a"], way["b"]) != (start, end):
            return None
        if not self.world.goes_deg:
            return int(way["deg"])
        then = self.say("then")
        if then is None or (then["a"], then["b"]) != (start, end):
            return None
        moved = (int(way["deg"]) + self.world.goes_deg) % 360
        return moved if moved == int(then["deg"]) else None

    def left_or_right(self, start: str, end: str) -> str:
        """On which side of the first object the second one is."""
        found = []
        way, across = self.final_way(start, end), self.say("across")
        if way is not None and min(way % 180, 180 - way % 180) > NEAR_LINE_DEG:
            found.append("to the right of it" if way < 180 else "to the left of it")
        if across is not None and (across["a"], across["b"]) == (end, start) and across["p"] != across["q"]:
            found.append("to the left of it" if int(across["p"]) < int(across["q"]) else "to the right of it")
        return found[0] if len({*found}) == 1 else ""

    def closer_than(self, start: str, end: str) -> bool | None:
        """Whether the second object is closer to the camera than the first."""
        found = []
        way, foot = self.final_way(start, end), self.say("foot")
        if way is not None and min((way + 90) % 180, 180 - (way + 90) % 180) > NEAR_LINE_DEG:
            found.append(90 < way < 270)
        if foot is not None and (foot["a"], foot["b"]) == (end, start) and foot["p"] != foot["q"]:
            found.append(int(foot["p"]) > int(foot["q"]))
        return found[0] if len({*found}) == 1 else None

    def side_of(self) -> str:
        return self.left_or_right(self.names[1], self.names[0])

    def front_of(self) -> str:
        closer = self.closer_than(self.names[1], self.names[0])
        return "" if closer is None else "in front of it" if closer else "behind it"

    def closer(self) -> str:
        closer = self.closer_than(self.names[1], self.names[0])
        return "" if closer is None else self.names[0 if closer else 1]

    def taller(self) -> str:
        looks, far = self.say("looks"), self.say("far")
        if looks is None or far is None or {looks["a"], looks["b"]} != {far["a"], far["b"]}:
            return ""
        ratio, away = float(looks.get("times", "1")), float(far.get("times", "1"))
        ratio = ratio * away if looks["a"] == far["a"] else ratio / away
        return looks["a"] if ratio > 1.05 else looks["b"] if ratio < 0.95 else ""

    def count(self) -> str:
        each = self.say("each")
        wanted = {
            "further to the left in the picture than": "to the left", "further to the right in the picture than": "to the right",
            "closer to the camera than": "closer to the camera", "farther from the camera than": "farther away",
        }  # fmt: skip
        asked = [side for words, side in wanted.items() if words in self.words]
        if each is None or len(asked) != 1 or each["a"] != self.names[0]:
            return ""
        pairs = ({"to the left", "to the right"}, {"closer to the camera", "farther away"})
        sides = [side for _, side in side_items(each)]
        one_sort = any({*sides, asked[0]} <= pair for pair in pairs)
        numbers = dict(enumerate(["zero", "one", "two", "three", "four"]))
        return numbers.get(sides.count(asked[0]), "") if one_sort else ""

    def nearest(self, start: str) -> str:
        apart = self.say("apart")
        if apart is None or apart["a"] != start:
            return ""
        lengths = {name: int(length) for name, length in length_items(apart)}
        least = [name for name, length in lengths.items() if length == min(lengths.values())]
        return least[0] if len(least) == 1 else ""

    def nearer_to(self) -> str:
        return self.nearest(self.names[2])

    def faces(self) -> str:
        front = self.say("front")
        if front is None or front["a"] != self.names[0]:
            return ""
        compass = {
            0: "away from the camera",
            90: "to the right",
            180: "towards the camera",
            270: "to the left",
        }
        near = [
            words
            for angle, words in compass.items()
            if abs((int(front["deg"]) - angle + 180) % 360 - 180) <= 38
        ]
        return near[0] if near else ""

    def turn(self, predicate: str, names: Sequence[tuple[str, ...]]) -> int | None:
        """From the first of two directions to the second, as said; None if it is not their difference."""
        two, turn = self.every(predicate), self.say("turn")
        keys = ("a", "b") if predicate == "way" else ("a",)
        if turn is None or [tuple(say[key] for key in keys) for say in two] != list(names):
            return None
        angle = int(turn["deg"]) * (1 if turn["sense"] == "clockwise" else -1)
        return angle if (int(two[1]["deg"]) - int(two[0]["deg"]) - angle) % 360 == 0 else None

    def facing(self) -> str:
        turn = self.turn("front", [(name,) for name in self.names])
        if turn is None:
            return ""
        said = {0: "the same way", 90: "a quarter turn to the right of that", 180: "the opposite way"}
        said |= {270: "a quarter turn to the left of that"}
        near = [words for angle, words in said.items() if abs((turn - angle + 180) % 360 - 180) <= 38]
        return near[0] if near else ""

    def standing(self) -> int | None:
        a, b, c = self.names
        return self.turn("way", [(a, b), (a, c)])

    def perspective(self) -> str:
        turn = self.standing()
        if turn is None or abs(turn) % 90 == 0:
            return ""
        return f"{'behind' if abs(turn) > 90 else 'ahead'} on the {'left' if turn < 0 else 'right'}"

    def turn_to_face(self) -> str:
        turn = self.standing()
        near = [
            angle for angle in (45, 90, 135) if turn is not None and angle - 22 <= abs(turn) <= angle + 22
        ]
        return (
            f"about {near[0]} degrees to the {'left' if (turn or 0) < 0 else 'right'}"
            if len(near) == 1
            else ""
        )

    def side_after(self) -> str:
        return self.side_of()

    def closer_after(self) -> str:
        return self.closer()

    def hops(self) -> str:
        near = self.nearest(self.names[0])
        return self.left_or_right(self.names[1], near) if near and near != self.names[1] else ""

    def hides(self) -> str:
        meet, clear, far = self.say("meet"), self.say("clear"), self.say("far")
        if meet is None:
            whole = clear is not None and {clear["a"], clear["b"]} == {*self.names}
            return "neither hides a part of the other" if whole else ""
        if (
            far is None
            or clear is not None
            or not {meet["a"], meet["b"]} == {far["a"], far["b"]} == {*self.names}
        ):
            return ""
        return f"{far['b']} hides a part of {far['a']}" if float(far.get("times", "1")) > 1.05 else ""

    def what_moved(self) -> str:
        goes, stay, but = self.say("goes"), self.say("stay"), self.say("but")
        if goes is None or (stay is None) == (but is None):
            return ""
        camera = (goes["x1"], goes["y1"]) != (goes["x2"], goes["y2"])
        table = {(True, False): "only the camera", (False, True): "only one object"}
        table |= {(True, True): "the camera and one object", (False, False): "nothing at all"}
        return table[camera, but is not None]

    def changed_object(self) -> str:
        kept, differs = self.say("kept"), self.every("differs")
        if kept is None or not differs or "stands in another place" not in self.words:
            return ""
        stay = {kept["a"], kept["b"]}
        movers = {name for say in differs for name in (say["a"], say["b"])} - stay
        far = all(abs(int(say["t1"]) - int(say["t2"])) >= 2 for say in differs)
        return movers.pop() if len(movers) == 1 and far and stay <= {*self.names} else ""

    def seen_in(self) -> str:
        share = self.say("share")
        if share is None or share["a"] != self.names[0]:
            return ""
        one, two = int(share["p"]), int(share["q"])
        return "" if abs(one - two) < 25 else "image 1" if one > two else "image 2"


VOCABULARY: Mapping[str, frozenset[str]] = {
    "side_of": frozenset({"across", "way"}),
    "front_of": frozenset({"foot", "way"}),
    "closer": frozenset({"foot", "way"}),
    "taller": frozenset({"looks", "far"}),
    "count": frozenset({"each"}),
    "nearer_to": frozenset({"apart"}),
    "faces": frozenset({"front"}),
    "facing": frozenset({"front", "turn"}),
    "perspective": frozenset({"way", "turn"}),
    "turn_to_face": frozenset({"way", "turn"}),
    "side_after": frozenset({"way", "then"}),
    "closer_after": frozenset({"way", "then"}),
    "hops": frozenset({"apart", "way", "then"}),
    "hides": frozenset({"meet", "clear", "far"}),
    "what_moved": frozenset({"stay", "but", "goes"}),
    "changed_object": frozenset({"kept", "differs"}),
    "seen_in": frozenset({"share"}),
}
RULES: Mapping[str, Callable[[Rules], str]] = {name: getattr(Rules, name) for name in VOCABULARY}


def verify_scene_chain(
    text: str,
    kind_name: str,
    views: Sequence[View],
    scene: Scene,
    figure: Figure,
    options: Sequence[str],
    answer_text: str,
) -> list[str]:
    """What is wrong with a chain of thought about a scene; nothing if it is sound.

    Args:
        text: what `chains_scenes.write_scene_chain` wrote, or anything else.
        kind_name: "type/frame".
        views: all of the sample.
        scene: of the sample.
        figure: of the question; its words may be the whole prompt.
        options: the option texts that the question shows.
        answer_text: the words of the right one.
    """
    type_ = kind_name.split("/")[0]
    if type_ not in RULES:
        return [f"no rule for {kind_name}"]
    problems = [] if len(text.split()) <= MAX_WORDS else [f"{len(text.split())} words, more than {MAX_WORDS}"]
    if not text.endswith("."):
        problems.append("it does not end with a full stop")
    *before, last = text.removesuffix(".").split(". ")
    world, sentences = World(views, scene, figure), []
    patterns = _patterns(tuple(part.name for part in scene.parts))
    for one in before:
        read = _read(one, patterns, VOCABULARY[type_])
        if read is None:
            problems.append(f"cannot be read: {one!r}")
            continue
        sentences.append(read)
        if read.predicate and not world.agrees(read.predicate, read.say):
            problems.append(f"not true: {one!r}")
        named = answer_text in world.number or type_ == "seen_in"  # which its facts go through one by one
        if read.predicate and not named and " " in answer_text and answer_text in one:
            problems.append(f"the label comes before the conclusion: {one!r}")
    concluded = CONCLUSION.fullmatch(last)
    if concluded is None:
        return [*problems, f"the last sentence is not a conclusion: {last!r}"]
    answer = concluded["answer"]
    if answer != answer_text:
        problems.append(f"the conclusion {answer!r} is not the answer {answer_text!r}")
    if answer not in options:
        problems.append(f"the conclusion {answer!r} is not one of the options")
    follows = RULES[type_](Rules(world, sentences))
    if follows != answer:
        problems.append(f"from what is said follows {follows!r}, not {answer!r}")
    return problems


def _read(
    text: str, patterns: Sequence[tuple[str, re.Pattern[str]]], vocabulary: frozenset[str]
) -> Sentence | None:
    bare = text[:1].lower() + text[1:]
    if bare in PREMISES:
        return Sentence(text, "", {})
    for predicate, pattern in patterns:
        if predicate in vocabulary and (found := pattern.fullmatch(bare)) is not None:
            return Sentence(text, predicate, {k: v for k, v in found.groupdict().items() if v is not None})
    return None
