"""Which of two objects hides a part of the other, if either does?"""

import math

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.scene_facts import FAR, clear, times

NEITHER = "neither hides a part of the other"
SURELY_FARTHER = 1.05  # of a rounded ratio


def _solve(case: Case) -> Answer | str:
    look = case.look()
    first, second = case.parts
    shares = {part: look.seen[part].visible_fraction for part in case.parts}
    hidden = case.gates.scene_hidden.low
    whole = case.gates.scene_hidden.high
    if min(shares.values()) >= whole:
        return clear(case, NEITHER, 1 + (min(shares.values()) - whole) / (1 - whole))
    for near, far in ((first, second), (second, first)):
        if look.seen[far].hidden_by != [near] or shares[far] > hidden or far in look.seen[near].hidden_by:
            continue
        if look.before[near, 2] - _reach(case, near) > look.before[far, 2] + _reach(case, far):
            return "says that an object hides one that is closer in whole"
        names = (case.scene.parts[part].name for part in (near, far))
        return clear(case, _hides(*names), 1 + (hidden - shares[far]) / hidden)
    return "is asked although neither is clear: one hides the other, or neither is hidden"


def _reach(case: Case, part: int) -> float:
    """From the middle of an object to its furthest corner."""
    return math.hypot(*case.scene.parts[part].size) / 2


def _hides(near: str, far: str) -> str:
    return f"{near} hides a part of {far}"


def _meet(case: Case, say: Say) -> bool:
    look = case.look()
    first, second = (look.span_percent(case.number(say[slot])) for slot in ("a", "b"))
    return all(min(first[1, axis], second[1, axis]) > max(first[0, axis], second[0, axis]) for axis in (0, 1))


MEET = Fact(
    "meet",
    (
        "in the picture the outlines of <a:name> and <b:name> meet",
        "<a:name> and <b:name> overlap in the picture",
    ),
    _meet,
)
CLEAR = Fact(
    "clear",
    (
        "in the picture the outlines of <a:name> and <b:name> do not meet",
        "<a:name> and <b:name> do not overlap in the picture",
    ),
    lambda case, say: say["a"] != say["b"] and not _meet(case, say),
)


def _follows(said: Said) -> str:
    names = {*said.case.names}
    meet = said.say("meet")
    apart = said.say("clear")
    far = said.say("far")
    if meet is None:
        return NEITHER if apart is not None and {apart["a"], apart["b"]} == names else ""
    if far is None or apart is not None or not {meet["a"], meet["b"]} == {far["a"], far["b"]} == names:
        return ""
    return _hides(far["b"], far["a"]) if times(far) > SURELY_FARTHER else ""


PROOFS = {
    "hides/camera": Proof(
        of_scene(_solve, 2),
        (MEET, CLEAR, FAR),
        frozenset(
            {
                "where two outlines meet, the closer object hides the other",
                "where two objects overlap, the closer one hides the other, and where they do not overlap, "
                "neither does",
            }
        ),
        _follows,
        options={
            "a_hides_b": "{a} hides a part of {b}",
            "b_hides_a": "{b} hides a part of {a}",
            "none": "neither hides a part of the other",
        },
    )
}
