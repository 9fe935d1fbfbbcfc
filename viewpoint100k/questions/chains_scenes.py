"""Chains of thought for questions about scenes: places, distances and directions of their objects, then what follows.

As in `chains`: facts that can be told, plans that order them, one sentence each, and a chain only where what
is said makes the right answer. Directions are degrees clockwise, seen from above, from where the camera
looks; distances are tenths of the scene's radius. `verifier_scenes` reads the sentences back.

Three of the ways in which a scene changes have no chain: what appeared, vanished or was turned is seen, not
worked out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from viewpoint100k.questions.chains import MAX_WORDS, Statement
from viewpoint100k.questions.kinds import Figure, Known, phrase_in
from viewpoint100k.questions.scene_shots import MOVES, Shot
from viewpoint100k.questions.tier_c import COUNTS, RELATIONS, TURNS_DEG, nearest_to
from viewpoint100k.questions.tier_c_pairs import CHANGES
from viewpoint100k.records import Scene

AT_REST = 1  # percent of the picture, of what a camera that stands still sees at the same place
FAR_ENOUGH = 10  # percent of the picture between two places, degrees between two directions
SURE_DEG = 15  # from the line between left and right, or before and behind
APART, MOVED = 1, 2  # tenths of the scene's radius: between two distances, and of one that changed
LEAST_RATIO = 1.1  # of what a product of two rounded ratios comes to

Facts = dict[str, Statement]


class Told(NamedTuple):
    """What a chain is about."""

    scene: Scene
    shots: Sequence[Shot]  # of the pictures that the question shows
    figure: Figure
    move_deg: int
    relation: str
    change: str

    def name(self, part: int) -> str:
        return self.scene.parts[part].name


def _tens(value: float) -> int:
    return 10 * int(np.floor(value / 10 + 0.5))


def _angle(value_deg: float) -> int:
    return _tens(value_deg) % 360


def _tenths(length: float) -> int:
    return int(np.floor(10 * length + 0.5))


# --- facts ------------------------------------------------------------------------------------------


def _fact(name: str, *args: str | int) -> Facts:
    return {name: Statement(name, args, 0.0, 1.0)}


def _bearing(told: Told, key: str, start: int, end: int) -> Facts:
    shot = told.shots[0]
    return _fact(key, told.name(start), told.name(end), _angle(shot.from_to_deg(start, end)))


def _turned(told: Told, bearing: Facts) -> Facts:
    """The bearing after the move: a camera that goes to its right turns counter-clockwise by as much."""
    ((start, end, angle),) = (one.args for one in bearing.values())
    return _fact("turned", start, end, (int(angle) + told.move_deg) % 360) if told.move_deg else {}


def _places(told: Told) -> Facts:
    """Where both objects are in the picture, from the left."""
    shot, (a, b) = told.shots[0], told.figure.parts
    at = [_tens(100 * shot.pixels[part, 0] / shot.width) for part in (a, b)]
    return _fact("across", told.name(a), at[0], told.name(b), at[1])


def _stands(told: Told) -> Facts:
    """Where both objects touch the floor in the picture, from the top."""
    shot, (a, b) = told.shots[0], told.figure.parts
    at = [_tens(100 * shot.seen[part].base_pixel[1] / shot.height) for part in (a, b)]
    return _fact("stands", told.name(a), at[0], told.name(b), at[1])


def _ratio(value: float) -> tuple[int, int]:
    """A ratio above 1 to tenths, as whole and tenths."""
    tenths = int(np.floor(10 * value + 0.5))
    return tenths // 10, tenths % 10


def _compared(told: Told, key: str, values: Sequence[float]) -> Facts:
    """Which of both objects has more of something, and how many times as much."""
    parts = list(told.figure.parts[:2])
    if values[1] > values[0]:
        parts, values = parts[::-1], list(values)[::-1]
    whole, tenths = _ratio(values[0] / values[1])
    if (whole, tenths) == (1, 0):
        return _fact(key, told.name(parts[0]), told.name(parts[1]))
    return _fact(key, told.name(parts[0]), told.name(parts[1]), whole, tenths)


def _taller(told: Told) -> Facts:
    shot = told.shots[0]
    looks = _compared(told, "looks", [shot.upright_px(part) for part in told.figure.parts])
    return looks | _compared(told, "farther", [shot.own[part, 2] for part in told.figure.parts])


def _each(told: Told) -> Facts:
    """On which side of one object each of the others is."""
    shot, (a,) = told.shots[0], told.figure.parts
    sideways = RELATIONS.index(told.relation) < 2
    words: list[str | int] = [told.name(a)]
    for other in (i for i in shot.referable if i != a):
        more = int(shot.own[other, 0] > shot.own[a, 0] if sideways else shot.own[other, 2] > shot.own[a, 2])
        words += [told.name(other), ("left", "right")[more] if sideways else ("closer", "farther")[more]]
    return _fact("each", *words)


def _apart(told: Told, start: int, others: Sequence[int]) -> Facts:
    shot = told.shots[0]
    items = [word for other in others for word in (told.name(other), _tenths(shot.apart(start, other)))]
    return _fact("apart", told.name(start), *items)


def _nearer(told: Told) -> Facts:
    a, b, c = told.figure.parts
    return _apart(told, c, (a, b))


def _front(told: Told, key: str, part: int) -> Facts:
    front = told.shots[0].front_deg(part)
    return _fact(key, told.name(part), _angle(front)) if front is not None else {}


def _differ(first: Facts, second: Facts) -> Facts:
    """How far the second of two directions is turned from the first."""
    angles = [int(one.args[-1]) for facts in (first, second) for one in facts.values()]
    if len(angles) != 2:
        return {}
    turn = 180 - (180 - angles[1] + angles[0]) % 360
    way = "clockwise" if turn > 0 else "counter-clockwise"
    return _fact("differ", abs(turn), way) if turn else _fact("differ", 0, "clockwise")


def _facing(told: Told) -> Facts:
    a, b = told.figure.parts
    one, two = _front(told, "front_a", a), _front(told, "front_b", b)
    return one | two | _differ(one, two)


def _standing(told: Told) -> Facts:
    a, b, c = told.figure.parts
    one, two = _bearing(told, "bearing_b", a, b), _bearing(told, "bearing_c", a, c)
    return one | two | _differ(one, two)


def _between(told: Told) -> Facts:
    a, b = told.figure.parts
    found = _bearing(told, "bearing", b, a)
    return found | _turned(told, found)


def _hops(told: Told) -> Facts:
    a, b = told.figure.parts
    shot = told.shots[0]
    near = nearest_to(shot, a)
    if near is None:
        return {}
    others = [i for i in shot.present if i != a]
    found = _bearing(told, "bearing", b, near[0])
    return _apart(told, a, others) | found | _turned(told, found)


def _hides(told: Told) -> Facts:
    shot, (a, b) = told.shots[0], told.figure.parts
    one, two = shot.seen[a].full_box, shot.seen[b].full_box
    meet = all(min(one[i + 2], two[i + 2]) > max(one[i], two[i]) for i in (0, 1))
    hidden = [part for part, other in ((a, b), (b, a)) if other in shot.seen[part].hidden_by]
    depths = [float(shot.own[part, 2]) for part in (a, b)]
    farther = a if depths[0] > depths[1] else b
    if hidden != ([farther] if meet else []):
        return {}  # boxes meet where shapes do not, or a near part of what is farther hides the other
    return _fact("meet" if meet else "clear", told.name(a), told.name(b)) | _compared(told, "farther", depths)


def _others(told: Told) -> list[int]:
    """Objects that both pictures show and that stayed, by how well they can be seen."""
    change = told.scene.change
    both = [
        i
        for i in told.shots[0].referable
        if i in told.shots[1].referable and (change is None or i != change.part)
    ]
    return sorted(both, key=lambda i: -min(shot.seen[i].visible_fraction for shot in told.shots))


def _layout(told: Told) -> Facts:
    """Whether the objects stand as before, and whether one that did is elsewhere in the picture."""
    others, change = _others(told), told.scene.change
    if not others or len(told.shots) != 2:
        return {}
    found = _fact("all_stay") if change is None else _fact("one_moves", told.name(change.part))
    shares = [100 * shot.pixels / [shot.width, shot.height] for shot in told.shots]
    part = max(others, key=lambda i: float(np.abs(shares[1][i] - shares[0][i]).max()))
    at = [[_tens(x) for x in share[part]] for share in shares]
    if (at[0] == at[1]) != (np.abs(shares[1][part] - shares[0][part]).max() < AT_REST):
        return {}
    return found | _fact("goes", told.name(part), *at[0], *at[1])


def _changed(told: Told) -> Facts:
    """Distances among three objects in both pictures; one that moved is no longer as far from the others."""
    change = told.scene.change
    if change is None or told.change != "moved":
        return {}
    first, second = (part for part in told.figure.parts if part != change.part)
    out = _fact("kept", told.name(first), told.name(second), _tenths(told.shots[0].apart(first, second)))
    for number, other in enumerate((first, second)):
        before, after = (_tenths(shot.apart(change.part, other)) for shot in told.shots)
        if abs(before - after) >= MOVED:
            key = f"differs_{number}"
            out |= {key: Statement(key, (told.name(change.part), told.name(other), before, after), 0.0, 1.0)}
    return out


def _seen_in(told: Told) -> Facts:
    part = told.figure.parts[0]
    return _fact(
        "share", told.name(part), *(_tens(100 * shot.seen[part].visible_fraction) for shot in told.shots)
    )


FACTS: dict[str, Callable[[Told], Facts]] = {
    "side_of/camera": lambda told: _places(told) | _between(told),
    "front_of/camera": lambda told: _stands(told) | _between(told),
    "closer/camera": lambda told: _stands(told) | _between(told),
    "taller/scene": _taller,
    "count/camera": _each,
    "nearer_to/scene": _nearer,
    "faces/camera": lambda told: _front(told, "front_a", told.figure.parts[0]),
    "facing/objects": _facing,
    "perspective/object": _standing,
    "turn_to_face/object": _standing,
    "side_after/camera": _between,
    "closer_after/camera": _between,
    "hops/camera": _hops,
    "hides/camera": _hides,
    "what_moved/scene": _layout,
    "changed_object/scene": _changed,
    "seen_in/images": _seen_in,
}


# --- sentences ----------------------------------------------------------------------------------------

_BEARING = (
    "Seen from above and counted clockwise from where the camera looks, the way from {0} to {1} points to about {2} degrees",
    "With the camera's direction as 0 degrees, clockwise from above, from {0} to {1} it goes to about {2} degrees",
)
_FRONT = (
    "Seen from above and counted clockwise from where the camera looks, the front of {0} points to about {1} degrees",
    "With the camera's direction as 0 degrees, clockwise from above, {0} faces about {1} degrees",
)
_DIFFERS = (
    "{0} and {1} are about {2} tenths of the scene's radius apart in image 1 and about {3} in image 2",
    "Between {0} and {1} it is about {2} tenths of the scene's radius in image 1, in image 2 about {3}",
)
PHRASES: dict[str, tuple[str, ...]] = {
    "bearing": _BEARING,
    "bearing_b": _BEARING,
    "bearing_c": _BEARING,
    "turned": (
        "For the camera after its move, the way from {0} to {1} points to about {2} degrees",
        "Once the camera has gone there, from {0} to {1} it goes to about {2} degrees",
    ),
    "front_a": _FRONT,
    "front_b": _FRONT,
    "differ": (
        "From the first of these directions to the second it is about {0} degrees {1}",
        "The second direction is turned from the first by about {0} degrees {1}",
    ),
    "across": (
        "{0} is at about {1} percent of the picture's width from the left, {2} at about {3}",
        "Counted from the left edge, {0} is at about {1} percent of the width and {2} at about {3}",
    ),
    "stands": (
        "{0} stands on the floor at about {1} percent of the picture's height from the top, {2} at about {3}",
        "Counted from the top, the foot of {0} is at about {1} percent of the height and that of {2} at about {3}",
    ),
    "looks": (
        "In the picture {0} looks about {2}.{3} times as tall as {1}",
        "On the image {0} spans about {2}.{3} times the height of {1}",
    ),
    "looks_same": (
        "In the picture {0} looks about as tall as {1}",
        "On the image {0} spans about the height of {1}",
    ),
    "farther": (
        "{0} is about {2}.{3} times as far from the camera as {1}",
        "The camera is about {2}.{3} times as far from {0} as from {1}",
    ),
    "farther_same": (
        "{0} is about as far from the camera as {1}",
        "The camera is about as far from {0} as from {1}",
    ),
    "meet": ("In the picture the outlines of {0} and {1} meet", "{0} and {1} overlap in the picture"),
    "clear": (
        "In the picture the outlines of {0} and {1} do not meet",
        "{0} and {1} do not overlap in the picture",
    ),
    "all_stay": (
        "Relative to one another, all objects stand as before",
        "The distances among the objects are the same in both images",
    ),
    "one_moves": (
        "Relative to one another, all objects stand as before but for {0}",
        "The distances among the objects are the same in both images except those to {0}",
    ),
    "goes": (
        "{0} is at about {1} percent of the width and {2} percent of the height of image 1, and at about {3} and {4} in image 2",
        "From left and top, {0} is at about {1} and {2} percent of image 1 and at about {3} and {4} percent of image 2",
    ),
    "kept": (
        "{0} and {1} are about {2} tenths of the scene's radius apart in both images",
        "In both images it is about {2} tenths of the scene's radius between {0} and {1}",
    ),
    "differs_0": _DIFFERS,
    "differs_1": _DIFFERS,
    "share": (
        "In image 1 about {1} percent of {0} can be seen past the other objects, in image 2 about {2} percent",
        "Of {0}, image 1 shows about {1} percent past what stands before it, and image 2 about {2} percent",
    ),
}
PREMISES: dict[str, tuple[str, ...]] = {
    "right_half": (
        "Between 0 and 180 degrees is to the right, between 180 and 360 to the left",
        "What points below 180 degrees goes to the right, above it to the left",
    ),
    "near_half": (
        "Between 90 and 270 degrees is towards the camera, the rest away from it",
        "What points between 90 and 270 degrees comes closer to the camera",
    ),
    "quarters": (
        "0 degrees is away from the camera, 90 to the right, 180 towards it and 270 to the left",
        "Away from the camera is 0 degrees, right is 90, towards it 180 and left 270",
    ),
    "lower_closer": (
        "On a level floor, what stands lower in the picture is closer to the camera",
        "The camera looks down at the floor, so what stands on it lower in the picture is closer",
    ),
    "product": (
        "How tall something is goes with how tall it looks times how far away it is",
        "Things look smaller in proportion to their distance",
    ),
    "goes_around": (
        "Going around to the right turns the camera counter-clockwise, to the left clockwise",
        "A camera that goes around a scene turns the opposite way, and directions count from where it then looks",
    ),
    "clockwise_right": (
        "Clockwise is a turn to the right",
        "A clockwise turn goes to one's right, less than 90 degrees is ahead and more is behind",
    ),
    "nearer_hides": (
        "Where two outlines meet, what is closer hides the other",
        "The closer one of two hides the other where they overlap, and neither does where they do not",
    ),
    "frame": (
        "What stayed on the floor and went elsewhere in the picture shows that the camera moved",
        "A camera at rest shows what stays at the same place of the picture",
    ),
}
Plan = tuple[str, ...]  # facts; `=` is a sentence of `PREMISES`, `*` a fact that may be lacking
PLANS: dict[str, tuple[Plan, ...]] = {
    "side_of/camera": (("across",), ("bearing", "=right_half"), ("=right_half", "bearing", "across")),
    "front_of/camera": (
        ("stands", "=lower_closer"),
        ("bearing", "=near_half"),
        ("=near_half", "bearing", "stands"),
    ),
    "closer/camera": (
        ("stands", "=lower_closer"),
        ("bearing", "=near_half"),
        ("=lower_closer", "bearing", "stands"),
    ),
    "taller/scene": (
        ("looks", "farther", "=product"),
        ("=product", "farther", "looks"),
        ("=product", "looks", "farther"),
    ),
    "count/camera": (("each",),),
    "nearer_to/scene": (("apart",),),
    "faces/camera": (("front_a", "=quarters"), ("=quarters", "front_a")),
    "facing/objects": (
        ("front_a", "front_b", "differ"),
        ("=clockwise_right", "front_a", "front_b", "differ"),
        ("front_a", "front_b", "differ", "=clockwise_right"),
    ),
    "perspective/object": (
        ("bearing_b", "bearing_c", "differ", "=clockwise_right"),
        ("=clockwise_right", "bearing_b", "bearing_c", "differ"),
        ("bearing_b", "bearing_c", "differ"),
    ),
    "turn_to_face/object": (
        ("bearing_b", "bearing_c", "differ", "=clockwise_right"),
        ("=clockwise_right", "bearing_b", "bearing_c", "differ"),
        ("bearing_b", "bearing_c", "differ"),
    ),
    "side_after/camera": (
        ("bearing", "=goes_around", "turned", "=right_half"),
        ("=goes_around", "bearing", "turned", "=right_half"),
        ("bearing", "turned", "=right_half"),
    ),
    "closer_after/camera": (
        ("bearing", "=goes_around", "turned", "=near_half"),
        ("=goes_around", "bearing", "turned", "=near_half"),
        ("bearing", "turned", "=near_half"),
    ),
    "hops/camera": (
        ("apart", "bearing", "*turned", "=right_half"),
        ("=right_half", "apart", "bearing", "*turned"),
        ("bearing", "*turned", "apart", "=right_half"),
    ),
    "hides/camera": (
        ("meet", "farther", "=nearer_hides"),
        ("=nearer_hides", "meet", "farther"),
        ("clear", "=nearer_hides"),
        ("farther", "clear"),
    ),
    "what_moved/scene": (
        ("*all_stay", "*one_moves", "goes", "=frame"),
        ("=frame", "goes", "*all_stay", "*one_moves"),
        ("=frame", "*all_stay", "*one_moves", "goes"),
    ),
    "changed_object/scene": (("kept", "*differs_0", "*differs_1"), ("*differs_0", "*differs_1", "kept")),
    "seen_in/images": (("share",),),
}
SIDES = {
    "left": "to the left",
    "right": "to the right",
    "closer": "closer to the camera",
    "farther": "farther away",
}
LISTS: dict[str, tuple[tuple[str, str], ...]] = {
    "each": (("Compared with {0}, ", "{0} is {1}"), ("Starting from {0}: ", "{0} is {1}")),
    "apart": (
        ("Over the floor, in tenths of the scene's radius, from {0} it is ", "about {1} to {0}"),
        ("On a floor plan, counted in tenths of the scene's radius, {0} has ", "{0} at about {1}"),
    ),
}


def _sentence(said: Statement, rng: np.random.Generator) -> str:
    number = int(rng.integers(2))
    if said.predicate in LISTS:
        head, item = LISTS[said.predicate][number]
        pairs = zip(said.args[1::2], said.args[2::2], strict=True)
        items = [item.format(one, SIDES.get(str(other), other)) for one, other in pairs]
        text = head.format(said.args[0]) + ", ".join(items)
    else:
        same = said.predicate in ("looks", "farther") and len(said.args) == 2
        text = PHRASES[said.predicate + "_same" * same][number].format(*said.args)
    return text[0].upper() + text[1:]


# --- what follows -----------------------------------------------------------------------------------


def _of_half(told: Told, angle: int, low: str, high: str, from_deg: int) -> str:
    """The answer for a direction in the half circle that begins there, or in the other one; "" near the line between them."""
    within = (angle - from_deg) % 360
    if min(within % 180, 180 - within % 180) < SURE_DEG:
        return ""
    return high if within < 180 else low


def _pair_of(one: Statement) -> tuple[int, int]:
    return int(one.args[1]), int(one.args[3])


def _side(told: Told, facts: Facts) -> set[str]:
    out = set()
    if "across" in facts:
        a, b = _pair_of(facts["across"])
        out.add("" if abs(a - b) < FAR_ENOUGH else "to the left of it" if a < b else "to the right of it")
    final = facts.get("turned", facts.get("bearing"))
    if final is not None and not (told.move_deg and "turned" not in facts):
        out.add(_of_half(told, int(final.args[2]), "to the left of it", "to the right of it", 0))
    return out


def _depth(told: Told, facts: Facts, near: str, far: str) -> set[str]:
    """For the first object: nearer or farther than the second."""
    out = set()
    if "stands" in facts:
        a, b = _pair_of(facts["stands"])
        out.add("" if abs(a - b) < FAR_ENOUGH else near if a > b else far)
    final = facts.get("turned", facts.get("bearing"))
    if final is not None and not (told.move_deg and "turned" not in facts):
        out.add(_of_half(told, int(final.args[2]), far, near, 90))
    return out


def _closer_one(told: Told, facts: Facts) -> set[str]:
    return _depth(told, facts, *(told.name(part) for part in told.figure.parts))


def _times(said: Statement) -> float:
    return int(said.args[2]) + int(said.args[3]) / 10 if len(said.args) == 4 else 1.0


def _taller_one(told: Told, facts: Facts) -> set[str]:
    if not {"looks", "farther"} <= facts.keys():
        return set()
    first = str(facts["looks"].args[0])
    ratio = _times(facts["looks"]) * _times(facts["farther"]) ** (
        1 if facts["farther"].args[0] == first else -1
    )
    if max(ratio, 1 / ratio) < LEAST_RATIO:
        return {""}
    return {first if ratio > 1 else str(facts["looks"].args[1])}


def _number(told: Told, facts: Facts) -> set[str]:
    side = ("left", "right", "closer", "farther")[RELATIONS.index(told.relation)]
    number = facts["each"].args[2::2].count(side) if "each" in facts else len(COUNTS)
    return {COUNTS[number]} if number < len(COUNTS) else set()


def _least(facts: Facts) -> str:
    """The object to which it is the shortest, if that is clear."""
    if "apart" not in facts:
        return ""
    args = facts["apart"].args
    ranked = sorted((int(length), str(name)) for name, length in zip(args[1::2], args[2::2], strict=True))
    return ranked[0][1] if len(ranked) > 1 and ranked[1][0] - ranked[0][0] >= APART else ""


def _faces(told: Told, facts: Facts) -> set[str]:
    if "front_a" not in facts:
        return set()
    quarter, off = divmod((int(facts["front_a"].args[1]) + 45) % 360, 90)
    names = ("away from the camera", "to the right", "towards the camera", "to the left")
    return {names[quarter] if 10 <= off <= 80 else ""}


def _turn(facts: Facts) -> int | None:
    """Degrees clockwise."""
    if "differ" not in facts:
        return None
    angle, way = facts["differ"].args
    return int(angle) if way == "clockwise" else -int(angle)


def _faces_other(told: Told, facts: Facts) -> set[str]:
    turn = _turn(facts)
    if turn is None:
        return set()
    quarter, off = divmod((turn + 45) % 360, 90)
    sides = (
        "the same way",
        "a quarter turn to the right of that",
        "the opposite way",
        "a quarter turn to the left of that",
    )
    return {sides[quarter] if 10 <= off <= 80 else ""}


def _quadrant(told: Told, facts: Facts) -> set[str]:
    turn = _turn(facts)
    if turn is None:
        return set()
    if min(abs(abs(turn) - edge) for edge in (0, 90, 180)) < FAR_ENOUGH:
        return {""}
    return {f"{'ahead' if abs(turn) < 90 else 'behind'} on the {'right' if turn > 0 else 'left'}"}


def _turn_words(told: Told, facts: Facts) -> set[str]:
    turn = _turn(facts)
    if turn is None:
        return set()
    near = [angle for angle in TURNS_DEG if abs(abs(turn) - angle) <= 20]
    return {f"about {near[0]} degrees to the {'right' if turn > 0 else 'left'}" if len(near) == 1 else ""}


def _hopped(told: Told, facts: Facts) -> set[str]:
    if not {"apart", "bearing"} <= facts.keys() or facts["bearing"].args[1] != _least(facts):
        return set()
    return _side(told, facts)


def _hider(told: Told, facts: Facts) -> set[str]:
    if "clear" in facts:
        return {"neither hides a part of the other"}
    if not {"meet", "farther"} <= facts.keys() or _times(facts["farther"]) < LEAST_RATIO:
        return set()
    far, near = facts["farther"].args[:2]
    return {f"{near} hides a part of {far}"}


def _mover(told: Told, facts: Facts) -> set[str]:
    if "goes" not in facts or not {"all_stay", "one_moves"} & facts.keys():
        return set()
    _, *at = facts["goes"].args
    went = max(abs(int(at[0]) - int(at[2])), abs(int(at[1]) - int(at[3])))
    if went and "one_moves" in facts:
        return {"the camera and one object"}
    return {"only one object" if "one_moves" in facts else "only the camera" if went else "nothing at all"}


def _changed_one(told: Told, facts: Facts) -> set[str]:
    differ = [facts[name].args[0] for name in ("differs_0", "differs_1") if name in facts]
    return {str(differ[0])} if "kept" in facts and differ else set()


def _shown_in(told: Told, facts: Facts) -> set[str]:
    if "share" not in facts:
        return set()
    one, two = (int(share) for share in facts["share"].args[1:])
    return {"image 1" if one > two else "image 2"} if abs(one - two) >= 30 else {""}


ANSWERS: dict[str, Callable[[Told, Facts], set[str]]] = {
    "side_of/camera": _side,
    "front_of/camera": lambda told, facts: _depth(told, facts, "in front of it", "behind it"),
    "closer/camera": _closer_one,
    "taller/scene": _taller_one,
    "count/camera": _number,
    "nearer_to/scene": lambda told, facts: {_least(facts)},
    "faces/camera": _faces,
    "facing/objects": _faces_other,
    "perspective/object": _quadrant,
    "turn_to_face/object": _turn_words,
    "side_after/camera": _side,
    "closer_after/camera": _closer_one,
    "hops/camera": _hopped,
    "hides/camera": _hider,
    "what_moved/scene": _mover,
    "changed_object/scene": _changed_one,
    "seen_in/images": _shown_in,
}


def write_scene_chain(
    kind_name: str, known: Known, figure: Figure, answer_text: str, rng: np.random.Generator
) -> str | None:
    """A chain of thought that ends in the right answer, or None where the facts do not clearly make it.

    Args:
        kind_name: "type/frame", of a kind about scenes.
        known: the sample.
        figure: of the question; its words may be the whole prompt.
        answer_text: the words of the right option.
        rng: chooses plan and phrases.

    Returns:
        Sentences that `verifier_scenes.verify_scene_chain` accepts, at most `MAX_WORDS` words; the conclusion
        is the last one.
    """
    if kind_name not in FACTS or known.scene is None:
        return None
    move = phrase_in(figure.words, tuple(MOVES))
    move_deg = MOVES[move] if move else 0
    told = Told(
        known.scene,
        [Shot(known, view) for view in figure.images],
        figure,
        move_deg,
        phrase_in(figure.words, RELATIONS) or "",
        CHANGES.get(phrase_in(figure.words, tuple(CHANGES)) or "", ""),
    )
    facts, plans = FACTS[kind_name](told), PLANS[kind_name]
    for number in rng.permutation(len(plans)):
        said = _said(plans[int(number)], facts)
        stated = {one.predicate: one for one in said if isinstance(one, Statement)}
        if stated and ANSWERS[kind_name](told, stated) == {answer_text}:
            sentences = [
                PREMISES[one][int(rng.integers(2))] if isinstance(one, str) else _sentence(one, rng)
                for one in said
            ]
            text = ". ".join([*sentences, f"So the answer is: {answer_text}"]) + "."
            if len(text.split()) <= MAX_WORDS and _can_be_told(known.scene, figure, stated):
                return text
    return None


def _can_be_told(scene: Scene, figure: Figure, stated: Facts) -> bool:
    """Whether all objects that have no name but a letter have it drawn, of those that are spoken of."""
    drawn = {mark.letter for mark in figure.marks}
    spoken_of = {arg for one in stated.values() for arg in one.args}
    return all(p.letter in drawn for p in scene.parts if p.named_by == "letter" and p.name in spoken_of)


def _said(plan: Plan, facts: Mapping[str, Statement]) -> list[Statement | str]:
    """What a plan says of these facts, in order; empty where one is lacking that must be said."""
    out: list[Statement | str] = []
    for step in plan:
        name = step.lstrip("=*")
        if step.startswith("="):
            out.append(name)
        elif name in facts:
            out.append(facts[name])
        elif not step.startswith("*"):
            return []
    return out
