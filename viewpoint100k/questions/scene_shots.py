"""What a camera sees of a scene's objects, and how questions that speak of them are drawn by lot.

Bearings are degrees clockwise, seen from above, from the direction in which the camera looks. Lengths are in
scene radii where nothing else is said.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.questions.kinds import Cue, Fact, Figure, Known, Opposites, Solved
from viewpoint100k.records import OBJECT_RADIUS, Mark, Scene, matrix

MOST_KEPT = 4  # samples whose shots are kept: one, and what audits make of it
MOST_TRIED = 24  # choices of objects for a question, per picture
LETTER_PX = 0.02  # a stored letter may be so far from where it would be drawn now
SIDE, WIDTH = 0.07, 0.05  # apart to the side: scene radii, and picture widths
# where a camera goes that keeps looking at the middle of the scene, in degrees counter-clockwise seen from
# above
MOVES: dict[str, int] = {
    "stays where it is": 0,
    "goes a quarter of a circle around the scene to its right": 90,
    "goes a quarter of a circle around the scene to its left": -90,
    "goes half a circle around the scene": 180,
}


class Shot:
    """One picture of a scene, with what a camera there knows of each object."""

    def __init__(self, known: Known, view: int, moved_deg: float = 0.0) -> None:
        """
        Args:
            moved_deg: so far counter-clockwise around the scene from where the picture was taken, looking at
                it as before.
        """
        assert known.scene is not None
        self.scene, self.view, self.seen = known.scene, known.views[view], known.scene.views[view].parts
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
        self.width, self.height = 2 * k[0, 2], 2 * k[1, 2]
        self.present = [i for i, part in enumerate(parts) if part.present[self.state]]
        self.referable = [i for i in self.present if self.seen[i].referable]

    def bearing_deg(self, way: Array) -> float:
        """Of a direction over the ground."""
        ahead = self.camera[:2, 2]
        angle = np.arctan2(ahead[1], ahead[0]) - np.arctan2(way[1], way[0])
        return float(np.degrees(angle) % 360)

    def from_to_deg(self, start: int, end: int) -> float:
        """The bearing from one object to another."""
        return self.bearing_deg(self.centres[end] - self.centres[start])

    def apart(self, one: int, other: int) -> float:
        """Between the middles of two objects, over the ground."""
        return float(np.hypot(*(self.centres[one] - self.centres[other])[:2])) / OBJECT_RADIUS

    def away(self, part: int) -> float:
        """From the camera, in world units."""
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
        """Of what is seen of an object: shares of the picture from the left and from the top."""
        left, top, right, bottom = self.seen[part].box or self.seen[part].full_box
        return (left + right) / 2 / self.width, (top + bottom) / 2 / self.height

    def further_right(self, one: int, other: int) -> tuple[bool, float] | None:
        """Whether an object is further right than another for the camera, and how clear that is; None if that is unclear."""
        aside = float(self.own[one, 0] - self.own[other, 0]) / OBJECT_RADIUS
        across = float(self.pixels[one, 0] - self.pixels[other, 0]) / self.width
        margin = min(abs(aside) / SIDE, abs(across) / WIDTH)
        return (aside > 0, margin) if margin >= 1 and aside * across > 0 else None


class _Memory:
    """The shots of the samples that were looked at last: drawing lots looks at each of them many times."""

    def __init__(self) -> None:
        self.samples: list[tuple[object, object, dict[tuple[int, float], Shot]]] = []  # the newest one last

    def shot(self, known: Known, view: int, moved_deg: float) -> Shot:
        shots = next(
            (kept for *of, kept in self.samples if of[0] is known.scene and of[1] is known.views), None
        )
        if shots is None:
            shots = {}
            self.samples = [*self.samples[-MOST_KEPT + 1 :], (known.scene, known.views, shots)]
        if (view, moved_deg) not in shots:
            shots[view, moved_deg] = Shot(known, view, moved_deg)
        return shots[view, moved_deg]


_memory = _Memory()


def turned_about_middle(world_from_camera: Array, moved_deg: float) -> Array:
    """A camera that went around the upright axis through the middle of the scene, counter-clockwise from above."""
    a = np.radians(moved_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    return np.asarray(turn @ world_from_camera)


def letters(scene: Scene | None, images: Sequence[int], parts: Sequence[int]) -> tuple[Mark, ...]:
    """The letters that a question needs in its pictures: those of all objects that have no other name, if it speaks of one.

    Of two pictures only those that show every object: in the other one, the letter that lacks would tell
    which is gone.
    """
    if scene is None or not any(scene.parts[part].named_by == "letter" for part in parts):
        return ()
    out = []
    for place, view in enumerate(images):
        gone = (
            scene.change is not None and not scene.parts[scene.change.part].present[scene.views[view].state]
        )
        for part, seen in zip(scene.parts, scene.views[view].parts, strict=True):
            if (
                part.named_by == "letter"
                and seen.referable
                and seen.box is not None
                and not (gone and len(images) > 1)
            ):
                left, top, right, _ = seen.box
                x, y = round((left + right) / 2, 2), round(top, 2)
                out.append(Mark(image=place, x=x, y=y, colour="yellow", letter=part.letter))
    return tuple(out)


def lettered(known: Known, figure: Figure, spoken_of: Sequence[int]) -> bool:
    """Whether a question's letters are those that it needs to speak of these objects."""
    wanted = letters(known.scene, figure.images, spoken_of)
    return len(wanted) == len(figure.marks) and all(
        (one.image, one.letter) == (other.image, other.letter)
        and max(abs(one.x - other.x), abs(one.y - other.y)) <= LETTER_PX
        for one, other in zip(wanted, figure.marks, strict=True)
    )


def asked_parts(known: Known, figure: Figure, count: int, views: Sequence[int], of_all: bool = False) -> bool:
    """Whether a figure speaks of so many different objects, all of which can be told in these of the sample's views.

    Args:
        of_all: it is about all objects, so that all those without another name have letters.
    """
    scene = known.scene
    if scene is None or len(figure.parts) != count or len({*figure.parts}) != count:
        return False
    if any(not 0 <= part < len(scene.parts) for part in figure.parts) or not _lettered(known, figure, of_all):
        return False
    return all(scene.views[view].parts[part].referable for view in views for part in figure.parts)


def _lettered(known: Known, figure: Figure, of_all: bool) -> bool:
    return lettered(known, figure, spoken_of(known.scene, figure.parts, of_all))


def spoken_of(scene: Scene | None, parts: Sequence[int], of_all: bool) -> Sequence[int]:
    """The objects whose names a question needs."""
    return range(len(scene.parts)) if of_all and scene is not None else parts


def shot_of(
    known: Known, figure: Figure, count: int, moved_deg: float = 0.0, of_all: bool = False
) -> Shot | None:
    """The one picture that a question shows, if the objects that it speaks of can be told in it."""
    if len(figure.images) != 1 or not 0 <= figure.images[0] < len(known.views):
        return None
    return (
        _memory.shot(known, figure.images[0], moved_deg)
        if asked_parts(known, figure, count, figure.images, of_all)
        else None
    )


def solved(
    shot: Shot, figure: Figure, option: int, margin: float, cues: Mapping[Cue, float] | None = None
) -> Solved | None:
    """An answer about one picture, if it is clear.

    What is looked at is decided by how much of it can be seen.
    """
    if margin < 1:
        return None
    least = min((shot.seen[part].visible_fraction for part in figure.parts), default=1.0)
    return Solved(Fact(option, float(margin)), float(least), cues or {})


Solve = Callable[[Known, Figure, GateConfig], Solved | None]


def drawn(
    solve: Solve,
    count: int,
    options: int,
    words: Sequence[str] = ("",),
    opposites: Sequence[Opposites] = (),
    of_all: bool = False,
) -> Callable[[Known, GateConfig, np.random.Generator], Figure | None]:
    """How a question about one picture is drawn: which picture, which objects, which words, all by lot.

    First it is drawn which answer shall be right, and whether a flat cue shall speak for or against it: what
    is rare among all that could be asked of a scene is not rare among what is asked.
    """

    def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
        if known.scene is None:
            return None
        option, against = int(rng.integers(options)), bool(rng.random() < 0.5)
        best, fits = None, -1
        for figure in _figures(known, known.scene, rng, count, words, of_all):
            found = solve(known, figure, gates)
            if found is None:
                continue
            fit = 2 * (not opposites or speaks_against(found, opposites) == against) + (
                found.fact.option == option
            )
            best, fits = (figure, fit) if fit > fits else (best, fits)
            if fits == 3:
                break
        return best

    return draw


def _figures(
    known: Known, scene: Scene, rng: np.random.Generator, count: int, words: Sequence[str], of_all: bool
) -> Iterator[Figure]:
    for view in rng.permutation(len(known.views)):
        there = [i for i, seen in enumerate(scene.views[int(view)].parts) if seen.referable]
        choices = list(permutations(there, count))
        for choice in rng.permutation(len(choices))[:MOST_TRIED]:
            parts, images = choices[int(choice)], (int(view),)
            said = words[int(rng.integers(len(words)))]
            marks = letters(scene, images, spoken_of(scene, parts, of_all))
            yield Figure(images=images, parts=parts, words=said, marks=marks)


def speaks_against(found: Solved, opposites: Sequence[Opposites]) -> bool:
    """Whether a flat cue of a question says another answer than the right one."""
    return any(
        found.cues.get(cue, 0.0) * ((found.fact.option in pair.high) - (found.fact.option in pair.low)) < 0
        for pair in opposites
        for cue in pair.cues
    )
