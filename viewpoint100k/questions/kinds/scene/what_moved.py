"""Whether the camera, an object, both or nothing moved between two pictures of a scene."""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import Facts, Phrases
from viewpoint100k.questions.facts.scene_sentences import Told, chain_of_scene, nearest_tens, stated
from viewpoint100k.questions.kind import PAIR, DrawnKind, Fact, Figure, Known, Solved
from viewpoint100k.records import matrix

STILL_ZOOM = 0.01  # ratio of the lenses, from 1
AT_REST = 1  # percent of the picture, for something that a camera at rest sees at the same place
OPTIONS = ("camera", "object", "both", "nothing")


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """C9. The two pictures of a pair as they are."""
    return Figure() if known.scene is not None and len(known.views) == 2 else None


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C9. Whether the camera, an object, both or nothing moved between two pictures."""
    scene = known.scene
    if scene is None or len(known.views) != 2 or figure.images != PAIR or figure.parts or figure.marks:
        return None
    camera = _camera_moved(known, gates)
    if camera is None:
        return None
    change = scene.change
    if change is None:
        by_camera = max(known.decidability.translation, known.decidability.rotation)
        return Solved(Fact(0 if camera[0] else 3, float(camera[1])), by_camera)
    if change.kind != "moved" or not all(view.parts[change.part].referable for view in scene.views[:2]):
        return None
    margin = min(camera[1], change.distance / gates.scene_moved)
    return Solved(Fact(2 if camera[0] else 1, float(margin)), change.difference) if margin >= 1 else None


def _camera_moved(known: Known, gates: GateConfig) -> tuple[bool, float] | None:
    """Whether the camera moved between the two pictures, and how clear that is."""
    first, second = (matrix(view.world_from_camera) for view in known.views[:2])
    went = float(np.linalg.norm(first[:3, 3] - second[:3, 3]))
    turned = abs(known.truth.rotation_deg)
    zoomed = abs(known.truth.focal_ratio - 1)
    way = gates.camera_still
    turn = gates.camera_still_deg
    if went <= way.low and turned <= turn.low and zoomed <= STILL_ZOOM:
        return False, 2 - max(went / way.low, turned / turn.low)
    margin = max(went / way.high, turned / turn.high)
    return (True, margin) if margin >= 1 else None


def _facts(told: Told) -> Facts:
    """Whether the objects stand as before, and whether one that did is elsewhere in the picture."""
    others = _others(told)
    change = told.scene.change
    if not others or len(told.shots) != 2:
        return {}
    layout = stated("all_stay", "") if change is None else stated("one_moves", told.name(change.part))
    shares = [100 * shot.pixels / [shot.width, shot.height] for shot in told.shots]
    part = max(others, key=lambda i: float(np.abs(shares[1][i] - shares[0][i]).max()))
    at = [[nearest_tens(x) for x in share[part]] for share in shares]
    if (at[0] == at[1]) != (np.abs(shares[1][part] - shares[0][part]).max() < AT_REST):
        return {}
    return layout | stated("goes", told.name(part), *at[0], *at[1])


def _others(told: Told) -> list[int]:
    """Objects that both pictures show and that stayed, by how well they can be seen."""
    change = told.scene.change
    first, second = told.shots
    both = [i for i in first.referable if i in second.referable and (change is None or i != change.part)]
    return sorted(both, key=lambda i: -min(shot.seen[i].visible_fraction for shot in told.shots))


def _answers(told: Told, facts: Facts) -> set[str]:
    if "goes" not in facts or not {"all_stay", "one_moves"} & facts.keys():
        return set()
    _, *at = facts["goes"].args
    camera_moved = at[:2] != at[2:]
    object_moved = "one_moves" in facts
    return {OPTIONS[(3, 1, 0, 2)[2 * camera_moved + object_moved]]}


KIND = DrawnKind(
    name="what_moved/scene",
    rank=42,
    tier="C",
    options=OPTIONS,
    draw=draw,
    solve=solve,
    chain=chain_of_scene(
        _facts,
        _answers,
        (
            ("all_stay*", "one_moves*", "goes!", "=frame"),
            ("=frame", "goes!", "all_stay*", "one_moves*"),
            ("=frame", "all_stay*", "one_moves*", "goes!"),
        ),
        {
            "all_stay": Phrases(
                (
                    "Relative to one another, all objects stand as before",
                    "The distances among the objects are the same in both images",
                )
            ),
            "one_moves": Phrases(
                (
                    "Relative to one another, all objects except {0} stand as before",
                    "The distances among the objects are the same in both images except those to {0}",
                )
            ),
            "goes": Phrases(
                (
                    "{0} is at about {1} percent of the width and {2} percent of the height of image 1, "
                    "and at about {3} and {4} in image 2",
                    "Measured from the left and the top, {0} is at about {1} and {2} percent of image 1 "
                    "and at about {3} and {4} percent of image 2",
                )
            ),
        },
        {
            "frame": (
                "An object that stayed in place on the floor but moved in the picture shows that the "
                "camera moved",
                "A camera at rest shows an unmoved object at the same place in the picture",
            )
        },
    ),
)
KINDS = (KIND,)
