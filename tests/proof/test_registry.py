"""A kind of questions is complete where it has a proof, and both have tests in files of the kind's name."""

from pathlib import Path

import pytest

from viewpoint100k.proof.kinds import FILES as PROOF_FILES
from viewpoint100k.proof.kinds import PROOFS
from viewpoint100k.questions import KINDS
from viewpoint100k.questions.registry import DRAWN_KINDS
from viewpoint100k.questions.registry import FILES as QUESTION_FILES

TESTS = Path(__file__).resolve().parents[1]
# nothing that could be said would tell an object from its mirror image, and sizes are all there is to say of distances
WITHOUT_CHAINS = {"mirrored/object", "nearest_of_three/object"}


def by_kind(files, package):
    """Kind -> its file, as a path within the folder of kinds, without a suffix."""
    return {
        kind: module.partition(f"{package}.kinds.")[2].replace(".", "/")
        for module, kinds in files.items()
        for kind in kinds
    }


ASKED_IN = by_kind(
    {module: [kind.name for kind in kinds] for module, kinds in QUESTION_FILES.items()}, "questions"
)
PROVEN_IN = by_kind(PROOF_FILES, "proof")


def missing(kind, file):
    """What a kind in `questions/kinds/FILE.py` still lacks, in words.

    Args:
        kind: "type/frame".
        file: where it is, such as "scene/count".
    """
    folder, _, name = file.rpartition("/")
    lacks = []
    if PROVEN_IN.get(kind) != file:
        lacks.append(f"{kind} has no proof: write viewpoint100k/proof/kinds/{file}.py")
    elif PROOFS[kind].follows is None and kind not in WITHOUT_CHAINS:
        lacks.append(f"{kind} has no rule for what follows from a chain of thought")
    for wing in ("questions", "proof"):
        test = TESTS / wing / "kinds" / folder / f"test_{name}.py"
        if not test.exists():
            lacks.append(f"{kind} has no test: write tests/{test.relative_to(TESTS)}")
    return lacks


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_kind_has_a_proof_and_both_have_tests_in_files_of_its_name(kind):
    assert missing(kind, ASKED_IN[kind]) == []


def test_a_new_kind_is_told_what_it_lacks():
    assert missing("which_smells/object", "smells") == [
        "which_smells/object has no proof: write viewpoint100k/proof/kinds/smells.py",
        "which_smells/object has no test: write tests/questions/kinds/test_smells.py",
        "which_smells/object has no test: write tests/proof/kinds/test_smells.py",
    ]


def test_every_proof_is_of_a_kind_that_is_asked_and_of_one_only():
    assert set(PROOFS) == {kind.name for kind in KINDS}
    assert len(PROOFS) == sum(len(proofs) for proofs in PROOF_FILES.values())


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_a_kind_and_its_proof_are_in_files_of_one_name(kind):
    assert ASKED_IN[kind] == PROVEN_IN[kind]


DRAWN = """
    marked_point covisible_point camera_on_map revealed_side mirrored zoom_or_dolly which_view order
    composed_angle side_of front_of closer taller count nearer_to faces facing perspective
    turn_to_face side_after closer_after hops hides what_moved changed_object seen_in
    nearest_of_three highest_of_three furthest_of_three
"""


def test_kinds_keep_their_order_because_random_draws_depend_on_it():
    assert [kind.rank for kind in KINDS] == list(range(1, len(KINDS) + 1))
    drawn = DRAWN.split()
    assert [kind.type for kind in DRAWN_KINDS][: len(drawn)] == drawn
