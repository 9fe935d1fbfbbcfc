"""The answers once more, of questions about scenes: from the objects' boxes and places and the cameras' matrices alone.

As in `recompute`, nothing is shared with what gave the answers. Where the other implementation moves a camera
around a scene, here the scene is turned the other way; directions are compared as complex numbers. How much
of an object can be seen is taken as stored: no shard keeps depth. `reference_problems` asks whether the
objects that a question speaks of can be told at all.
"""

import cmath
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.audit.recompute import Label, measure
from viewpoint100k.audit.recompute_figures import Found
from viewpoint100k.config import GateConfig
from viewpoint100k.records import OBJECT_RADIUS, PartSeen, Question, Sample, Scene

SIDE, WIDTH = 0.07, 0.05
BEFORE, CLEAR = 0.2, 0.15
CLOSER, TALLER, NEARER = 1.15, 1.2, 1.25
EDGE_DEG, AXIS_DEG, HALF_DEG, TURN_DEG, TURN_HALF_DEG = 20.0, 15.0, 45.0, 12.5, 22.5
HIDDEN, WHOLE, UNSEEN = 0.85, 0.99, 0.02
MOVED, TURNED_DEG = 0.15, 25.0
STILL, STILL_DEG, GONE, GONE_DEG = 0.02, 1.0, 0.1, 5.0
SHOWN, NOT_SHOWN = 0.6, 0.2
LETTER_PX = 3.0  # beside the object's box
PIXELS_OF = 512  # the side of the picture for which the gate counts pixels
AROUND = re.compile(
    r"goes (?:a (quarter) of a circle around the scene to its (left|right)|half a circle around the scene)"
)
RELATION = re.compile(
    r"further to the (left|right) in the picture than|(closer) to the camera than|(farther) from the camera than"
)
CHANGES = {
    "stands in another place in image 2": "moved", "has been turned on the spot in image 2": "turned",
    "is there in image 2 only": "appeared", "is there in image 1 only": "vanished",
}  # fmt: skip


class Look:
    """What one camera has before it, the scene turned clockwise about its middle by some degrees."""

    def __init__(self, sample: Sample, scene: Scene, view: int, turned_deg: float = 0.0) -> None:
        self.scene, self.view, self.seen = scene, sample.views[view], scene.views[view].parts
        self.state = scene.views[view].state
        turn = cmath.exp(-1j * math.radians(turned_deg))
        camera = np.array(self.view.world_from_camera)
        places, self.poses = [], [np.array(part.world_from_object[self.state]) for part in scene.parts]
        for part, pose in zip(scene.parts, self.poses, strict=True):
            ends = [pose @ [0, 0, z, 1] for z in (0.0, part.size[2])]
            flat = complex(ends[0][0], ends[0][1]) * turn
            places.append([flat.real, flat.imag, (ends[0][2] + ends[1][2]) / 2])
        self.places = np.array(places)
        self.before = np.linalg.solve(camera, np.c_[places, np.ones(len(places))].T)[
            :3
        ].T  # right, down, ahead
        lens = np.array(self.view.intrinsics)
        flat_at = (lens @ self.before.T).T
        self.at = flat_at[:, :2] / flat_at[:, 2:]
        self.heading = complex(camera[0, 2], camera[1, 2])
        self.eye = complex(camera[0, 3], camera[1, 3])
        self.present = [i for i, part in enumerate(scene.parts) if part.present[self.state]]

    def ground(self, part: int) -> complex:
        return complex(self.places[part, 0], self.places[part, 1])

    def right(self, one: int, other: int) -> float:
        """Clearness in grey bands by which an object is further right, < 0 if it is further left; 0 in the band."""
        aside = (self.before[one, 0] - self.before[other, 0]) / (SIDE * OBJECT_RADIUS)
        across = (self.at[one, 0] - self.at[other, 0]) / (WIDTH * 2 * self.view.intrinsics[0][2])
        if aside * across <= 0 or min(abs(aside), abs(across)) < 1:
            return 0.0
        return math.copysign(min(abs(aside), abs(across)), aside)

    def farther(self, one: int, other: int) -> float:
        """The same for farther from the camera, by distance and by depth."""
        logs = [
            math.log(math.hypot(*self.before[one]) / math.hypot(*self.before[other])),
            math.log(self.before[one, 2] / self.before[other, 2]),
        ]
        least = min(abs(log) for log in logs) / math.log(CLOSER)
        return math.copysign(least, logs[0]) if logs[0] * logs[1] > 0 else 0.0

    def front(self, part: int) -> complex | None:
        azimuth = self.scene.parts[part].front_azimuth_deg
        if azimuth is None:
            return None
        x, y = self.poses[part][:2, :2] @ [math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))]
        return complex(x, y)

    def middle(self, part: int) -> tuple[float, float]:
        left, top, right, bottom = self.seen[part].box or self.seen[part].full_box
        return (left + right) / 2, (top + bottom) / 2


def clockwise_deg(start: complex, end: complex) -> float:
    """From one direction over the ground to another, in (-180, 180]."""
    return math.degrees(cmath.phase(start / end))


def turned_deg(words: str) -> int | None:
    """How far counter-clockwise the camera goes in a question's words; None where it is not told."""
    found = AROUND.findall(words)
    if len(found) != 1:
        return 0 if not found and "stays where it is" in words else None
    quarter, side = found[0]
    return 180 if not quarter else 90 if side == "right" else -90


class Case(NamedTuple):
    """A question with what is before its camera."""

    sample: Sample
    scene: Scene
    question: Question
    look: Look
    words: str

    @property
    def parts(self) -> list[int]:
        return self.question.parts

    @property
    def names(self) -> list[str]:
        return [self.scene.parts[part].name for part in self.parts]

    def after(self) -> Look | None:
        angle = turned_deg(self.words)
        return None if angle is None else Look(self.sample, self.scene, self.question.images[0], angle)

    def found(self, words: str, margin: float) -> Found | str:
        if margin < 1:
            return f"is asked although it is not clear: another option is as good as {words!r} (margin {margin:.3f})"
        least = min((self.look.seen[part].visible_fraction for part in self.parts), default=1.0)
        return Found(Label(words, margin), least, ())


def _sided(case: Case, amount: float) -> Found | str:
    return case.found("to the right of it" if amount > 0 else "to the left of it", abs(amount))


def _side_of(case: Case) -> Found | str:
    a, b = case.parts
    amount = case.look.right(a, b)
    if (case.look.middle(a)[0] > case.look.middle(b)[0]) != (amount > 0):
        return "is asked although what is seen of both is the other way round"
    return _sided(case, amount)


def _front_of(case: Case) -> Found | str:
    a, b = case.parts
    look = case.look
    depth = (look.before[a, 2] - look.before[b, 2]) / OBJECT_RADIUS
    over_ground = ((look.ground(a) - look.ground(b)) * look.heading.conjugate()).real
    by_distance = math.hypot(*look.before[a]) - math.hypot(*look.before[b])
    if len({value > 0 for value in (depth, over_ground, by_distance)}) != 1:
        return "is asked although depth, distance and the ground say different things"
    return case.found("behind it" if depth > 0 else "in front of it", abs(depth) / BEFORE)


def _closer(case: Case) -> Found | str:
    amount = case.look.farther(*case.parts)
    return case.found(case.names[1 if amount > 0 else 0], abs(amount))


def _taller(case: Case) -> Found | str:
    heights = [case.scene.parts[part].size[2] for part in case.parts]
    name = case.names[heights.index(max(heights))]
    return case.found(name, math.log(max(heights) / min(heights)) / math.log(TALLER))


def _count(case: Case) -> Found | str:
    relations = RELATION.findall(case.words)
    if len(relations) != 1:
        return f"tells {len(relations)} relations"
    side = "".join(relations[0])
    look, (a,) = case.look, case.parts
    others = [i for i in look.present if i != a and look.seen[i].visible_fraction > UNSEEN]
    if not all(look.seen[i].referable for i in others):
        return "counts objects that are neither seen nor hidden"
    amounts = [look.right(i, a) if side in ("left", "right") else look.farther(i, a) for i in others]
    if len(amounts) < 2:
        return "counts fewer than two objects"
    if min(map(abs, amounts)) == 0:
        return "counts an object in the grey band"
    number = sum((amount > 0) == (side in ("right", "farther")) for amount in amounts)
    words = ("zero", "one", "two", "three", "four", "five", "six")[number]
    return case.found(words, min(9.0, *map(abs, amounts)))


def _nearer_to(case: Case) -> Found | str:
    a, b, c = case.parts
    lengths = [abs(case.look.ground(part) - case.look.ground(c)) for part in (a, b)]
    reach = [sum(case.scene.parts[part].size[:2]) / 4 for part in (a, b)]
    if (lengths[0] - reach[0] > lengths[1] - reach[1]) != (lengths[0] > lengths[1]):
        return "is asked although middles and sides are in another order"
    margin = abs(math.log(lengths[0] / lengths[1])) / math.log(NEARER)
    return case.found(case.names[lengths.index(min(lengths))], margin)


def _quarter(angle_deg: float) -> tuple[int, float]:
    quarter = round(angle_deg / 90)
    return quarter % 4, abs(angle_deg - 90 * quarter)


def _faces(case: Case) -> Found | str:
    front = case.look.front(case.parts[0])
    if front is None:
        return "is asked of an object whose front is unknown"
    by_camera = _quarter(clockwise_deg(case.look.heading, front))
    by_sight = _quarter(clockwise_deg(case.look.ground(case.parts[0]) - case.look.eye, front))
    if by_camera[0] != by_sight[0]:
        return "is asked although the camera's direction and that towards the object say different things"
    words = ("away from the camera", "to the right", "towards the camera", "to the left")[by_camera[0]]
    return case.found(words, (HALF_DEG - max(by_camera[1], by_sight[1])) / AXIS_DEG)


def _facing(case: Case) -> Found | str:
    one, two = (case.look.front(part) for part in case.parts)
    if one is None or two is None:
        return "is asked of objects whose fronts are unknown"
    quarter, off = _quarter(clockwise_deg(one, two))
    words = (
        "the same way",
        "a quarter turn to the right of that",
        "the opposite way",
        "a quarter turn to the left of that",
    )
    return case.found(words[quarter], (HALF_DEG - off) / AXIS_DEG)


def _stands(case: Case) -> float:
    """Degrees to the right from the second object to the third, for who stands at the first."""
    a, b, c = (case.look.ground(part) for part in case.parts)
    return clockwise_deg(b - a, c - a)


def _perspective(case: Case) -> Found | str:
    turn = _stands(case)
    words = f"{'ahead' if abs(turn) <= 90 else 'behind'} on the {'right' if turn > 0 else 'left'}"
    return case.found(words, min(abs(turn), 180 - abs(turn), abs(90 - abs(turn))) / EDGE_DEG)


def _turn_to_face(case: Case) -> Found | str:
    turn = _stands(case)
    angle = min((45, 90, 135), key=lambda one: abs(abs(turn) - one))
    words = f"about {angle} degrees to the {'right' if turn > 0 else 'left'}"
    return case.found(words, (TURN_HALF_DEG - abs(abs(turn) - angle)) / TURN_DEG)


def _imagined(look: Look, a: int, b: int) -> float:
    amount = look.right(a, b)
    clear = abs(look.before[a, 0] - look.before[b, 0]) / (CLEAR * OBJECT_RADIUS)
    return math.copysign(min(abs(amount), clear), amount)


def _side_after(case: Case) -> Found | str:
    look = case.after()
    return (
        "does not say where the camera goes" if look is None else _sided(case, _imagined(look, *case.parts))
    )


def _closer_after(case: Case) -> Found | str:
    look = case.after()
    if look is None:
        return "does not say where the camera goes"
    amount = look.farther(*case.parts)
    return case.found(case.names[1 if amount > 0 else 0], abs(amount))


def _hops(case: Case) -> Found | str:
    look, now = case.after(), case.look
    if look is None:
        return "does not say where the camera goes"
    a, b = case.parts
    ranked = sorted((abs(now.ground(i) - now.ground(a)), i) for i in now.present if i != a)
    if len(ranked) < 2 or ranked[0][1] == b or not now.seen[ranked[0][1]].referable:
        return "has no other object that is seen to be the nearest"
    amount, ratio = _imagined(look, ranked[0][1], b), math.log(ranked[1][0] / ranked[0][0]) / math.log(NEARER)
    return _sided(case, math.copysign(min(abs(amount), ratio), amount))


def _hides(case: Case) -> Found | str:
    a, b = case.parts
    seen = {part: case.look.seen[part] for part in (a, b)}
    shares = {part: one.visible_fraction for part, one in seen.items()}
    if min(shares.values()) >= WHOLE:
        return case.found(
            "neither hides a part of the other", 1 + (min(shares.values()) - WHOLE) / (1 - WHOLE)
        )
    for near, far in ((a, b), (b, a)):
        if seen[far].hidden_by == [near] and shares[far] <= HIDDEN and far not in seen[near].hidden_by:
            if case.look.before[near, 2] - _depth_reach(case, near) > case.look.before[far, 2] + _depth_reach(
                case, far
            ):
                return "says that an object hides one that is closer in whole"
            one, other = (case.scene.parts[part].name for part in (near, far))
            return case.found(f"{one} hides a part of {other}", 1 + (HIDDEN - shares[far]) / HIDDEN)
    return "is asked although neither is clear: one hides the other, or neither is hidden"


def _depth_reach(case: Case, part: int) -> float:
    """From the middle of an object to its furthest corner."""
    return math.hypot(*case.scene.parts[part].size) / 2


# --- two pictures ------------------------------------------------------------------------------------


def _camera(sample: Sample) -> tuple[bool, float] | None:
    moved = measure(sample.views[0], sample.views[1], None)
    went = math.dist(*([row[3] for row in view.world_from_camera[:3]] for view in sample.views[:2]))
    if went <= STILL and moved.rotation_deg <= STILL_DEG and abs(moved.focal_ratio - 1) <= 0.01:
        return False, 2 - max(went / STILL, moved.rotation_deg / STILL_DEG)
    margin = max(went / GONE, moved.rotation_deg / GONE_DEG)
    return (True, margin) if margin >= 1 else None


class Event(NamedTuple):
    """How the two states of a scene differ, by the places of its objects."""

    part: int
    kind: str
    margin: float


def _event(scene: Scene) -> Event | str | None:
    events = []
    for number, part in enumerate(scene.parts):
        if len(part.present) < 2 or len(part.world_from_object) < 2:
            continue
        one, two = (np.array(pose) for pose in part.world_from_object[:2])
        length = math.dist(one[:3, 3], two[:3, 3]) / OBJECT_RADIUS
        turn = abs(clockwise_deg(complex(one[0, 0], one[1, 0]), complex(two[0, 0], two[1, 0])))
        if part.present[0] != part.present[1]:
            events.append(Event(number, "appeared" if part.present[1] else "vanished", 2.0))
        elif length > 1e-6:
            events.append(Event(number, "moved", length / MOVED))
        elif turn > 1e-4:
            events.append(Event(number, "turned", turn / TURNED_DEG))
    if len(events) > 1:
        return f"has {len(events)} objects that changed"
    return events[0] if events else None


def _what_moved(sample: Sample, scene: Scene, question: Question) -> Found | str:
    camera, event = _camera(sample), _event(scene)
    if isinstance(event, str):
        return event
    if camera is None:
        return "is asked although it is unclear whether the camera moved"
    if event is None:
        least = max(sample.decidability.translation, sample.decidability.rotation)
        return Found(Label("only the camera" if camera[0] else "nothing at all", camera[1]), least, ())
    margin = min(camera[1], event.margin)
    if event.kind != "moved" or margin < 1 or scene.change is None:
        return f"is asked although an object {event.kind}, with margin {margin:.2f}"
    if not all(view.parts[event.part].referable for view in scene.views[:2]):
        return "is asked although the object that moved is not seen in both pictures"
    words = "the camera and one object" if camera[0] else "only one object"
    return Found(Label(words, margin), scene.change.difference, ())


def _changed_object(sample: Sample, scene: Scene, question: Question) -> Found | str:
    event = _event(scene)
    told = [kind for words, kind in CHANGES.items() if words in question.prompt.split("\n")[0]]
    if not isinstance(event, Event) or scene.change is None or told != [event.kind]:
        return f"asks what {told}, and the scene has {event}"
    if event.part not in question.parts or event.margin < 1:
        return f"asks of {question.parts}; what changed is {event}"
    return Found(Label(scene.parts[event.part].name, event.margin), scene.change.difference, ())


def _seen_in(sample: Sample, scene: Scene, question: Question) -> Found | str:
    shares = [view.parts[question.parts[0]].visible_fraction for view in scene.views[:2]]
    margin = min(max(shares) / SHOWN, 2 - min(shares) / NOT_SHOWN)
    if margin < 1:
        return f"is asked although {shares[0]:.2f} and {shares[1]:.2f} of it can be seen"
    return Found(Label(f"image {shares.index(max(shares)) + 1}", margin), max(shares) - min(shares), ())


OF_ONE: dict[str, tuple[Callable[[Case], Found | str], int]] = {
    "side_of/camera": (_side_of, 2),
    "front_of/camera": (_front_of, 2),
    "closer/camera": (_closer, 2),
    "taller/scene": (_taller, 2),
    "count/camera": (_count, 1),
    "nearer_to/scene": (_nearer_to, 3),
    "faces/camera": (_faces, 1),
    "facing/objects": (_facing, 2),
    "perspective/object": (_perspective, 3),
    "turn_to_face/object": (_turn_to_face, 3),
    "side_after/camera": (_side_after, 2),
    "closer_after/camera": (_closer_after, 2),
    "hops/camera": (_hops, 2),
    "hides/camera": (_hides, 2),
}
OF_TWO: dict[str, tuple[Callable[[Sample, Scene, Question], Found | str], int]] = {
    "what_moved/scene": (_what_moved, 0),
    "changed_object/scene": (_changed_object, 3),
    "seen_in/images": (_seen_in, 1),
}
KINDS = {*OF_ONE, *OF_TWO}


def solve(sample: Sample, question: Question, gates: GateConfig) -> Found | str:
    """The right answer of a question about a scene, or why it must not be asked.

    Raises:
        KeyError: there is no second implementation of this kind.
    """
    kind, scene = f"{question.type}/{question.frame}", sample.scene
    if scene is None:
        return "is asked of a single object"
    count = (OF_TWO.get(kind) or OF_ONE[kind])[1]
    parts = question.parts
    if (
        len(parts) != count
        or len({*parts}) != count
        or not all(0 <= part < len(scene.parts) for part in parts)
    ):
        return f"speaks of the objects {parts}; expected {count} different ones"
    if question.mirrored or question.map_cameras or not all(mark.letter for mark in question.marks):
        return "has a figure that its kind does not draw"
    if len({*question.options}) != len(question.options):
        return "has two options that say the same"
    if kind in OF_TWO:
        if question.images != [0, 1] or len(sample.views) != 2:
            return f"shows views {question.images}"
        return OF_TWO[kind][0](sample, scene, question)
    if len(question.images) != 1 or not 0 <= question.images[0] < len(sample.views):
        return f"shows views {question.images}"
    look = Look(sample, scene, question.images[0])
    return OF_ONE[kind][0](Case(sample, scene, question, look, question.prompt.split("\n")[0]))


# --- what a question speaks of -----------------------------------------------------------------------


def reference_problems(sample: Sample, question: Question, gates: GateConfig) -> Iterator[str]:
    """Names that fit two objects, or none that is to be seen; letters that are not drawn, or that tell what is gone."""
    scene = sample.scene
    if scene is None or any(not 0 <= part < len(scene.parts) for part in question.parts):
        yield "speaks of objects that are not there"
        return
    said = " ".join([question.prompt, *question.options]).lower()
    event = _event(scene)
    unequal = set[int]()  # of two pictures, the one without the object that appeared or vanished
    if isinstance(event, Event) and len(question.images) > 1:
        states = {place: scene.views[view].state for place, view in enumerate(question.images)}
        unequal = {place for place, state in states.items() if not scene.parts[event.part].present[state]}
    for place in sorted(unequal & {mark.image for mark in question.marks}):
        yield f"has letters on image {place + 1}, and the one that lacks there tells which object is gone"
    for number in question.parts:
        part = scene.parts[number]
        if part.name.lower() not in said:
            yield f"never says {part.name!r}"
        if fits := [other for i, other in enumerate(scene.parts) if i != number and _fits(scene, number, i)]:
            yield f"says {part.name!r}, which {len(fits) + 1} objects are"
        shown = [(place, scene.views[view].parts[number]) for place, view in enumerate(question.images)]
        if not _is_told(sample, question, number, [seen for _, seen in shown], gates):
            yield f"speaks of {part.name}, of which too little can be seen"
        if part.named_by == "letter":
            for place, seen in shown:
                if (
                    place not in unequal
                    and _clear(sample, seen, gates)
                    and not _has_letter(question, place, part.letter, seen)
                ):
                    yield f"says {part.name!r}, and image {place + 1} has no such letter on it"


def _fits(scene: Scene, number: int, other: int) -> bool:
    """Whether the name of an object is good for another one too."""
    mine, theirs = scene.parts[number], scene.parts[other]
    if mine.name == theirs.name:
        return True
    if mine.named_by == "letter" or not mine.noun or mine.noun != theirs.noun:
        return False
    return mine.named_by == "noun" or mine.colour == theirs.colour


def _clear(sample: Sample, seen: PartSeen, gates: GateConfig) -> bool:
    """Whether an object can be told in a picture, by the run's own gates."""
    side = 2 * sample.views[0].intrinsics[0][2]
    enough = seen.pixels >= gates.min_part_pixels * (side / PIXELS_OF) ** 2 - 0.5
    share = seen.pixels / seen.solo_pixels if seen.solo_pixels else 0.0
    return enough and share >= gates.min_part_visible - 1e-6 and not seen.cut and seen.box is not None


def _is_told(
    sample: Sample, question: Question, number: int, shown: Sequence[PartSeen], gates: GateConfig
) -> bool:
    clear = [_clear(sample, seen, gates) for seen in shown]
    change = sample.scene.change if sample.scene else None
    gone = change is not None and change.part == number and change.kind in ("appeared", "vanished")
    return any(clear) if question.type == "seen_in" or gone else all(clear)


def _has_letter(question: Question, place: int, letter: str, seen: PartSeen) -> bool:
    box = seen.box or seen.full_box
    return any(
        mark.image == place
        and mark.letter == letter
        and box[0] - LETTER_PX <= mark.x <= box[2] + LETTER_PX
        and box[1] - LETTER_PX <= mark.y <= box[3] + LETTER_PX
        for mark in question.marks
    )
