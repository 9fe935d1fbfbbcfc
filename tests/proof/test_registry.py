"""A kind of questions is complete where it has a proof, and its proof a test of the same name."""

from pathlib import Path

import pytest

from viewpoint100k.proof.kinds import FILES, PROOFS
from viewpoint100k.questions import KINDS
from viewpoint100k.questions.registry import FILES as QUESTION_FILES

TESTS = Path(__file__).resolve().parent / "kinds"
# nothing that could be said would tell an object from its mirror image, and sizes are all there is to say of distances
WITHOUT_CHAINS = {"mirrored/object", "nearest_of_three/object"}
FILE_OF = {kind: file.__name__.partition("proof.kinds.")[2] for file in FILES for kind in file.PROOFS}


def missing(kind):
    """What a kind still lacks, in words."""
    if kind not in FILE_OF:
        return [f"{kind} has no proof: write viewpoint100k/proof/kinds/NAME.py, and name it in FILES"]
    *folder, name = FILE_OF[kind].split(".")
    test = TESTS.joinpath(*folder, f"test_{name}.py")
    lacks = [] if test.exists() else [f"{kind} has no test of its proof: write {test.relative_to(TESTS)}"]
    if PROOFS[kind].follows is None and kind not in WITHOUT_CHAINS:
        lacks.append(f"{kind} has no rule for what follows from a chain of thought")
    return lacks


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_kind_has_a_proof_and_the_proof_a_test(kind):
    assert missing(kind) == []


def test_a_new_kind_is_told_what_it_lacks():
    assert "has no proof" in missing("which_smells/object")[0]


def test_every_proof_is_of_a_kind_that_is_asked_and_of_one_only():
    assert set(PROOFS) == {kind.name for kind in KINDS}
    assert len(PROOFS) == sum(len(file.PROOFS) for file in FILES)


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_a_kind_and_its_proof_are_in_files_of_one_name(kind):
    assert QUESTION_FILES[kind].__name__.partition("questions.kinds.")[2] == FILE_OF[kind]
