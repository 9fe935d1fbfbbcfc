"""What a camera sees of a scene's objects, and how questions that speak of them are drawn at random.

Bearings are degrees clockwise, seen from above, from the direction in which the camera looks. Lengths are in
scene radii where nothing else is said.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.questions.kind import (
    OF_SCENES,
    Cue,
    DrawnKind,
    Fact,
    Figure,
    Known,
    Opposites,
    Parameter,
    Solved,
)
from viewpoint100k.records import OBJECT_RADIUS, Mark, Scene, matrix

MOST_KEPT = 4  # samples whose shots are kept: one, and what audits make of it
MOST_TRIED = 24  # choices of objects for a question, for each picture
LETTER_PX = 0.02  # by how much a stored letter may miss where it would be drawn now
Solve = Callable[[Known, Figure, GateConfig], Solved | None]


class Shot:
    """One picture of a scene, with what a camera there knows of each object."""

    def __init__(self, known: Known, view: int, moved_deg: float = 0.0) -> None:
        """
        Args:
            moved_deg: how far the camera goes counter-clockwise around the scene from where the picture was
                taken; it looks at it as before.
        """
        assert known.scene is not None
        self.scene = known.scene
        self.view = known.views[view]
        self.seen = known.scene.views[view].parts
        self.state = known.scene.views[view].state
        parts = self.scene.parts
        poses = [matrix(part.world_from_object[self.state]) for part in parts]
        self.poses = poses
        self.centres = np.array(
            [p[:3, 3] + p[:3, 2] * (0.5 * part.size[2]) for p, part in zip(poses, parts, strict=True)]
        )
        self.camera = turned_about_middle(matrix(self.view.world_from_camera), moved_deg)
        self.own = (self.centres - self.camera[:3, 3]) @ self.camera[:3, :3]  # (n, 3) right, down, forward
        k = matrix(self.view.intrinsics)
        self.pixels = self.own[:, :2] / self.own[:, 2:] * [k[0, 0], k[1, 1]] + [k[0, 2], k[1, 2]]
        self.width = 2 * k[0, 2]
        self.height = 2 * k[1, 2]
        self.present = [i for i, part in enumerate(parts) if part.present[self.state]]
        self.referable = [i for i in self.present if self.seen[i].referable]

    def bearing_deg(self, way: Array) -> float:
        """The bearing of a direction over the ground."""
        ahead = self.camera[:2, 2]
        angle = np.arctan2(ahead[1], ahead[0]) - np.arctan2(way[1], way[0])
        return float(np.degrees(angle) % 360)

    def from_to_deg(self, start: int, end: int) -> float:
        """The bearing from one object to another."""
        return self.bearing_deg(self.centres[end] - self.centres[start])

    def apart(self, part: int, other: int) -> float:
        """The distance between the middles of two objects, over the ground."""
        return float(np.hypot(*(self.centres[part] - self.centres[other])[:2])) / OBJECT_RADIUS

    def away(self, part: int) -> float:
        """The distance from the camera, in world units."""
        return float(np.linalg.norm(self.own[part]))

    def front_deg(self, part: int) -> float | None:
        """The bearing of an object's front."""
        azimuth = self.scene.parts[part].front_azimuth_deg
        if azimuth is None:
            return None
        a = np.radians(azimuth)
        return self.bearing_deg(self.poses[part][:2, :2] @ [np.cos(a), np.sin(a)])

    def upright_px(self, part: int) -> float:
        """How long an object's upright axis is in the picture, from its foot to its top."""
        half = self.poses[part][:3, 2] * (0.5 * self.scene.parts[part].size[2])
        ends = (self.centres[part] + [half, -half] - self.camera[:3, 3]) @ self.camera[:3, :3]
        k = self.view.intrinsics
        way = (ends[0, :2] / ends[0, 2] - ends[1, :2] / ends[1, 2]) * [k[0][0], k[1][1]]
        return float(np.hypot(way[0], way[1]))

    def middle(self, part: int) -> tuple[float, float]:
        """The middle of what is seen of an object: shares of the picture from the left and from the top."""
        left, top, right, bottom = self.seen[part].box or self.seen[part].full_box
        return (left + right) / 2 / self.width, (top + bottom) / 2 / self.height

    def further_right(self, part: int, other: int, gates: GateConfig) -> tuple[bool, float] | None:
        """Whether an object is further right than another for the camera, and how clear that is; None if
        that is unclear.
        """
        aside = float(self.own[part, 0] - self.own[other, 0]) / OBJECT_RADIUS
        across = float(self.pixels[part, 0] - self.pixels[other, 0]) / self.width
        margin = min(abs(aside) / gates.scene_side, abs(across) / gates.scene_across)
        return (aside > 0, margin) if margin >= 1 and aside * across > 0 else None


class _Memory:
    """The shots of the samples that were looked at last: a random choice looks at each of them many times."""

    def __init__(self) -> None:
        self.samples: list[tuple[object, object, dict[tuple[int, float], Shot]]] = []  # the newest last

    def shot(self, known: Known, view: int, moved_deg: float) -> Shot:
        shots = self._of(known)
        if (view, moved_deg) not in shots:
            shots[view, moved_deg] = Shot(known, view, moved_deg)
        return shots[view, moved_deg]

    def _of(self, known: Known) -> dict[tuple[int, float], Shot]:
        for scene, views, shots in self.samples:
            if scene is known.scene and views is known.views:
                return shots
        shots = {}
        self.samples = [*self.samples[-MOST_KEPT + 1 :], (known.scene, known.views, shots)]
        return shots


_memory = _Memory()


def shot_at(known: Known, view: int) -> Shot:
    """What a camera sees; the same shot for every question about it."""
    return _memory.shot(known, view, 0.0)


def turned_about_middle(world_from_camera: Array, moved_deg: float) -> Array:
    """A camera that went around the upright axis through the middle of the scene, counter-clockwise from
    above.
    """
    a = np.radians(moved_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    return np.asarray(turn @ world_from_camera)


def letters(scene: Scene | None, images: Sequence[int], parts: Sequence[int]) -> tuple[Mark, ...]:
    """The letters that a question needs in its pictures: those of all objects that have no other name, if
    it speaks of one.

    Of two pictures, only those that show every object have them: in the other one, the missing letter would
    reveal which object is gone.
    """
    if scene is None or not any(scene.parts[part].named_by == "letter" for part in parts):
        return ()
    marks = []
    for place, view in enumerate(images):
        change = scene.change
        gone = change is not None and not scene.parts[change.part].present[scene.views[view].state]
        if gone and len(images) > 1:
            continue
        for part, seen in zip(scene.parts, scene.views[view].parts, strict=True):
            if part.named_by == "letter" and seen.referable and seen.box is not None:
                left, top, right, _ = seen.box
                x = round((left + right) / 2, 2)
                y = round(top, 2)
                marks.append(Mark(image=place, x=x, y=y, colour="yellow", letter=part.letter))
    return tuple(marks)


def lettered(known: Known, figure: Figure, spoken_of: Sequence[int]) -> bool:
    """Whether a question's letters are those that it needs to speak of these objects."""
    wanted = letters(known.scene, figure.images, spoken_of)
    return len(wanted) == len(figure.marks) and all(
        (mark.image, mark.letter) == (stored.image, stored.letter)
        and max(abs(mark.x - stored.x), abs(mark.y - stored.y)) <= LETTER_PX
        for mark, stored in zip(wanted, figure.marks, strict=True)
    )


def asked_parts(known: Known, figure: Figure, count: int, views: Sequence[int], of_all: bool = False) -> bool:
    """Whether a figure speaks of `count` different objects, all of which can be told apart in these views
    of the sample.

    Args:
        of_all: it is about all objects, so that all those without another name have letters.
    """
    scene = known.scene
    if scene is None or len(figure.parts) != count or len({*figure.parts}) != count:
        return False
    if any(not 0 <= part < len(scene.parts) for part in figure.parts):
        return False
    if not lettered(known, figure, spoken_of(scene, figure.parts, of_all)):
        return False
    return all(scene.views[view].parts[part].referable for view in views for part in figure.parts)


def spoken_of(scene: Scene | None, parts: Sequence[int], of_all: bool) -> Sequence[int]:
    """The objects whose names a question needs."""
    return range(len(scene.parts)) if of_all and scene is not None else parts


def shot_of(
    known: Known, figure: Figure, count: int, moved_deg: float = 0.0, of_all: bool = False
) -> Shot | None:
    """The one picture that a question shows, if the objects that it speaks of can be told apart in it."""
    if len(figure.images) != 1 or not 0 <= figure.images[0] < len(known.views):
        return None
    if not asked_parts(known, figure, count, figure.images, of_all):
        return None
    return _memory.shot(known, figure.images[0], moved_deg)


def solved(
    shot: Shot, figure: Figure, option: int, margin: float, cues: Mapping[Cue, float] | None = None
) -> Solved | None:
    """An answer about one picture, if it is clear; how much of the objects can be seen is its
    decidability.
    """
    if margin < 1:
        return None
    least = min((shot.seen[part].visible_fraction for part in figure.parts), default=1.0)
    return Solved(Fact(option, float(margin)), float(least), cues or {})


def drawn(
    solve: Solve,
    options: int,
    count: int,
    parameter: Parameter | None = None,
    opposites: Sequence[Opposites] = (),
    of_all: bool = False,
) -> Callable[[Known, GateConfig, np.random.Generator], Figure | None]:
    """How a question about one picture is drawn: which picture, objects and parameter, all at random.

    First it is drawn which answer is to be right, and whether a flat cue is to speak for it or against it:
    what is rare among all that could be asked of a scene is not rare among what is asked.

    Args:
        options: how many the kind has.
        count: of the objects that it speaks of.
    """

    def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
        if known.scene is None:
            return None
        option = int(rng.integers(options))
        against = bool(rng.random() < 0.5)
        best = None
        best_fit = -1
        for figure in _figures(known, known.scene, rng, count, parameter, of_all):
            answer = solve(known, figure, gates)
            if answer is None:
                continue
            right_cue = not opposites or speaks_against(answer, opposites) == against
            fit = 2 * right_cue + (answer.fact.option == option)
            if fit > best_fit:
                best = figure
                best_fit = fit
            if best_fit == 3:
                break
        return best

    return draw


def _figures(
    known: Known,
    scene: Scene,
    rng: np.random.Generator,
    count: int,
    parameter: Parameter | None,
    of_all: bool,
) -> Iterator[Figure]:
    values = parameter.values if parameter else (None,)
    for view in rng.permutation(len(known.views)):
        referable = [i for i, seen in enumerate(scene.views[int(view)].parts) if seen.referable]
        choices = list(permutations(referable, count))
        for choice in rng.permutation(len(choices))[:MOST_TRIED]:
            parts = choices[int(choice)]
            images = (int(view),)
            value = values[int(rng.integers(len(values)))]
            marks = letters(scene, images, spoken_of(scene, parts, of_all))
            figure = Figure(images=images, parts=parts, marks=marks)
            yield parameter.in_figure(figure, value) if parameter else figure


def speaks_against(answer: Solved, opposites: Sequence[Opposites]) -> bool:
    """Whether a flat cue of a question suggests another answer than the right one."""
    option = answer.fact.option
    return any(
        answer.cues.get(cue, 0.0) * ((option in pair.high) - (option in pair.low)) < 0
        for pair in opposites
        for cue in pair.cues
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureKind(DrawnKind):
    """A kind that asks about one picture of a scene; its objects are drawn at random."""

    tier: str = OF_SCENES
    seen_alone: tuple[Cue, ...] = ()
    of_all: bool = False  # it is about all objects, so that all those without another name have letters
    draw: Callable[[Known, GateConfig, np.random.Generator], Figure | None] = field(init=False)

    def __post_init__(self) -> None:
        draw = drawn(self.solve, len(self.options), self.parts, self.parameter, self.opposites, self.of_all)
        object.__setattr__(self, "draw", draw)


# --- what several kinds measure ------------------------------------------------------------------------


def closer(shot: Shot, a: int, b: int, gates: GateConfig) -> tuple[int, float]:
    """Which of two objects is closer, by distance and by depth alike, and how clear that is."""
    ratios = np.log([shot.away(a) / shot.away(b), shot.own[a, 2] / shot.own[b, 2]])
    margin = np.abs(ratios).min() / np.log(gates.scene_closer) if ratios[0] * ratios[1] > 0 else 0.0
    return int(ratios[0] > 0), float(margin)


def lower(shot: Shot, a: int, b: int) -> float:
    """How much lower in the picture the second of two objects is seen: what is lower is mostly closer."""
    return shot.middle(b)[1] - shot.middle(a)[1]


def across(shot: Shot, part: int, other: int) -> float:
    """How much further right in the picture one object is than another."""
    return float((shot.pixels[part, 0] - shot.pixels[other, 0]) / shot.width)


def off_axis(angle_deg: float) -> tuple[int, float]:
    """The nearest of four directions, a quarter of a circle apart, and how far it is off that."""
    quarter = int(np.floor(angle_deg / 90 + 0.5)) % 4
    return quarter, abs((angle_deg - 90 * quarter + 180) % 360 - 180)
