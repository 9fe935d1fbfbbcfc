"""Does image 2 show the object or its mirror image? No chain could say what tells them apart."""

from viewpoint100k.proof.case import Answer, Case, Label
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.reading import Proof

PLAIN = {"plain", "gradient"}  # other backgrounds tell a mirror by themselves


def _solve(case: Case) -> Answer | str:
    sample = case.sample
    if case.question.mirrored not in ([], [1]):
        return f"mirrors pictures {case.question.mirrored}"
    if not {view.background for view in sample.views} <= PLAIN:
        return "is asked before a background that tells a mirror by itself"
    if sample.truth.covisible_fraction < case.gates.min_covisible_for_size:
        return "is asked of views that share too little"
    least = sample.decidability.chirality
    words = "its mirror image" if case.question.mirrored else "the same object"
    return Answer(Label(words, least / case.gates.min_chirality), least, ((0, 1),))


PROOFS = {
    "mirrored/object": Proof(
        of_figure(_solve, draws="mirrored", only_pairs=True),
        options={"same": "the same object", "mirror_image": "its mirror image"},
    )
}
