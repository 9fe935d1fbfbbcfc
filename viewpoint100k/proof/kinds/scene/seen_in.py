"""Which of two pictures shows an object that others hide in the other picture?"""

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.forms import of_scene
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.scene_facts import SLACK_PERCENT, near

SURELY_MORE = 25  # percent of an object


def _solve(case: Case) -> Answer | str:
    shares = [view.parts[case.parts[0]].visible_fraction for view in case.scene.views[:2]]
    band = case.gates.scene_shown
    margin = min(max(shares) / band.high, 2 - min(shares) / band.low)
    if margin < 1:
        return f"is asked although {shares[0]:.2f} and {shares[1]:.2f} of it can be seen"
    return Answer(Label(f"image {shares.index(max(shares)) + 1}", margin), max(shares) - min(shares))


def _share(case: Case, say: Say) -> bool:
    part = case.number(say["a"])
    shares = [100 * case.look(image).seen[part].visible_fraction for image in (1, 2)]
    return near(say["p"], shares[0], SLACK_PERCENT) and near(say["q"], shares[1], SLACK_PERCENT)


SHARE = Fact(
    "share",
    (
        "in image 1 about <p:percent> percent of <a:name> can be seen past the other objects, and in image "
        "2 about <q:percent> percent",
        "image 1 shows about <p:percent> percent of <a:name> past the objects in front of it, and image 2 "
        "about <q:percent> percent",
    ),
    _share,
    lists_options=True,
)


def _follows(said: Said) -> str:
    share = said.say("share")
    if share is None or share["a"] != said.case.names[0]:
        return ""
    first = int(share["p"])
    second = int(share["q"])
    if abs(first - second) < SURELY_MORE:
        return ""
    return "image 1" if first > second else "image 2"


PROOFS = {
    "seen_in/images": Proof(
        of_scene(_solve, 1, images=2),
        (SHARE,),
        frozenset(),
        _follows,
        options={"image_1": "image 1", "image_2": "image 2"},
    )
}
