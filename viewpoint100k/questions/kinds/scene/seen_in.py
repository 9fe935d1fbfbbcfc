"""In which of two pictures of a scene an object can be seen that other objects hide in the other one."""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import UNCLEAR, Facts, Phrases
from viewpoint100k.questions.facts.scene import asked_parts, letters
from viewpoint100k.questions.facts.scene_sentences import Told, chain_of_scene, nearest_tens, stated
from viewpoint100k.questions.kind import PAIR, DrawnKind, Fact, Figure, Known, Solved

CLEARLY = 30  # percent more of it in one picture than in the other
OPTIONS = ("image_1", "image_2")


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """C13. An object that one of two pictures shows and the other hides."""
    scene = known.scene
    if scene is None or len(known.views) != 2:
        return None
    for part in rng.permutation(len(scene.parts)):
        figure = Figure(parts=(int(part),), marks=letters(scene, PAIR, [int(part)]))
        if solve(known, figure, gates) is not None:
            return figure
    return None


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C13. In which of two pictures an object can be seen that other objects hide in the other one."""
    scene = known.scene
    if scene is None or len(known.views) != 2 or figure.images != PAIR:
        return None
    if not asked_parts(known, figure, 1, ()):
        return None
    part = figure.parts[0]
    if not all(scene.parts[part].present[view.state] for view in scene.views[:2]):
        return None
    if scene.parts[part].named_by == "letter":
        return None  # where it is hidden, no letter could be drawn, and that would reveal the answer
    seen = [view.parts[part] for view in scene.views[:2]]
    better = int(seen[1].visible_fraction > seen[0].visible_fraction)
    high = seen[better].visible_fraction
    low = seen[1 - better].visible_fraction
    if not seen[better].referable or not seen[1 - better].solo_pixels or seen[1 - better].cut:
        return None
    margin = min(high / gates.scene_shown.high, 2 - low / gates.scene_shown.low)
    return Solved(Fact(better, float(margin)), float(high - low)) if margin >= 1 else None


def _facts(told: Told) -> Facts:
    part = told.figure.parts[0]
    shares = [nearest_tens(100 * shot.seen[part].visible_fraction) for shot in told.shots]
    return stated("share", told.name(part), *shares)


def _answers(told: Told, facts: Facts) -> set[str]:
    if "share" not in facts:
        return set()
    first, second = (int(share) for share in facts["share"].args[1:])
    if abs(first - second) < CLEARLY:
        return {UNCLEAR}
    return {OPTIONS[second >= first]}


# either picture is as often the first: evening out so few questions would leave none
KIND = DrawnKind(
    name="seen_in/images",
    rank=44,
    tier="C",
    options=OPTIONS,
    seen_alone=(),
    parts=1,
    draw=draw,
    solve=solve,
    chain=chain_of_scene(
        _facts,
        _answers,
        (("share!",),),
        {
            "share": Phrases(
                (
                    "In image 1 about {1} percent of {0} can be seen past the other objects, and in image "
                    "2 about {2} percent",
                    "Image 1 shows about {1} percent of {0} past the objects in front of it, and image 2 "
                    "about {2} percent",
                )
            )
        },
    ),
)
KINDS = (KIND,)
