"""Tier C, kinds about two pictures of a scene: what moved, which object changed, in which of them something can be seen."""

from itertools import permutations

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.kinds import Fact, Figure, Kind, Known, Solved, of_figures_only, phrase_in
from viewpoint100k.questions.scene_shots import MOST_TRIED, asked_parts, letters
from viewpoint100k.records import ChangeKind, matrix

PAIR = (0, 1)
MOVED, TURNED_DEG = 0.15, 25.0  # of an object: scene radii, degrees
STILL, STILL_DEG = 0.02, 1.0  # of a camera: world units, degrees; below both it stood still
GONE, GONE_DEG = 0.1, 5.0  # above either it clearly moved
SEEN, UNSEEN = 0.6, 0.2  # shares of an object: between, it is neither seen nor hidden


def _camera_moved(known: Known) -> tuple[bool, float] | None:
    """Whether the camera moved between the two pictures, and how clear that is."""
    one, two = (matrix(view.world_from_camera) for view in known.views[:2])
    went = float(np.linalg.norm(one[:3, 3] - two[:3, 3]))
    turned = abs(known.truth.rotation_deg)
    zoomed = abs(known.truth.focal_ratio - 1)
    if went <= STILL and turned <= STILL_DEG and zoomed <= 0.01:
        return False, 2 - max(went / STILL, turned / STILL_DEG)
    margin = max(went / GONE, turned / GONE_DEG)
    return (True, margin) if margin >= 1 else None


def solve_what_moved(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C9. Whether the camera, an object, both or nothing moved between two pictures."""
    scene = known.scene
    camera = (
        _camera_moved(known)
        if scene is not None and len(known.views) == 2 and figure.images == PAIR
        else None
    )
    if scene is None or camera is None or figure.parts or figure.marks:
        return None
    change, by_camera = scene.change, max(known.decidability.translation, known.decidability.rotation)
    if change is None:
        return Solved(Fact(0 if camera[0] else 3, float(camera[1])), by_camera)
    if change.kind != "moved" or not all(view.parts[change.part].referable for view in scene.views[:2]):
        return None
    margin = min(camera[1], change.distance / MOVED)
    return Solved(Fact(2 if camera[0] else 1, float(margin)), change.difference) if margin >= 1 else None


def draw_pair(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """The two pictures of a pair as they are."""
    return Figure() if known.scene is not None and len(known.views) == 2 else None


CHANGES: dict[str, ChangeKind] = {
    "stands in another place in image 2": "moved",
    "has been turned on the spot in image 2": "turned",
    "is there in image 2 only": "appeared",
    "is there in image 1 only": "vanished",
}


def draw_changed(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """C10. The object that changed, and two others, in any order."""
    scene = known.scene
    if scene is None or scene.change is None or len(known.views) != 2:
        return None
    words = next(words for words, kind in CHANGES.items() if kind == scene.change.kind)
    others = list(permutations([i for i in range(len(scene.parts)) if i != scene.change.part], 2))
    for choice in rng.permutation(len(others))[:MOST_TRIED]:
        parts = list(others[int(choice)])
        parts.insert(int(rng.integers(3)), scene.change.part)
        figure = Figure(words=words, parts=tuple(parts), marks=letters(scene, PAIR, parts))
        if solve_changed(known, figure, gates) is not None:
            return figure
    return None


def solve_changed(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C10. Which object moved, turned, appeared or vanished between two pictures."""
    scene, phrase = known.scene, phrase_in(figure.words, tuple(CHANGES))
    change = scene.change if scene is not None else None
    if scene is None or change is None or phrase is None or figure.images != PAIR or len(known.views) != 2:
        return None
    if (
        change.kind != CHANGES[phrase]
        or change.part not in figure.parts
        or not asked_parts(known, figure, 3, ())
    ):
        return None
    there = [view for view in scene.views[:2] if scene.parts[change.part].present[view.state]]
    others = [part for part in figure.parts if part != change.part]
    told = all(view.parts[change.part].referable for view in there)
    if not told or not all(view.parts[part].referable for view in scene.views[:2] for part in others):
        return None
    margin = {"moved": change.distance / MOVED, "turned": abs(change.turn_deg) / TURNED_DEG}.get(
        change.kind, 2.0
    )
    if margin < 1:
        return None
    return Solved(Fact(figure.parts.index(change.part), float(margin)), change.difference)


def draw_seen_in(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """C13. An object that one of two pictures shows and the other hides."""
    scene = known.scene
    for part in rng.permutation(len(scene.parts)) if scene is not None and len(known.views) == 2 else ():
        figure = Figure(parts=(int(part),), marks=letters(scene, PAIR, [int(part)]))
        if solve_seen_in(known, figure, gates) is not None:
            return figure
    return None


def solve_seen_in(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C13. In which of two pictures an object can be seen that other objects hide in the other one."""
    scene = known.scene
    if (
        scene is None
        or len(known.views) != 2
        or figure.images != PAIR
        or not asked_parts(known, figure, 1, ())
    ):
        return None
    part = figure.parts[0]
    if not all(scene.parts[part].present[view.state] for view in scene.views[:2]):
        return None
    if scene.parts[part].named_by == "letter":
        return None  # where it is hidden, no letter could be drawn, and that would tell
    seen = [view.parts[part] for view in scene.views[:2]]
    better = int(seen[1].visible_fraction > seen[0].visible_fraction)
    high, low = seen[better].visible_fraction, seen[1 - better].visible_fraction
    if not seen[better].referable or not seen[1 - better].solo_pixels or seen[1 - better].cut:
        return None
    margin = min(high / SEEN, 2 - low / UNSEEN)
    return Solved(Fact(better, float(margin)), float(high - low)) if margin >= 1 else None


MOVERS = ("only the camera", "only one object", "the camera and one object", "nothing at all")
THREE = ("{a}", "{b}", "{c}")
WHICH = ("image 1", "image 2")

KINDS: tuple[Kind, ...] = (
    Kind("what_moved", "scene", "C", MOVERS, (), of_figures_only, draw=draw_pair, solve=solve_what_moved),
    Kind(
        "changed_object",
        "scene",
        "C",
        THREE,
        (),
        of_figures_only,
        seen_alone=(),
        words=tuple(CHANGES),  # its three objects are named in the options alone
        draw=draw_changed,
        solve=solve_changed,
    ),
    # either picture is as often the first: of so few, evening out would leave none
    Kind(
        "seen_in",
        "images",
        "C",
        WHICH,
        (),
        of_figures_only,
        seen_alone=(),
        parts=1,
        draw=draw_seen_in,
        solve=solve_seen_in,
    ),
)
