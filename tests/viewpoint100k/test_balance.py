"""Thinned questions: no flat shortcut is right more often than wrong, no answer is a favourite, nobody is left out."""

from collections import Counter

import numpy as np
import pytest

from viewpoint100k.config import GateConfig
from viewpoint100k.questions import KINDS, facts_of
from viewpoint100k.questions.ask import Asked
from viewpoint100k.questions.balance import FIRES, balanced, cue_value
from viewpoint100k.questions.kinds import Fact, Kind
from viewpoint100k.records import Decidability, Truth, View

SIZE = 100
SIDES = ("left", "right", "none")
SIDEWAYS = Kind("sideways", "x", "A", SIDES, (), lambda truth, gates: None, cue="shift_x")
UPWARD = Kind("upward", "x", "A", ("down", "up", "none"), (), lambda truth, gates: None, cue="shift_y", says=1)
ROLLED = Kind("rolled", "x", "B", ("one way", "other way", "none"), (), lambda truth, gates: None)
MANY = Kind("many", "x", "B", tuple("abcdefgh"), (), lambda truth, gates: None)
NUMBER = Kind("number", "x", "B", (), (), lambda truth, gates: None)


def view(left=40.0, top=40.0, size=20.0, share=None):
    return View(
        intrinsics=[[100, 0, SIZE / 2], [0, 100, SIZE / 2], [0, 0, 1]],
        world_from_camera=np.eye(4).tolist(),
        hfov_deg=53.13,
        object_box=[left, top, left + size, top + size],
        object_share=size**2 / SIZE**2 if share is None else share,
        light="studio/world",
        background="plain",
    )


def shifted(right=0.0, down=0.0, growth=1.0):
    """Two views between which the object shifts, in hundredths of the picture, and grows in area."""
    return [view(share=0.04), view(40 + right, 40 + down, share=0.04 * growth)]


def asked(kind, option):
    return Asked(kind, Fact(option, 1.5), 0.1)


def thin(rows, seed=0):
    """Rows of (views, questions) -> for each the questions that are left."""
    views, candidates = [row[0] for row in rows], [row[1] for row in rows]
    return balanced(candidates, views, np.random.default_rng(seed))


def left_over(rows, kind, seed=0):
    """(option, views) of the questions of one kind that are left."""
    kept = thin(rows, seed)
    return [
        (one.fact.option, views)
        for (views, _), mine in zip(rows, kept, strict=True)
        for one in mine
        if one.kind is kind
    ]


# --- the flat cues -----------------------------------------------------------------------------------


def test_a_cue_is_the_shift_or_growth_of_the_box_and_nothing_below_what_one_sees():
    assert cue_value("shift_x", shifted(right=10)) == pytest.approx(0.1)
    assert cue_value("shift_x", shifted(right=-10)) == pytest.approx(-0.1)
    assert cue_value("shift_y", shifted(down=-7)) == pytest.approx(-0.07)
    assert cue_value("size", shifted(growth=1.5)) == pytest.approx(np.log(1.5))
    assert cue_value("shift_x", shifted(right=1.9, down=30)) == 0
    assert cue_value("size", shifted(growth=1.07)) == 0
    assert cue_value("", shifted(10, 10, 2)) == 0
    assert set(FIRES) == {"shift_x", "shift_y", "size"}


@pytest.mark.parametrize(
    ("type_", "cue", "answer"),
    [
        ("ego_translation", "right", "left"),  # the object goes right, so the camera went left
        ("ego_rotation", "right", "left"),
        ("vertical_translation", "down", "up"), ("pitch", "down", "up"), ("elevation", "down", "higher"),
        ("forward_translation", "grew", "forward"), ("distance", "grew", "nearer"),
    ],
)  # fmt: skip
def test_every_kind_names_the_answer_that_people_would_guess_from_the_flat_picture(type_, cue, answer):
    kind = next(kind for kind in KINDS if kind.type == type_)
    assert kind.cue == {"right": "shift_x", "down": "shift_y", "grew": "size"}[cue]
    assert kind.options[kind.says] == answer


def test_around_the_object_the_guess_is_clockwise_and_from_its_place_right():
    """A camera that goes left goes clockwise around it, and to the right of an object that faces it."""
    for name, answer in (("seen_from_above", "clockwise"), ("object_facing_camera_1", "right")):
        kind = next(kind for kind in KINDS if (kind.type, kind.frame) == ("object_translation", name))
        assert (kind.cue, kind.options[kind.says]) == ("shift_x", answer)
    signed = next(kind for kind in KINDS if kind.type == "signed_angle")
    assert signed.cue == "shift_x"
    assert all(("counter" in option) == (i % 2 == 1) for i, option in enumerate(signed.options))
    assert signed.says == 0


# --- thinning ----------------------------------------------------------------------------------------


def biased_rows(rng, kind, count=400, agreement=0.8, also=()):
    """The cue is right in 80 % of the pairs, silent in some, and nothing moves in many."""
    rows = []
    for _ in range(count):
        option = int(rng.choice(3, p=[0.3, 0.3, 0.4]))
        amount = float(rng.uniform(3, 20) if rng.random() > 0.1 else 1.0)
        true_way = -1 if option == 0 else 1  # of the camera: left or right, down or up
        seen = true_way if rng.random() > agreement else -true_way
        views = shifted(right=seen * amount) if kind.cue == "shift_x" else shifted(down=-seen * amount)
        rows.append((views, [asked(kind, option), *also]))
    return rows


@pytest.mark.parametrize("kind", [SIDEWAYS, UPWARD])
@pytest.mark.parametrize("seed", range(3))
def test_after_thinning_a_cue_is_right_exactly_as_often_as_wrong_for_either_answer(kind, seed):
    rows = biased_rows(np.random.default_rng(seed), kind, also=[asked(ROLLED, 2)])
    before, after = Counter(), Counter()
    for counts, found in ((before, [(r[1][0].fact.option, r[0]) for r in rows]), (after, left_over(rows, kind, seed))):
        for option, (one, two) in found:
            axis = 0 if kind is SIDEWAYS else 1
            shift = two.object_box[axis] - one.object_box[axis]
            if option == 2 or abs(shift) < 2:
                continue
            # against the camera in x; the same way for up and down, where y points down
            guess = (0 if shift > 0 else 1) if kind is SIDEWAYS else (1 if shift > 0 else 0)
            counts[option, guess == option] += 1
    assert before[0, False] < 0.5 * before[0, True]  # this file's rows favour the cue
    assert after[0, True] == after[0, False] == min(before[0, True], before[0, False])
    assert after[1, True] == after[1, False] == min(before[1, True], before[1, False])


@pytest.mark.parametrize("seed", range(3))
def test_none_is_right_in_a_fifth_of_the_questions_that_are_left(seed):
    rows = biased_rows(np.random.default_rng(seed), SIDEWAYS, also=[asked(NUMBER, -1)])
    options = Counter(option for option, _ in left_over(rows, SIDEWAYS, seed))
    assert options[2] / options.total() == pytest.approx(0.2, abs=0.01)


def test_where_there_are_few_nones_all_of_them_stay():
    rows = [(shifted(), [asked(SIDEWAYS, i % 2)]) for i in range(40)] + [(shifted(), [asked(SIDEWAYS, 2)])]
    assert Counter(option for option, _ in left_over(rows, SIDEWAYS)) == {0: 20, 1: 20, 2: 1}


def test_a_kind_without_a_cue_keeps_all_its_ways():
    rows = [(shifted(right=9), [asked(ROLLED, i % 2)]) for i in range(30)]
    assert Counter(option for option, _ in left_over(rows, ROLLED)) == {0: 15, 1: 15}


def test_no_option_of_many_is_right_much_more_often_than_the_others():
    numbers = [0] * 50 + [1] * 9 + [2] * 10 + [3] * 11 + [4] * 9 + [5] * 12 + [6] * 8 + [7] * 10
    rows = [(shifted(), [asked(MANY, option), asked(NUMBER, -1)]) for option in numbers]
    counts = Counter(option for option, _ in left_over(rows, MANY))
    assert set(counts) == set(range(8))
    assert max(counts.values()) <= 12
    assert sum(counts.values()) >= 70


def test_numbers_are_never_thinned():
    rows = [(shifted(right=9), [asked(NUMBER, -1)]) for _ in range(20)]
    assert len(left_over(rows, NUMBER)) == 20


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_left_without_a_question(seed):
    rows = biased_rows(np.random.default_rng(seed), SIDEWAYS, 60, agreement=1.0)  # of one kind, the cue always right
    kept = thin(rows, seed)
    assert all(len(mine) == 1 for mine in kept)
    assert thin([(shifted(), [])]) == [[]]  # but none is invented


def test_who_would_be_left_without_one_keeps_one_that_no_cue_tells():
    rows = [(shifted(right=-9), [asked(SIDEWAYS, 1), asked(ROLLED, 2), asked(ROLLED, 1)]) for _ in range(1)]
    assert [(one.kind.type, one.fact.option) for one in thin(rows)[0]] == [("rolled", 1)]
    lonely = [(shifted(right=-9), [asked(SIDEWAYS, 1), asked(ROLLED, 2)])]
    assert [one.kind.type for one in thin(lonely)[0]] == ["rolled"]


def test_questions_keep_their_order_and_none_is_added():
    rng = np.random.default_rng(1)
    rows = biased_rows(rng, SIDEWAYS, 80, also=[asked(ROLLED, 0), asked(MANY, 3)])
    for (_, before), after in zip(rows, thin(rows), strict=True):
        rest = iter(before)
        assert all(one in rest for one in after)


def test_the_same_seed_thins_the_same():
    rows = biased_rows(np.random.default_rng(2), SIDEWAYS, 100, also=[asked(NUMBER, -1)])
    assert thin(rows, 3) == thin(rows, 3)
    assert thin(rows, 3) != thin(rows, 4)


# --- real kinds --------------------------------------------------------------------------------------


def random_truth(rng):
    """Amounts of every motion, with no camera behind them: each nothing or clear, either way."""

    def amount(size):
        return float(rng.choice([-size, 0.0, size]))

    return Truth(
        second_from_first=np.eye(4).tolist(),
        translation=[amount(0.3), amount(0.3), amount(0.3)],
        yaw_deg=amount(12),
        pitch_deg=amount(10),
        roll_deg=amount(12),
        azimuth_change_deg=amount(float(rng.choice([20, 40, 60, 90]))),
        elevation_change_deg=amount(12),
        distance_ratio=float(np.exp(amount(0.3))),
        focal_ratio=1.0,
        azimuth_deg=0.0,
        elevation_deg=0.0,
        rotation_deg=0.0,
        covisible_fraction=0.5,
        front_azimuth_deg=None,
    )


def test_every_real_kind_with_a_cue_is_balanced_against_it_in_a_mixed_shard():
    rng, rows = np.random.default_rng(0), []
    sure = Decidability(**dict.fromkeys(Decidability.model_fields, 1.0))
    for _ in range(900):
        truth = random_truth(rng)
        x, y, z = truth.translation
        views = shifted(-40 * x + rng.normal(0, 8), -40 * y + rng.normal(0, 8), np.exp(2 * z + rng.normal(0, 0.4)))
        rows.append((views, facts_of(truth, sure, GateConfig())))
    kept = thin(rows)
    for kind in (kind for kind in KINDS if kind.cue):
        agree = Counter()
        for (views, _), mine in zip(rows, kept, strict=True):
            for one in mine:
                value = cue_value(kind.cue, views)
                if one.kind is kind and value and one.kind.options[one.fact.option].split()[0] not in NONE:
                    guess = kind.says if value > 0 else 1 - kind.says
                    agree[one.fact.option % 2, one.fact.option % 2 == guess] += 1
        assert agree[0, True] == agree[0, False] > 1, kind.name
        assert agree[1, True] == agree[1, False] > 1, kind.name


NONE = {"no", "neither", "equally"}
