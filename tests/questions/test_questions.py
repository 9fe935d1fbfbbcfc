"""When questions are asked; options and letters that give nothing away; what prompts say beside their wordings."""

import itertools
import json
from collections import Counter, defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
from support.acted_motions import (
    ABOVE,
    ANGLE,
    BOTH,
    DISTANCE,
    EGO,
    ELEVATION,
    FACING,
    FORWARD,
    FRONT,
    GATES,
    NEXT,
    NUMBER,
    PITCH,
    POSE,
    ROLL,
    SOUTH,
    TURN,
    VERTICAL,
    WAY,
    WHICH,
    answers,
    camera,
    certain,
    truth,
    view,
)
from support.kinds import options_of

from viewpoint100k.config import QuestionConfig
from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.questions import KINDS, carries_question, facts_of, load_templates
from viewpoint100k.questions.ask import Writer, askable, word_all
from viewpoint100k.questions.kind import PairKind
from viewpoint100k.questions.wording import Templates
from viewpoint100k.records import Decidability, ObjectRecord, Provenance, Sample, Seen
from viewpoint100k.scoring import score

TEMPLATES = Templates(
    load_templates().vocabulary,
    {kind.name: {"train": ["Which way?", "Where to?"], "test": ["Whither?", "And now?"]} for kind in KINDS},
)
LETTERS_ONLY = QuestionConfig(other_forms=0)


def sample(second, first=SOUTH, split="train", decidability=None, **more):
    return Sample(
        object=ObjectRecord(uid="thing"),
        preset="smoke",
        family="mixed",
        split=split,
        views=[view(first), view(second)],
        truth=truth(second, first, **more),
        decidability=decidability or certain(),
        questions=[],
        provenance=Provenance(seed=0, config_hash="c0ffee", code_version="0", renderer="none", device="cpu"),
    )


def ask(samples, settings=LETTERS_ONLY, start=0, seed=0):
    keys = [f"train-00000-{number:05d}" for number in range(len(samples))]
    rng = np.random.default_rng(seed)
    candidates = [askable(one, GATES, rng) for one in samples]  # nothing is thinned: test_balance.py
    return word_all(keys, samples, candidates, GATES, Writer(settings, TEMPLATES, start), rng)


def test_the_hand_made_cameras_agree():
    assert np.allclose(camera(), SOUTH)
    assert np.allclose(camera(3, 0, bearing_deg=-90), look_at([3.0, 0, 0], [0, 0, 0]))
    assert np.allclose(camera(0, -3, 3, pitch_deg=-45), look_at([0, -3.0, 3.0], [0, 0, 0]))
    assert np.allclose(camera(roll_deg=20), look_at([0, -3.0, 0], [0, 0, 0], 20.0))


def test_the_kinds_are_those_of_all_tiers_and_no_two_have_one_name():
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names) == 47
    assert {EGO, FACING, ABOVE, TURN, FRONT, PITCH, ROLL, VERTICAL, FORWARD, BOTH, WHICH, NEXT, POSE} < set(
        names
    )
    assert {ANGLE, NUMBER, WAY, DISTANCE, ELEVATION} < set(names)
    for kind in KINDS:
        assert len(set(kind.options)) == len(kind.options)
        if isinstance(kind, PairKind):
            assert set(kind.decided_by) <= set(Decidability.model_fields)


# --- when it is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "missing"),
    [
        (camera(0.5), EGO),  # a sixth of the distance: neither nothing nor clear
        (camera(0.5), FACING),
        (camera(0.6), ABOVE),  # 11 degrees around
        (camera(bearing_deg=5), TURN),
        (camera(height=0.5), VERTICAL),
        (camera(north=-2.7), FORWARD),  # a tenth of the distance
        (camera(north=-2.75), DISTANCE),
        (camera(pitch_deg=5), PITCH),
        (camera(roll_deg=-5), ROLL),
        (camera(height=0.3), ELEVATION),  # 6 degrees
        (camera(0.8, -0.9), EGO),  # twice as far ahead as aside: people say "forward"
        (camera(0.9, -3, 2.0), EGO),
    ],
)
def test_what_lies_in_the_grey_band_is_not_asked(second, missing):
    assert missing not in answers(second)


ALL_AT_ONCE = camera(1.2, -2.0, 1.0, bearing_deg=-25, pitch_deg=-12, roll_deg=10)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("translation", {EGO, FACING, FRONT, POSE, BOTH}), ("rotation", {TURN, POSE}), ("vertical", {VERTICAL, BOTH}),
        ("azimuth", {ABOVE, ANGLE, NUMBER, WAY}), ("pitch", {PITCH}), ("roll", {ROLL}), ("elevation", {ELEVATION}),
        ("distance", {DISTANCE}), ("forward", {FORWARD}),
    ],
)  # fmt: skip
def test_what_the_picture_cannot_show_is_not_asked(name, gone):
    def names(decidability):
        found = facts_of(truth(ALL_AT_ONCE, front=-90.0), decidability, GATES)
        return {one.kind.name for one in found}

    everything = names(certain())
    assert gone - {ANGLE, WAY} <= everything
    assert everything - names(certain(**{name: 0.029})) == gone & everything
    assert names(certain(**{name: 0.031})) == everything
    assert names(certain(0.0)) == set()


def test_margins_are_at_least_one_and_grow_with_the_motion():
    def margins(second):
        return {one.kind.name: one.fact.margin for one in facts_of(truth(second), certain(), GATES)}

    small, large = margins(camera(0.8)), margins(camera(2.0))
    assert 1 <= small[EGO] < large[EGO]
    for margin in (small, large, margins(SOUTH), margins(ALL_AT_ONCE)):
        assert min(margin.values()) >= 1
    assert margins(SOUTH)[EGO] == pytest.approx(2)  # nothing at all: as far below the band as can be


def known(truth, decidability):
    return SimpleNamespace(
        views=[None, None], truth=truth, decidability=decidability, seen=Seen(), scene=None
    )


def test_a_pair_that_moves_must_be_asked_about_a_motion():
    moves, still = truth(camera(1.0)), truth(SOUTH)
    assert carries_question(known(moves, certain()), GATES)
    assert carries_question(known(still, certain()), GATES)
    names = ("translation", "vertical", "forward", "azimuth")
    undecided = certain(**dict.fromkeys(names, 0.0))
    assert not carries_question(known(moves, undecided), GATES)  # "no roll" alone is no question
    assert not carries_question(known(still, certain(0.0)), GATES)


def test_swapping_the_views_swaps_the_answers():
    opposite = {
        "left": "right", "clockwise": "counter-clockwise", "nearer": "farther", "up": "down", "higher": "lower",
        "forward": "backward", "moved right, turned left": "moved left, turned right",
        "left and up": "right and down", "right and up": "left and down",
    }  # fmt: skip
    opposite |= {there: back for back, there in opposite.items()}
    first, second = camera(0, -2.6, 0.4, 0, -8), camera(1.5, -2.6, 1.9, -22, -22)
    there, back = answers(second, first), answers(first, second)
    both = set(there) & set(back) - {ANGLE, WAY, WHICH}
    assert {EGO, TURN, ABOVE, VERTICAL, PITCH, ELEVATION} <= both
    assert {kind: opposite.get(there[kind], there[kind]) for kind in both} == {
        kind: back[kind] for kind in both
    }


# --- options, letters, words -------------------------------------------------------------------------


def test_each_letter_is_right_equally_often_for_each_answer():
    samples = [sample(camera(1.0 if number % 2 else -1.0)) for number in range(60)]
    letters = Counter()
    for questions in ask(samples, start=3):
        for question in questions:
            letters[
                question.type, question.frame, question.options[question.answer_index], question.answer
            ] += 1
    for kind_and_answer in {key[:3] for key in letters if key[0] == "ego_translation"}:
        found = [letters[*kind_and_answer, letter] for letter in "ABC"]
        assert min(found) > 0
        assert max(found) - min(found) <= 1


def test_many_small_shards_together_have_balanced_letters():
    letters = Counter()
    for shard in range(120):
        asked_here = ask([sample(camera(1.0)), sample(camera(-1.0))], start=shard, seed=shard)
        letters.update(q.answer for questions in asked_here for q in questions if q.type == "ego_translation")
    assert set(letters) == set("ABC")
    assert letters.total() > 100
    assert max(letters.values()) - min(letters.values()) <= 12


def test_the_order_of_the_options_does_not_tell_which_is_right():
    orders = defaultdict(Counter)
    for questions in ask([sample(camera(1.0 if n % 2 else -1.0)) for n in range(200)]):
        for question in (q for q in questions if q.type == "ego_translation"):
            orders[question.options[question.answer_index]][tuple(question.options)] += 1
    assert {len(seen) for seen in orders.values()} == {6}


def asked(name, seconds, settings=LETTERS_ONLY, **more):
    samples = [sample(second, **more) for second in seconds]
    found = [q for questions in ask(samples, settings) for q in questions]
    return [q for q in found if f"{q.type}/{q.frame}" == name]


SINGLE_MOTIONS = [
    camera(1.0), camera(-1.0), camera(height=1.0), camera(height=-1.0), camera(north=-2.0), camera(north=-4.0),
    camera(bearing_deg=13), camera(bearing_deg=-13), camera(pitch_deg=10), camera(pitch_deg=-10),
    camera(roll_deg=15), camera(roll_deg=-15),
]  # fmt: skip


def test_four_of_many_options_are_shown_with_the_right_one_and_its_opposite():
    found = asked(NEXT, SINGLE_MOTIONS * 5)
    assert len(found) >= 40
    kind = next(kind for kind in KINDS if kind.name == NEXT)
    shown = Counter()
    for question in found:
        numbers = [options_of(kind).index(option) for option in question.options]
        assert [kind.options[n] for n in numbers] == question.option_keys
        assert len(set(numbers)) == 4
        assert sorted(n ^ 1 for n in numbers) == sorted(numbers)  # twins: neither is left out
        shown.update(n // 2 for n in numbers)
    assert set(shown) == set(range(6))
    letters = Counter(question.answer for question in found)
    assert set(letters) == set("ABCD")


def test_four_kinds_of_motion_are_shown_the_right_one_among_them():
    found = asked(WHICH, [*SINGLE_MOTIONS[::2], camera(3, 0, bearing_deg=-90)] * 5)
    assert len(found) >= 25
    assert all(len(set(question.options)) == 4 for question in found)
    assert len({frozenset(question.options) for question in found}) > 6


def test_small_sets_are_shown_whole_whatever_is_right():
    every_way = [
        camera(1.2 * x, -2.0, z, bearing_deg=25 * yaw, pitch_deg=-12 * z, roll_deg=10 * z)
        for x, yaw, z in itertools.product((1, -1), repeat=3)
    ]
    for name in (EGO, VERTICAL, ROLL, POSE):
        kind = next(kind for kind in KINDS if kind.name == name)
        found = asked(name, every_way * 4)
        assert found
        assert all(sorted(question.options) == sorted(options_of(kind)) for question in found)


@pytest.mark.parametrize("form", ["letter", "digit", "word", "json", "number"])
def test_every_answer_form_shows_its_options_its_own_way_and_says_how_to_answer(form):
    marks = {"letter": "A.", "json": "A.", "digit": "1.", "word": "-"}
    endings = {
        "letter": "letter",
        "json": "JSON",
        "digit": "number of the correct",
        "word": "words",
        "number": "degrees",
    }
    seconds = [ALL_AT_ONCE, camera(1.0), look_at([2.0, -2.2, 0.0], [0, 0, 0])] * 10
    samples = [one for second in seconds for one in (sample(second), sample(SOUTH, second))]
    found = [q for qs in ask(samples, QuestionConfig(other_forms=0.9)) for q in qs if q.answer_form == form]
    assert len(found) >= 10
    for question in found:
        lines = question.prompt.split("\n")
        assert endings[form] in lines[-1]
        assert len(lines) == 2 + len(question.options)
        if form == "number":
            assert question.options == []
            assert (question.answer_index, question.answer) == (-1, f"{question.value:.0f}")
        else:
            assert lines[1] == f"{marks[form]} {question.options[0]}"
            right = question.options[question.answer_index]
            place = question.answer_index
            assert {
                "letter": question.answer == "ABCD"[place], "digit": question.answer == str(place + 1),
                "word": question.answer == right,
                "json": form == "json" and json.loads(question.answer) == {"answer": "ABCD"[place]},
            }[form]  # fmt: skip
        gold = question.answer, question.options, question.answer_index, form, question.value
        assert score(*gold) == 1


def test_other_forms_have_their_share():
    samples = [sample(ALL_AT_ONCE), sample(SOUTH, ALL_AT_ONCE)] * 40
    for share in (0.0, 0.25, 1.0):
        forms = [
            q.answer_form for qs in ask(samples, QuestionConfig(other_forms=share)) for q in qs if q.options
        ]
        assert np.mean([form != "letter" for form in forms]) == pytest.approx(share, abs=0.1)
    assert set(forms) == {"digit", "word", "json"}


def test_the_lens_is_told_where_size_means_something_and_nowhere_else():
    samples = [
        sample(camera(north=-1.9)).model_copy(
            update={"views": [view(SOUTH, 60.0), view(camera(north=-1.9), second)]}
        )
        for second in (60.0, 42.0)
    ]
    same, other = ask(samples)
    for questions, words in (
        (same, "of 60 degrees"),
        (other, "60 degrees in image 1 and 42 degrees in image 2"),
    ):
        told = {f"{q.type}/{q.frame}" for q in questions if words in q.prompt.split("\n")[0]}
        assert told <= {FORWARD, DISTANCE, WHICH, NEXT}
        assert {f"{q.type}/{q.frame}" for q in questions} & {FORWARD, DISTANCE, WHICH, NEXT} == told


def test_wordings_for_testing_are_never_used_for_training():
    for split, words in (("train", {"Which way?", "Where to?"}), ("validation", {"Which way?", "Where to?"}),
                         ("test", {"Whither?", "And now?"})):  # fmt: skip
        found = [q for qs in ask([sample(camera(1.0, bearing_deg=12), split=split)] * 9) for q in qs]
        used = {
            next(w for w in ("Which way?", "Where to?", "Whither?", "And now?") if q.prompt.startswith(w))
            for q in found
        }
        assert used == words
        use = "test" if split == "test" else "train"
        assert all(q.template.startswith(f"{q.type}/{q.frame}/{use}/") for q in found)


def test_the_same_seed_asks_the_same():
    samples = [sample(ALL_AT_ONCE), sample(camera(1.0)), sample(SOUTH)] * 4
    assert ask(samples, seed=1) == ask(samples, seed=1)
    assert ask(samples, seed=1) != ask(samples, seed=2)


def test_ids_name_sample_and_kind():
    ids = [q.id for qs in ask([sample(ALL_AT_ONCE), sample(ALL_AT_ONCE)]) for q in qs]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith(("train-00000-00000-", "train-00000-00001-")) for one in ids)
