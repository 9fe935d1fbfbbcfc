"""Whether image 2 shows the object or its mirror image.

There is no chain of thought: the order of its parts tells an object from its mirror image, and parts have no
names here.
"""

import numpy as np

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.kind import DrawnKind, Fact, Figure, Known, Solved, either

BACKGROUNDS = {"plain", "gradient"}  # others reveal a mirror by themselves


def draw(known: Known, gates: GateConfig, rng: np.random.Generator) -> Figure | None:
    """B16. In half of the questions, image 2 is shown as in a mirror.

    Never in the same light: its side would reveal the answer.
    """
    if len(known.views) != 2 or any(view.background not in BACKGROUNDS for view in known.views):
        return None
    if known.views[0].light == known.views[1].light:
        return None
    return Figure(mirrored=(1,) if rng.random() < 0.5 else ())


def solve(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """B16. Whether image 2 shows the object itself or its mirror image, from another place."""
    least = known.decidability.chirality
    if least < gates.min_chirality or known.truth.covisible_fraction < gates.min_covisible_for_size:
        return None
    return Solved(Fact(len(figure.mirrored), least / gates.min_chirality), least)


KIND = DrawnKind(
    name="mirrored/object",
    rank=23,
    tier="B",
    options=("same", "mirror_image"),
    opposites=either(),
    draw=draw,
    solve=solve,
)
KINDS = (KIND,)
