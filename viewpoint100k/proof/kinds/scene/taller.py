"""Which of two objects is taller in truth, however tall it looks?"""

import math

from viewpoint100k.proof.case import Answer, Case
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.scene_facts import FAR, SLACK_TIMES, clear, times

SURE = 0.05  # of a product of rounded ratios


def _solve(case: Case) -> Answer | str:
    heights = [case.scene.parts[part].size[2] for part in case.parts]
    name = case.names[heights.index(max(heights))]
    return clear(case, name, math.log(max(heights) / min(heights)) / math.log(case.gates.scene_taller))


def _looks(case: Case, say: Say) -> bool:
    look = case.look()
    ratio = look.upright_percent(case.number(say["a"])) / look.upright_percent(case.number(say["b"]))
    return abs(times(say) - ratio) <= SLACK_TIMES


LOOKS = Fact(
    "looks",
    (
        "in the picture <a:name> looks about <times:ratio> times as tall as <b:name>",
        "in the image <a:name> spans about <times:ratio> times the height of <b:name>",
        "in the picture <a:name> looks about as tall as <b:name>",
        "in the image <a:name> spans about the same height as <b:name>",
    ),
    _looks,
)


def _follows(said: Said) -> str:
    looks = said.say("looks")
    far = said.say("far")
    if looks is None or far is None or {looks["a"], looks["b"]} != {far["a"], far["b"]}:
        return ""
    away = times(far) if looks["a"] == far["a"] else 1 / times(far)
    ratio = times(looks) * away
    if ratio > 1 + SURE:
        return looks["a"]
    return looks["b"] if ratio < 1 - SURE else ""


PROOFS = {
    "taller/scene": Proof(
        of_scene(_solve, 2),
        (LOOKS, FAR),
        frozenset(
            {
                "the real height of an object is proportional to its height in the picture times its "
                "distance",
                "things look smaller in proportion to their distance",
            }
        ),
        _follows,
        options={"a": "{a}", "b": "{b}"},
    )
}
