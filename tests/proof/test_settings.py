"""A dataset is judged by the thresholds that it was made with: both opinions read them from its settings."""

import numpy as np
import pytest
from support import audit_sets as sets
from support.scene_samples import synthetic

from viewpoint100k.config import GateConfig, QuestionConfig
from viewpoint100k.proof import contradicted
from viewpoint100k.questions import ask_all, load_templates
from viewpoint100k.questions.ask import Writer

EVENTS = (None, "moved", "turned", None, "moved", None)
OF_OBJECTS = {
    "min_axis_share": 0.9,
    "min_nearer_share": 0.9,
    "min_motion_share": 0.95,
    "bin_grey": 0.1,
    "composed_bin_grey": 0.1,
    "min_dots_apart": 0.1,
    "min_dotted_box": 0.5,
    "min_map_turn_deg": 40.0,
    "min_map_apart_deg": 30.0,
    "min_step_deg": 25.0,
    "max_off_tens_deg": 0.3,
    "max_off_level_deg": 0.3,
}
OF_SCENES = {
    "scene_side": 0.2,
    "scene_across": 0.1,
    "scene_imagined_side": 0.3,
    "scene_before": 0.4,
    "scene_closer": 1.3,
    "scene_taller": 1.1,
    "scene_nearer": 1.5,
    "scene_sector_deg": 30.0,
    "scene_facing_deg": 25.0,
    "scene_turn_deg": 18.0,
    "scene_hidden": {"low": 0.7, "high": 0.98},
    "scene_shown": {"low": 0.3, "high": 0.5},
    "scene_moved": 0.4,
    "scene_turned_deg": 60.0,
    "camera_still": {"low": 0.02, "high": 0.6},
    "camera_still_deg": {"low": 0.5, "high": 1},
}
WITHOUT_A_CASE = {
    "scene_shown",
    "max_off_tens_deg",
    "max_off_level_deg",
}  # no sample here is that near to them


@pytest.fixture(scope="module")
def objects():
    return [one.sample.model_copy(update={"questions": []}) for one in sets.make_figures(objects=5, pairs=5)]


@pytest.fixture(scope="module")
def scenes():
    nouns = ["chair"] * 5
    return [
        synthetic(
            seed, 5, event, size_px=256, camera_still=seed == 4, nouns=nouns if seed % 2 else None
        ).sample
        for seed, event in enumerate(EVENTS)
    ]


def asked(samples, gates):
    """The samples with all that can be asked of them by these thresholds."""
    keys = [f"train-00000-{number:05d}" for number in range(len(samples))]
    writer = Writer(QuestionConfig(), load_templates(), 0)
    questions = ask_all(keys, samples, gates, writer, np.random.default_rng(2))
    return [
        sample.model_copy(update={"questions": mine}) for sample, mine in zip(samples, questions, strict=True)
    ]


def margins(samples):
    return {question.id: question.margin for sample in samples for question in sample.questions}


@pytest.fixture(scope="module")
def usual(objects, scenes):
    """The margins of all questions by the default settings."""
    return margins(asked(objects, GateConfig())), margins(asked(scenes, GateConfig()))


def check(samples, name, value, usual):
    gates = GateConfig(**{name: value})
    changed = asked(samples, gates)
    assert [contradicted(sample, gates) for sample in changed] == [{}] * len(changed)
    if name not in WITHOUT_A_CASE:
        assert margins(changed) != usual, f"{name} changes nothing"


@pytest.mark.parametrize("name", OF_OBJECTS)
def test_questions_about_an_object_follow_the_setting(name, objects, usual):
    check(objects, name, OF_OBJECTS[name], usual[0])


@pytest.mark.parametrize("name", OF_SCENES)
def test_questions_about_scenes_follow_the_setting(name, scenes, usual):
    check(scenes, name, OF_SCENES[name], usual[1])


def test_a_stricter_dataset_than_it_was_made_by_is_refused(scenes):
    made = asked(scenes, GateConfig(scene_closer=1.05))
    assert any(contradicted(sample, GateConfig(scene_closer=1.5)) for sample in made)
