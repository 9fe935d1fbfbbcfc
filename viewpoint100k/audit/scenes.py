"""Probes of scenes: whether objects can be told apart by their names, and whether flat rules of thumb pay."""

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
LEFT = "to the left of it"
RIGHT = "to the right of it"


def scene_references(samples: Samples) -> Probe:
    """Every object that a question mentions has a name that fits no other, and enough of it is visible."""
    problems = []
    n = 0
    for kind, every in samples.asked().items():
        for asked in every:
            if not speaks_of_parts(asked.question):
                continue
            n += 1
            wrong = problems_of_references(Case(Measured(asked.item.sample), asked.question, samples.gates))
            problems += [(asked.item.key, f"{kind}: {what}") for what in wrong]
    what = "objects of scenes that questions speak of: named by words that fit no other, and seen well enough"
    return all_of("scene_references", what, n, problems, nothing="no question is about a scene")


def scene_labels(samples: Samples) -> Probe:
    """Stored places, depths and shares of a scene's objects agree with their boxes and the camera."""
    problems = []
    n = 0
    for item in samples.items:
        scene = item.sample.scene
        for view in range(len(scene.views)) if scene is not None else ():
            n += 1
            assert scene is not None
            problems += [(item.key, f"view {view}: {what}") for what in _ill_placed(item.sample, scene, view)]
    what = (
        "stored places, depths and shares of a scene's objects, against their boxes and the camera's matrix"
    )
    return all_of("scene_labels", what, n, problems, nothing="there are no scenes")


def _ill_placed(sample: Sample, scene: Scene, view: int) -> Iterator[str]:
    look = Look(sample.views[view], scene, view)
    for number, (part, seen) in enumerate(zip(scene.parts, look.seen, strict=True)):
        if abs(seen.depth - look.before[number, 2]) > 1e-3:
            depth = look.before[number, 2]
            yield f"{part.name} is stored at depth {seen.depth:.3f}; its box says {depth:.3f}"
        off = float(np.hypot(*(np.array(seen.centre_pixel) - look.at[number])))
        if off > 0.1:
            yield f"the middle of {part.name} is stored {off:.1f} px from where its box says"
        share = seen.pixels / seen.solo_pixels if seen.solo_pixels else 0.0
        if abs(share - seen.visible_fraction) > 2e-3:
            stored = f"{seen.visible_fraction:.3f}"
            yield f"{part.name} has {seen.pixels} of {seen.solo_pixels} pixels, and is said to have {stored}"
        if seen.depth_range and not _reaches(look, number, seen.depth_range):
            yield f"{part.name} is seen at depths {seen.depth_range}, beyond its box"


def _reaches(look: Look, number: int, depths: Sequence[float]) -> bool:
    """Whether depths lie within an object's box, with a tolerance of a tenth of the box."""
    reach = 0.55 * float(np.linalg.norm(look.scene.parts[number].size)) + 1e-3
    return all(abs(depth - look.before[number, 2]) <= reach for depth in depths)


# --- flat rules --------------------------------------------------------------------------------------


def _look(asked: Asked) -> Look | None:
    scene = asked.item.sample.scene
    images = asked.question.images
    return (
        Look(asked.item.sample.views[images[0]], scene, images[0])
        if scene is not None and len(images) == 1
        else None
    )


def _names(asked: Asked) -> list[str]:
    scene = asked.item.sample.scene
    return [scene.parts[part].name for part in asked.question.parts] if scene is not None else []


def _of_parts(value: Callable[[Look, int, Sequence[int]], float]) -> Scores:
    """A rule that scores the first two objects of a question by a value of each."""

    def scores(asked: Asked) -> dict[str, float] | None:
        look = _look(asked)
        parts = asked.question.parts
        if look is None or len(parts) < 2:
            return None
        return {name: value(look, part, parts) for name, part in zip(_names(asked)[:2], parts, strict=False)}

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


def _lower_is_before(asked: Asked) -> dict[str, float] | None:
    scores = list((_of_parts(_lower)(asked) or {}).values())
    return {"in front of it": scores[0], "behind it": scores[1]} if len(scores) == 2 else None


def _side_now(first: int, second: int) -> Scores:
    """A rule that answers with the side on which the picture shows an object."""

    def scores(asked: Asked) -> dict[str, float] | None:
        look = _look(asked)
        if look is None:
            return None
        across = float(look.at[asked.question.parts[first], 0] - look.at[asked.question.parts[second], 0])
        return {LEFT: -across, RIGHT: across}

    return scores


def _to_its_side(asked: Asked) -> dict[str, float] | None:
    """Scores the turn towards the side on which the third object is in the picture."""
    look = _look(asked)
    if look is None:
        return None
    right = look.at[asked.question.parts[2], 0] > look.at[asked.question.parts[0], 0]
    return {option: float(("right" in option) == right) for option in asked.question.options}


def _as_the_camera(asked: Asked) -> dict[str, float] | None:
    """Scores the place of the third object as the camera sees it."""
    look = _look(asked)
    if look is None:
        return None
    a, _, c = asked.question.parts
    right = look.at[c, 0] > look.at[a, 0]
    ahead = look.before[c, 2] > look.before[a, 2]
    wanted = f"{'ahead' if ahead else 'behind'} on the {'right' if right else 'left'}"
    return {option: float(option == wanted) for option in asked.question.options}


def _lower_hides(asked: Asked) -> dict[str, float] | None:
    scores = _of_parts(_lower)(asked) or {}
    out = {}
    for option in asked.question.options:
        of_hiding = [score for name, score in scores.items() if option.startswith(f"{name} hides")]
        out[option] = max(of_hiding, default=-1.0)
    return out


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
# rules that use evidence which an honest answer uses as well
FACTS = (
    Rule("closer/camera", "the taller one in the picture", _of_parts(_height), Bounds()),
    Rule("hides/camera", "the lower one hides", _lower_hides, Bounds()),
    Rule("side_of/camera", "as the picture shows them", _side_now(0, 1), Bounds()),
)


def scene_rules(samples: Samples) -> Probe:
    """Rules of thumb about places and sizes in the picture are right no more often than chance."""
    what = "score of rules that read places and sizes off the flat picture of a scene"
    return judge(
        "scene_rules", what, measured_rules(samples, RULES), too_few="too few questions about scenes"
    )


def scene_facts(samples: Samples) -> Probe:
    """Rules of thumb that may score above chance, because an honest answer uses the same evidence."""
    what = "score of rules by what the picture of a scene honestly shows"
    fact = "a fact, not judged: what hides is closer, and closer things are mostly lower and larger"
    return judge(
        "scene_facts", what, measured_rules(samples, FACTS), too_few="too few such questions", fact=fact
    )
