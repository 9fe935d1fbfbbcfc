"""Which object of a scene was moved or turned, appeared or vanished between two pictures.

Only a move has a chain of thought: what appeared, vanished or was turned is seen, not worked out.
"""

from itertools import permutations

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases
from viewpoint100k.questions.facts.scene import MOST_TRIED, asked_parts, letters
from viewpoint100k.questions.facts.scene_sentences import Told, chain_of_scene, stated, tenths
from viewpoint100k.questions.kind import PAIR, DrawnKind, Fact, Figure, Known, Parameter, Solved
from viewpoint100k.records import ChangeKind

CHANGES: tuple[ChangeKind, ...] = ("moved", "turned", "appeared", "vanished")
CHANGED_BY = 2  # tenths of the scene's radius, for a distance that is said to have changed


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """C10. The object that changed, and two others, in any order."""
    scene = known.scene
    if scene is None or scene.change is None or len(known.views) != 2:
        return None
    others = list(permutations([i for i in range(len(scene.parts)) if i != scene.change.part], 2))
    for choice in rng.permutation(len(others))[:MOST_TRIED]:
        parts = list(others[int(choice)])
        parts.insert(int(rng.integers(3)), scene.change.part)
        figure = Figure(change=scene.change.kind, parts=tuple(parts), marks=letters(scene, PAIR, parts))
        if solve(known, figure, gates) is not None:
            return figure
    return None


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C10. Which object moved, turned, appeared or vanished between two pictures."""
    scene = known.scene
    change = scene.change if scene is not None else None
    if scene is None or change is None or figure.images != PAIR or len(known.views) != 2:
        return None
    if change.kind != figure.change or change.part not in figure.parts:
        return None
    if not asked_parts(known, figure, 3, ()):
        return None
    present = [view for view in scene.views[:2] if scene.parts[change.part].present[view.state]]
    others = [part for part in figure.parts if part != change.part]
    seen = all(view.parts[change.part].referable for view in present)
    if not seen or not all(view.parts[part].referable for view in scene.views[:2] for part in others):
        return None
    margins = {
        "moved": change.distance / gates.scene_moved,
        "turned": abs(change.turn_deg) / gates.scene_turned_deg,
    }
    margin = margins.get(change.kind, 2.0)
    if margin < 1:
        return None
    return Solved(Fact(figure.parts.index(change.part), float(margin)), change.difference)


def _facts(told: Told) -> Facts:
    """Distances among three objects in both pictures; one that moved is no longer as far from the others."""
    change = told.scene.change
    if change is None or told.figure.change != "moved":
        return {}
    first, second = (part for part in told.figure.parts if part != change.part)
    kept = tenths(told.shots[0].apart(first, second))
    facts = stated("kept", told.name(first), told.name(second), kept)
    for number, other in enumerate((first, second)):
        before, after = (tenths(shot.apart(change.part, other)) for shot in told.shots)
        if abs(before - after) >= CHANGED_BY:
            names = told.name(change.part), told.name(other)
            facts |= stated(f"differs_{number}", *names, before, after, phrase="differs")
    return facts


def _answers(told: Told, facts: Facts) -> set[str]:
    differ = [facts[name].args[0] for name in ("differs_0", "differs_1") if name in facts]
    return {told.letter(str(differ[0]))} if "kept" in facts and differ else set()


KIND = DrawnKind(
    name="changed_object/scene",
    rank=43,
    tier="C",
    options=("a", "b", "c"),
    seen_alone=(),
    parameter=Parameter("change", CHANGES),
    names={"a": "a", "b": "b", "c": "c"},  # its three objects are named in the options alone
    draw=draw,
    solve=solve,
    chain=chain_of_scene(
        _facts,
        _answers,
        (("kept!", "differs_0*", "differs_1*"), ("differs_0*", "differs_1*", "kept!")),
        {
            "kept": Phrases(
                (
                    "{0} and {1} are about {2} tenths of the scene's radius apart in both images",
                    "In both images the distance between {0} and {1} is about {2} tenths of the scene's "
                    "radius",
                )
            ),
            "differs": Phrases(
                (
                    "{0} and {1} are about {2} tenths of the scene's radius apart in image 1 and about {3} "
                    "in image 2",
                    "The distance between {0} and {1} is about {2} tenths of the scene's radius in image 1 "
                    "and about {3} in image 2",
                )
            ),
        },
    ),
)
KINDS = (KIND,)
