"""Which of two objects stands nearer to a third one?"""

import math

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Proof, Said
from viewpoint100k.proof.scene_facts import APART, clear, the_nearest


def _solve(case: Case) -> Answer | str:
    first, second, third = case.parts
    look = case.look()
    lengths = [abs(look.ground(part) - look.ground(third)) for part in (first, second)]
    reach = [sum(case.scene.parts[part].size[:2]) / 4 for part in (first, second)]
    if (lengths[0] - reach[0] > lengths[1] - reach[1]) != (lengths[0] > lengths[1]):
        return "is asked although middles and sides are in another order"
    margin = abs(math.log(lengths[0] / lengths[1])) / math.log(case.gates.scene_nearer)
    return clear(case, case.names[lengths.index(min(lengths))], margin)


def _follows(said: Said) -> str:
    return the_nearest(said, said.case.names[2])


PROOFS = {
    "nearer_to/scene": Proof(
        of_scene(_solve, 3), (APART,), frozenset(), _follows, options={"a": "{a}", "b": "{b}"}
    )
}
