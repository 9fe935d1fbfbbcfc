"""Questions about scenes: can the objects that they speak of be told, and do flat rules of thumb pay?"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from viewpoint100k.audit.figures import ABOVE_CHANCE, Rule, measured_rules
from viewpoint100k.audit.report import Bounds, Probe, all_of, judge
from viewpoint100k.audit.samples import Asked, Samples
from viewpoint100k.proof.case import Case, Measured
from viewpoint100k.proof.judging import speaks_of_parts
from viewpoint100k.proof.references import problems_of_references
from viewpoint100k.proof.scene import Look
from viewpoint100k.records import Sample, Scene

Scores = Callable[[Asked], dict[str, float] | None]
LEFT, RIGHT = "to the left of it", "to the right of it"


def scene_references(samples: Samples) -> Probe:
    """Every object that a question speaks of has one name, no other has it, and enough of it is to be seen."""
    problems, n = [], 0
    for kind, every in samples.asked().items():
        for one in every:
            if not speaks_of_parts(one.question):
                continue
            n += 1
            found = problems_of_references(Case(Measured(one.item.sample), one.question, samples.gates))
            problems += [(one.item.key, f"{kind}: {what}") for what in found]
    what = "objects of scenes that questions speak of: named by words that fit no other, and seen well enough"
    return all_of("scene_references", what, n, problems, nothing="no question is about a scene")


def scene_labels(samples: Samples) -> Probe:
    """What is stored of each picture of a scene against where the boxes and places of its objects put them."""
    problems, n = [], 0
    for item in samples.items:
        scene = item.sample.scene
        for view in range(len(scene.views)) if scene is not None else ():
            n += 1
            assert scene is not None
            problems += [(item.key, f"view {view}: {what}") for what in _ill_placed(item.sample, scene, view)]
    what = "stored places, depths and shares of a scene's objects against their boxes in the world and the camera's matrix"
    return all_of("scene_labels", what, n, problems, nothing="there are no scenes")


def _ill_placed(sample: Sample, scene: Scene, view: int) -> Iterator[str]:
    look = Look(sample.views[view], scene, view)
    for number, (part, seen) in enumerate(zip(scene.parts, look.seen, strict=True)):
        if abs(seen.depth - look.before[number, 2]) > 1e-3:
            yield f"{part.name} is stored at depth {seen.depth:.3f}; its box says {look.before[number, 2]:.3f}"
        off = float(np.hypot(*(np.array(seen.centre_pixel) - look.at[number])))
        if off > 0.1:
            yield f"the middle of {part.name} is stored {off:.1f} px from where its box says"
        share = seen.pixels / seen.solo_pixels if seen.solo_pixels else 0.0
        if abs(share - seen.visible_fraction) > 2e-3:
            yield f"{part.name} has {seen.pixels} of {seen.solo_pixels} pixels, and is said to have {seen.visible_fraction:.3f}"
        if seen.depth_range and not _reaches(look, number, seen.depth_range):
            yield f"{part.name} is seen at depths {seen.depth_range}, beyond its box"


def _reaches(look: Look, number: int, depths: Sequence[float]) -> bool:
    """Whether depths are within an object's box, give or take a tenth of it."""
    reach = 0.55 * float(np.linalg.norm(look.scene.parts[number].size)) + 1e-3
    return all(abs(depth - look.before[number, 2]) <= reach for depth in depths)


# --- flat rules --------------------------------------------------------------------------------------


def _look(one: Asked) -> Look | None:
    scene, images = one.item.sample.scene, one.question.images
    return (
        Look(one.item.sample.views[images[0]], scene, images[0])
        if scene is not None and len(images) == 1
        else None
    )


def _names(one: Asked) -> list[str]:
    scene = one.item.sample.scene
    return [scene.parts[part].name for part in one.question.parts] if scene is not None else []


def _of_parts(value: Callable[[Look, int, Sequence[int]], float]) -> Scores:
    """Scores the first two objects of a question by their names."""

    def scores(one: Asked) -> dict[str, float] | None:
        look, parts = _look(one), one.question.parts
        if look is None or len(parts) < 2:
            return None
        return {name: value(look, part, parts) for name, part in zip(_names(one)[:2], parts, strict=False)}

    return scores


def _lower(look: Look, part: int, parts: Sequence[int]) -> float:
    return look.middle(part)[1]


def _height(look: Look, part: int, parts: Sequence[int]) -> float:
    box = look.seen[part].box
    return box[3] - box[1] if box else 0.0


def _near_in_picture(look: Look, part: int, parts: Sequence[int]) -> float:
    return -float(np.hypot(*(look.at[part] - look.at[parts[2]])))


def _closer_now(look: Look, part: int, parts: Sequence[int]) -> float:
    return -float(look.before[part, 2])


def _lower_is_before(one: Asked) -> dict[str, float] | None:
    scores = list((_of_parts(_lower)(one) or {}).values())
    return {"in front of it": scores[0], "behind it": scores[1]} if len(scores) == 2 else None


def _side_now(first: int, second: int) -> Scores:
    """As the picture shows them, whatever else is asked."""

    def scores(one: Asked) -> dict[str, float] | None:
        look = _look(one)
        if look is None:
            return None
        across = float(look.at[one.question.parts[first], 0] - look.at[one.question.parts[second], 0])
        return {LEFT: -across, RIGHT: across}

    return scores


def _to_its_side(one: Asked) -> dict[str, float] | None:
    """A turn to the side on which the third object is in the picture."""
    look = _look(one)
    if look is None:
        return None
    right = look.at[one.question.parts[2], 0] > look.at[one.question.parts[0], 0]
    return {option: float(("right" in option) == right) for option in one.question.options}


def _as_the_camera(one: Asked) -> dict[str, float] | None:
    """Where the third object is for the camera."""
    look = _look(one)
    if look is None:
        return None
    a, _, c = one.question.parts
    right, ahead = look.at[c, 0] > look.at[a, 0], look.before[c, 2] > look.before[a, 2]
    wanted = f"{'ahead' if ahead else 'behind'} on the {'right' if right else 'left'}"
    return {option: float(option == wanted) for option in one.question.options}


def _lower_hides(one: Asked) -> dict[str, float] | None:
    scores = _of_parts(_lower)(one) or {}
    return {option: max((v for n, v in scores.items() if option.startswith(f"{n} hides")), default=-1.0) for option in one.question.options}  # fmt: skip


def _fair(share: float) -> Bounds:
    return Bounds(high=share + ABOVE_CHANCE)


RULES = (
    Rule(
        "front_of/camera",
        "what is lower in the picture is in front",
        _lower_is_before,
        _fair(0.5),
        two_way=True,
    ),
    Rule("closer/camera", "the lower one in the picture", _of_parts(_lower), _fair(0.5), two_way=True),
    Rule("taller/scene", "the taller one in the picture", _of_parts(_height), _fair(0.5), two_way=True),
    Rule(
        "nearer_to/scene",
        "the nearer one in the picture",
        _of_parts(_near_in_picture),
        _fair(0.5),
        two_way=True,
    ),
    Rule("side_after/camera", "as it is now", _side_now(0, 1), _fair(0.5), two_way=True),
    Rule(
        "hops/camera",
        "on the side of the first object, as it is now",
        _side_now(0, 1),
        _fair(0.5),
        two_way=True,
    ),
    Rule(
        "closer_after/camera", "the one that is closer now", _of_parts(_closer_now), _fair(0.5), two_way=True
    ),
    Rule("perspective/object", "where it is for the camera", _as_the_camera, _fair(0.25)),
    Rule("turn_to_face/object", "a turn to its side in the picture", _to_its_side, _fair(0.25)),
)
# what an honest answer goes by as well
FACTS = (
    Rule("closer/camera", "the taller one in the picture", _of_parts(_height), Bounds()),
    Rule("hides/camera", "the lower one hides", _lower_hides, Bounds()),
    Rule("side_of/camera", "as the picture shows them", _side_now(0, 1), Bounds()),
)


def scene_rules(samples: Samples) -> Probe:
    """Rules of thumb about places and sizes in the picture, right no more often than chance."""
    what = "score of rules that read places and sizes off the flat picture of a scene"
    return judge(
        "scene_rules", what, measured_rules(samples, RULES), too_few="too few questions about scenes"
    )


def scene_facts(samples: Samples) -> Probe:
    """Rules of thumb that may pay, for an honest answer goes by the same."""
    what = "score of rules by what the picture of a scene honestly shows"
    fact = "a fact, not judged: what hides is closer, and closer things are mostly lower and larger"
    return judge(
        "scene_facts", what, measured_rules(samples, FACTS), too_few="too few such questions", fact=fact
    )
