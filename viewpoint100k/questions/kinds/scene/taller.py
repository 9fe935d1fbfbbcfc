"""Which of two objects of a scene is taller, however tall it looks."""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import UNCLEAR, Facts, Phrases
from viewpoint100k.questions.facts.scene import PictureKind, shot_of, solved
from viewpoint100k.questions.facts.scene_sentences import LEAST_RATIO, Told, chain_of_scene, compared, times
from viewpoint100k.questions.kind import Figure, Known, Solved, either
from viewpoint100k.records import ScenePart


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C3. Which of two objects is really taller, however tall it looks.

    The objects differ in words only by letter or colour: that a lamp is taller than a car is in no picture.
    """
    shot = shot_of(known, figure, 2)
    if shot is None or not _words_say_nothing(*(shot.scene.parts[part] for part in figure.parts)):
        return None
    heights = np.log([shot.scene.parts[part].size[2] for part in figure.parts])
    looks = [box[3] - box[1] for part in figure.parts if (box := shot.seen[part].box) is not None]
    cue = float(np.log(looks[1] / looks[0])) if len(looks) == 2 and min(looks) > 0 else 0.0
    margin = abs(heights[1] - heights[0]) / np.log(gates.scene_taller)
    return solved(shot, figure, int(heights[1] > heights[0]), margin, {"looks": cue})


def _words_say_nothing(a: ScenePart, b: ScenePart) -> bool:
    return a.named_by == b.named_by == "letter" or (bool(a.noun) and a.noun == b.noun)


def _facts(told: Told) -> Facts:
    shot = told.shots[0]
    looks = compared(told, "looks", [shot.upright_px(part) for part in told.figure.parts])
    return looks | compared(told, "farther", [shot.own[part, 2] for part in told.figure.parts])


def _answers(told: Told, facts: Facts) -> set[str]:
    if not {"looks", "farther"} <= facts.keys():
        return set()
    first, second = (str(name) for name in facts["looks"].args[:2])
    farther = times(facts["farther"])
    ratio = times(facts["looks"]) * (farther if facts["farther"].args[0] == first else 1 / farther)
    if max(ratio, 1 / ratio) < LEAST_RATIO:
        return {UNCLEAR}
    return {told.letter(first if ratio > 1 else second)}


KIND = PictureKind(
    name="taller/scene",
    rank=31,
    options=("a", "b"),
    solve=solve,
    parts=2,
    opposites=either("looks"),
    names={"a": "a", "b": "b"},
    chain=chain_of_scene(
        _facts,
        _answers,
        (
            ("looks!", "farther!", "=product"),
            ("=product", "farther!", "looks!"),
            ("=product", "looks!", "farther!"),
        ),
        {
            "looks": Phrases(
                (
                    "In the picture {0} looks about {2}.{3} times as tall as {1}",
                    "In the image {0} spans about {2}.{3} times the height of {1}",
                )
            ),
            "looks_same": Phrases(
                (
                    "In the picture {0} looks about as tall as {1}",
                    "In the image {0} spans about the same height as {1}",
                )
            ),
        },
        {
            "product": (
                "The real height of an object is proportional to its height in the picture times its "
                "distance",
                "Things look smaller in proportion to their distance",
            )
        },
    ),
)
KINDS = (KIND,)
