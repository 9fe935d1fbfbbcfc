"""Fair questions with figures and about sets of views pass, and whatever is planted in them is found."""

import importlib.util
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import audit_sets as sets

from viewpoint100k import audit
from viewpoint100k.audit import figures, gates, labels, poses
from viewpoint100k.proof import contradicted
from viewpoint100k.questions.registry import DRAWN_KINDS

FIGURES = sorted(kind.type for kind in DRAWN_KINDS if kind.tier == "B")
needs_sklearn = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="needs the extra [audit]"
)


@pytest.fixture(scope="module")
def fair():
    """Samples without any fault, in memory. Not to be changed."""
    return sets.make_figures()


@pytest.fixture
def loaded(tmp_path):
    """Writes samples and reads them as the audit does."""
    return lambda stored: audit.load_samples(sets.write_dataset(tmp_path / "set", stored))


def planted(fair, kind, change, where=lambda question: True):
    """(samples, key): the first question of a kind, changed by a function that returns its other fields."""
    place, one = next(
        (i, one)
        for i, one in enumerate(fair)
        if any(q.type == kind and where(q) for q in one.sample.questions)
    )
    questions = list(one.sample.questions)
    at = next(i for i, q in enumerate(questions) if q.type == kind and where(q))
    questions[at] = questions[at].model_copy(update=change(questions[at]))
    return [sets.changed(one, questions=questions), *fair[place + 1 : place + 6]], one.key


def found_by(probe, samples, key):
    """What a probe says of the planted fault, of which there is one."""
    found = probe(samples)
    assert (found.verdict, found.worst) == ("fail", [key]), found.because
    return found.because


def another_answer(question):
    return {"answer_index": (question.answer_index + 1) % len(question.options)}


def with_sample(fair, kind, change):
    """(samples, key): the first sample with such a question, changed by a function that returns its other fields."""
    place, one = next(
        (i, one) for i, one in enumerate(fair) if any(q.type == kind for q in one.sample.questions)
    )
    return [sets.changed(one, **change(one.sample)), *fair[place + 1 : place + 6]], one.key


# --- a fair set ------------------------------------------------------------------------------------


def test_fair_figures_pass(fair, loaded):
    samples = loaded(fair)
    asked = Counter(question.type for one in fair for question in one.sample.questions)
    new = set(FIGURES)
    assert new <= set(asked), f"not asked: {new - set(asked)}"
    probes = (
        labels.labels_recomputed, labels.truth_recomputed, labels.metamorphic, labels.reversal, poses.surface_points,
        gates.boxes, gates.pictures, gates.same_picture, gates.covisibility, gates.decidability,
    )  # fmt: skip
    found = [probe(samples) for probe in probes]
    assert {one.name: one.because for one in found if one.verdict != "pass"} == {}


# --- wrong answers and figures ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", FIGURES)
def test_a_wrong_answer_is_found(fair, loaded, kind):
    stored, key = planted(fair, kind, another_answer)
    assert "the poses say" in found_by(labels.labels_recomputed, loaded(stored), key)


def test_nothing_fair_is_contradicted(fair):
    assert {one.key: found for one in fair if (found := contradicted(one.sample, sets.GATES))} == {}


@pytest.mark.parametrize("kind", FIGURES)
def test_a_contradicted_question_is_named_before_it_is_written_and_no_other(fair, kind):
    stored, _ = planted(fair, kind, another_answer)
    sample = stored[0].sample
    (wrong,) = [question.id for question in sample.questions if question.type == kind]
    found = contradicted(sample, sets.GATES)
    assert list(found) == [wrong]
    assert "the poses say" in found[wrong]


def test_the_twin_of_a_contradicted_question_is_named_too(fair):
    one = next(one for one in fair if any(q.id.endswith("-reversed") for q in one.sample.questions))
    twin = next(q for q in one.sample.questions if q.id.endswith("-reversed"))
    parent = twin.id.removesuffix("-reversed")
    for wrong, other in ((parent, twin.id), (twin.id, parent)):
        faulty = sets.with_questions(
            one, lambda q, wrong=wrong: {"decidability": 0.0301} if q.id == wrong else {}
        )
        found = contradicted(faulty.sample, sets.GATES)
        assert set(found) == {parent, twin.id}
        assert "its sample says" in found[wrong]
        assert "twin" in found[other]


def test_a_dot_beside_its_point_is_found(fair, loaded):
    def move(question):
        first, *others = question.marks
        return {"marks": [first.model_copy(update={"x": first.x + 3}), *others]}

    stored, key = planted(fair, "marked_point", move)
    assert "px from the nearest visible point" in found_by(labels.labels_recomputed, loaded(stored), key)


def test_a_dot_on_a_point_that_is_not_seen_is_found(fair, loaded):
    def hide(sample):
        mark = next(q for q in sample.questions if q.type == "covisible_point").marks[0]
        points = [
            p.model_copy(update={"visible": ["unclear", p.visible[1]]})
            if math.dist(p.pixels[0], (mark.x, mark.y)) < 0.1
            else p
            for p in sample.seen.points
        ]
        questions = [q for q in sample.questions if q.type == "covisible_point"]
        return {"seen": sample.seen.model_copy(update={"points": points}), "questions": questions}

    stored, key = with_sample(fair, "covisible_point", hide)
    assert "visible point" in found_by(labels.labels_recomputed, loaded(stored), key)


def test_a_hidden_point_beside_the_object_is_found(fair, loaded):
    def shrink(sample):
        questions = [q for q in sample.questions if q.type == "covisible_point"]
        view = sample.views[1].model_copy(update={"object_box": [0.0, 0.0, 2.0, 2.0]})
        return {"views": [sample.views[0], view, *sample.views[2:]], "questions": questions}

    stored, key = with_sample(fair, "covisible_point", shrink)
    assert "beside its box" in found_by(labels.labels_recomputed, loaded(stored), key)


def stayed(sample):
    """The second camera where the first was."""
    views = [
        sample.views[0],
        sample.views[1].model_copy(update={"world_from_camera": sample.views[0].world_from_camera}),
    ]
    kept = [q for q in sample.questions if q.type in ("revealed_side", "covisible_point")]
    return {"views": views, "questions": kept}


@pytest.mark.parametrize(("kind", "word"), [("revealed_side", "revealed"), ("covisible_point", "hidden")])
def test_what_a_camera_that_stays_is_said_to_hide_or_reveal_is_found(fair, kind, word):
    def of_kind(question):
        says = question.options[question.answer_index] != "it can be seen" if question.options else False
        return question.type == kind and says

    one = next(one for one in fair if len(one.sample.views) == 2 and any(map(of_kind, one.sample.questions)))
    wrong = next(q for q in one.sample.questions if of_kind(q))
    found = contradicted(sets.changed(one, **stayed(one.sample)).sample, sets.GATES)
    assert (
        f"a {'side was' if kind == 'revealed_side' else 'point is'} {word}, and the camera is where it was"
        in found[wrong.id]
    )


@pytest.mark.parametrize("kind", ["revealed_side", "covisible_point"])
@pytest.mark.parametrize("number", [0, 1])
def test_an_object_of_a_few_pixels_that_decide_is_found(fair, kind, number):
    one = next(one for one in fair if any(q.type == kind for q in one.sample.questions))
    views = list(one.sample.views)
    views[number] = views[number].model_copy(update={"object_share": 199 / sets.SIZE_PX**2})
    found = contradicted(sets.changed(one, views=views).sample, sets.GATES)
    (asked,) = [q.id for q in one.sample.questions if q.type == kind]
    assert found[asked] == f"is asked of an object of 199 pixels in image {number + 1}, fewer than 200"


def test_a_dropped_mirror_is_found(fair, loaded):
    stored, key = planted(
        fair, "mirrored", lambda question: {"mirrored": []}, lambda question: question.mirrored
    )
    assert "the same object" in found_by(labels.labels_recomputed, loaded(stored), key)


def test_a_turned_map_is_found(fair, loaded):
    def turn(question):
        cameras = question.map_cameras
        return {"map_cameras": [c.model_copy(update={"azimuth_deg": c.azimuth_deg + 20}) for c in cameras]}

    stored, key = planted(fair, "camera_on_map", turn)
    assert "0 cameras" in found_by(labels.labels_recomputed, loaded(stored), key)


def test_swapped_sides_are_found(fair, loaded):
    """Front for back and left for right in both views: the answers follow, and where the camera stands does not."""

    def swap(sample):
        sides = [[back, front, right, left, *rest] for front, back, left, right, *rest in sample.seen.sides]
        return {"seen": sample.seen.model_copy(update={"sides": sides})}

    stored, key = with_sample(fair, "revealed_side", swap)
    assert "revealed_side" in found_by(labels.labels_recomputed, loaded(stored), key)


def test_another_lens_than_the_answer_says_is_found(fair, loaded):
    def zoom(sample):
        view = sample.views[1]
        (f, _, c), _, last = view.intrinsics
        lens = [[2 * f, 0.0, c], [0.0, 2 * f, c], last]
        questions = [q for q in sample.questions if q.type == "zoom_or_dolly"]
        return {
            "views": [sample.views[0], view.model_copy(update={"intrinsics": lens})],
            "questions": questions,
        }

    fitting = [one for one in fair if any(q.answer_index == 1 for q in one.sample.questions)]
    stored, key = with_sample(
        [one for one in fitting if abs(one.sample.truth.focal_ratio - 1) < 0.01], "zoom_or_dolly", zoom
    )
    assert "zoom_or_dolly" in found_by(labels.labels_recomputed, loaded(stored), key)


def test_words_that_lead_elsewhere_are_found(fair, loaded):
    def other_way(question):
        way = {"clockwise": "counter-clockwise", "counter-clockwise": "clockwise"}
        words = [way.get(word, word) for word in question.prompt.split(" ")]
        return {"prompt": " ".join(words)}

    stored, key = planted(fair, "which_view", other_way, lambda question: "40 degrees" in question.prompt)
    assert "which_view" in found_by(labels.labels_recomputed, loaded(stored), key)


def test_a_figure_of_another_kind_is_found(fair, loaded):
    stored, key = planted(fair, "camera_on_map", lambda question: {"mirrored": [1]})
    assert "does not draw" in found_by(labels.labels_recomputed, loaded(stored), key)


# --- twins -----------------------------------------------------------------------------------------


def is_twin(question):
    return question.images == [1, 0]


@pytest.mark.parametrize("kind", ["ego_rotation", "roll", "signed_angle", "elevation"])
def test_a_twin_with_its_parents_answer_is_found(fair, loaded, kind):
    parents = {q.id: q.options[q.answer_index] for one in fair for q in one.sample.questions if q.options}

    def clear(question):
        return is_twin(question) and not parents[question.id].startswith(("no", "equal"))

    def same(question):
        return {"answer_index": question.options.index(parents[question.id.removesuffix("-reversed")])}

    def told(question):
        parent = parents.get(question.id.removesuffix("-reversed"))
        return clear(question) and parent in question.options

    stored, key = planted(fair, kind, same, told)
    assert "one way and" in found_by(labels.reversal, loaded(stored), key)


def test_a_twin_without_a_parent_is_found(fair, loaded):
    def lone(sample):
        return {"questions": [q for q in sample.questions if q.type != "ego_rotation" or is_twin(q)]}

    stored, key = with_sample(
        [one for one in fair if any(is_twin(q) and q.type == "ego_rotation" for q in one.sample.questions)],
        "ego_rotation",
        lone,
    )
    assert "has no parent" in found_by(labels.reversal, loaded(stored), key)


# --- what must not be asked ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["camera_on_map", "zoom_or_dolly", "mirrored"])
def test_an_undecidable_figure_is_found(fair, loaded, kind):
    name = {"camera_on_map": "azimuth", "zoom_or_dolly": "perspective", "mirrored": "chirality"}[kind]

    def same_from_elsewhere(sample):
        questions = [q for q in sample.questions if q.type == kind]
        return {"decidability": sample.decidability.model_copy(update={name: 0.01}), "questions": questions}

    stored, key = with_sample(fair, kind, same_from_elsewhere)
    assert "its sample says 0.0100" in found_by(gates.decidability, loaded(stored), key)


def test_a_twin_judged_by_its_parents_decidability_is_found(fair, loaded):
    def unlike(sample):
        other = sample.decidability.model_copy(update={"rotation": 0.01})
        return {
            "decidability_reversed": other,
            "questions": [q for q in sample.questions if q.type == "ego_rotation"],
        }

    stored, key = with_sample(
        [one for one in fair if any(is_twin(q) and q.type == "ego_rotation" for q in one.sample.questions)],
        "ego_rotation",
        unlike,
    )
    assert "its sample says 0.0100" in found_by(gates.decidability, loaded(stored), key)


@pytest.mark.parametrize("kind", ["order", "composed_angle", "which_view"])
def test_views_of_a_set_that_share_nothing_are_found(fair, loaded, kind):
    def apart(sample):
        shared = np.eye(4).tolist()
        truth = sample.truth.model_copy(update={"covisible_fraction": 0.0})
        return {"seen": sample.seen.model_copy(update={"covisible_fraction": shared}), "truth": truth}

    stored, key = with_sample(fair, kind, apart)
    assert "share 0.000" in found_by(gates.covisibility, loaded(stored), key)


def test_a_set_with_one_picture_twice_is_found(fair, loaded):
    place, one = next((i, one) for i, one in enumerate(fair) if len(one.images) == 4)
    twice = one._replace(images=[*one.images[:3], one.images[1]])
    assert "views 1 and 3" in found_by(
        gates.same_picture, loaded([twice, *fair[place + 1 : place + 6]]), one.key
    )


def test_a_point_elsewhere_in_the_world_is_found(fair, loaded):
    point = fair[0].sample.seen.points[0]
    moved = point.model_copy(update={"world": [point.world[0], point.world[1], point.world[2] + 0.2]})
    seen = fair[0].sample.seen.model_copy(update={"points": [moved, *fair[0].sample.seen.points[1:]]})
    stored = [sets.changed(fair[0], seen=seen), *fair[1:6]]
    assert "px from where" in found_by(poses.surface_points, loaded(stored), fair[0].key)


# --- flat shortcuts --------------------------------------------------------------------------------


def only(fair, kind, change):
    """All samples with a question of a kind, which is changed; other questions are left out."""
    out = []
    for one in fair:
        questions = [
            q.model_copy(update={"fair": True} | change(one.sample, q))
            for q in one.sample.questions
            if q.type == kind
        ]
        out += [sets.changed(one, questions=questions)] if questions else []
    return out


def test_a_right_dot_that_stays_at_its_pixel_is_found(fair, loaded):
    def stay(sample, question):
        colour = question.options[question.answer_index].split()[1]
        there = next(mark for mark in question.marks if mark.image == 1 and mark.colour == colour)
        first, *others = question.marks
        return {"marks": [first.model_copy(update={"x": there.x, "y": there.y}), *others]}

    found = figures.figure_rules(loaded(only(fair, "marked_point", stay)))
    assert found.verdict == "fail"
    assert "nearest to where the mark was" in found.because


def test_views_that_are_shown_in_order_are_found(fair, loaded):
    def in_order(sample, question):
        return {"answer_index": question.options.index("2, 3, 4")}

    found = figures.figure_rules(loaded(only(fair, "order", in_order)))
    assert found.verdict == "fail"
    assert "as they are shown" in found.because


def test_a_camera_that_is_always_the_nearest_is_found(fair, loaded):
    def nearest(sample, question):
        camera = min(question.map_cameras, key=lambda camera: abs(camera.azimuth_deg))
        return {"answer_index": question.options.index(f"the {camera.colour} camera")}

    found = figures.figure_rules(loaded(only(fair, "camera_on_map", nearest)))
    assert found.verdict == "fail"
    assert "nearest to the white one" in found.because


@needs_sklearn
def test_a_dot_whose_place_on_the_object_tells_is_found(fair, loaded):
    """Dots to the left of the box's middle are seen, dots to the right hidden."""

    def place(sample, question):
        left, top, right, bottom = sample.views[0].object_box
        seen = question.options[question.answer_index] == "it can be seen"
        x = left + (right - left) * (0.3 if seen else 0.7)
        return {"marks": [question.marks[0].model_copy(update={"x": x, "y": 0.5 * (top + bottom)})]}

    found = figures.figure_alone(loaded(only(fair, "covisible_point", place)))
    assert found.verdict == "fail"
    assert found.value > 0.9
    assert "image 1 and its dot" in found.because


def test_a_mirrored_picture_is_looked_at_as_it_is_shown(fair, loaded):
    place = next(i for i, one in enumerate(fair) if any(q.mirrored for q in one.sample.questions))
    one = next(o for o in loaded([fair[place]]).asked()["mirrored/object"] if o.question.mirrored)
    assert (one.looks[1].small == one.item.looks[1].small[:, ::-1]).all()
    assert (one.looks[0].small == one.item.looks[0].small).all()
    left, _, right, _ = one.item.sample.views[1].object_box
    assert one.views[1].object_box[::2] == [sets.SIZE_PX - right, sets.SIZE_PX - left]
