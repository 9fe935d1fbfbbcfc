"""A sign that is wrong in a kind's own truth: the kind believes itself, and its proof refuses what it asks."""

from typing import NamedTuple

import numpy as np
import pytest
from support import audit_sets as sets
from support.scene_samples import synthetic

from viewpoint100k import audit
from viewpoint100k.audit import labels
from viewpoint100k.config import GateConfig, QuestionConfig
from viewpoint100k.proof import contradicted
from viewpoint100k.questions import ask_all, load_templates
from viewpoint100k.questions.ask import Writer
from viewpoint100k.questions.kinds import composed_angle, turned
from viewpoint100k.questions.kinds.scene import places
from viewpoint100k.validate import validate_dataset

GATES = GateConfig()


class Fault(NamedTuple):
    """A function in the file of a kind that is replaced by one with a wrong sign."""

    where: object
    name: str
    type: str  # of the questions that it makes wrong
    make: object  # samples without questions


def pairs():
    return [sets.changed(one, questions=[]) for one in sets.make_figures(objects=3, arcs=0, stars=0)]


def sets_of_views():
    return [
        sets.changed(one, questions=[]) for one in sets.make_figures(objects=4, pairs=0, orbits=0, stars=0)
    ]


def scenes():
    return [synthetic(seed, 5, size_px=256)._replace(key=f"train-00000-{seed:05d}") for seed in range(6)]


def turned_other_way(real):
    return lambda value, grey: real(-value, grey)


def around_other_way(real):
    return lambda first, second: -real(first, second)


def other_one(real):
    def closer(shot, first, second, gates):
        option, margin = real(shot, first, second, gates)
        return 1 - option, margin

    return closer


FAULTS = {
    "A": (Fault(turned, "signed", "ego_rotation", pairs), turned_other_way),
    "B": (Fault(composed_angle, "around_deg", "composed_angle", sets_of_views), around_other_way),
    "C": (Fault(places, "closer", "closer", scenes), other_one),
}


def asked(fault):
    """The samples of a fault with all that can be asked of them."""
    stored = fault.make()
    keys = [one.key for one in stored]
    samples = [one.sample for one in stored]
    writer = Writer(QuestionConfig(), load_templates(), 0)
    questions = ask_all(keys, samples, GATES, writer, np.random.default_rng(3))
    return [sets.changed(one, questions=mine) for one, mine in zip(stored, questions, strict=True)]


def of_kind(stored, kind):
    return [(one, question) for one in stored for question in one.sample.questions if question.type == kind]


@pytest.mark.parametrize("tier", FAULTS)
def test_a_wrong_sign_in_a_kinds_own_truth_is_refused(tier, monkeypatch, tmp_path):
    fault, plant = FAULTS[tier]
    assert not any(contradicted(one.sample, GATES) for one in asked(fault))
    monkeypatch.setattr(fault.where, fault.name, plant(getattr(fault.where, fault.name)))
    stored = asked(fault)
    moved = [
        (one, q) for one, q in of_kind(stored, fault.type) if not q.options[q.answer_index].startswith("no")
    ]
    assert len(moved) >= 3
    for one, question in moved:
        assert question.id in contradicted(one.sample, GATES)
    dataset = sets.write_dataset(tmp_path / "faulty", stored)
    ids = {question.id for _, question in moved}
    refused = {
        name
        for problem in validate_dataset(dataset, workers=1).problems
        for name in ids
        if f"question {name}: says" in problem.what
    }
    assert refused == ids
    assert labels.labels_recomputed(audit.load_samples(dataset)).verdict == "fail"
