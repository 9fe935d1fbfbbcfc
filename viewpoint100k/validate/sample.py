"""One sample: its truth is derived again from its poses, and its questions from that."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.errors import InputError
from viewpoint100k.manifest import (
    Manifest,
)
from viewpoint100k.proof import Reader
from viewpoint100k.records import (
    Sample,
    Truth,
)
from viewpoint100k.scenes.checks import problems_of_scene
from viewpoint100k.shards import (
    StoredSample,
    decode,
)
from viewpoint100k.validate.question import question_problems

LEAST_LEVEL = 1e-6  # part of a line of sight
TRUTH_ATOL = 2e-6  # the published truth is rounded to a millionth


def sample_problems(stored: StoredSample, split: str, manifest: Manifest, gates: GateConfig) -> Iterator[str]:
    """What is wrong with one sample, a line each."""
    sample = stored.sample
    if sample.split != split:
        yield f"says it is of split {sample.split}"
    if sample.preset != manifest.preset:
        yield f"is of preset {sample.preset}, the dataset of {manifest.preset}"
    if sample.provenance.config_hash not in {manifest.config_hash, *manifest.earlier_hashes}:
        yield (
            f"was made with settings {sample.provenance.config_hash}, the dataset with {manifest.config_hash}"
        )
    if len(sample.views) != manifest.views:
        yield f"has {len(sample.views)} views; the samples of this dataset have {manifest.views}"
    if len(stored.images) != len(sample.views):
        yield f"has {len(stored.images)} images for {len(sample.views)} views"
    for number, (image, view) in enumerate(zip(stored.images, sample.views, strict=False)):
        expected = (round(2 * view.intrinsics[0][2]), round(2 * view.intrinsics[1][2]))
        try:
            size = decode(image, f"view_{number}.jpg").size
        except InputError as error:
            yield str(error)
            continue
        if size != expected:
            yield f"view_{number}.jpg is JPEG RGB {size}; its intrinsics say JPEG RGB {expected}"
    yield from truth_problems(sample)
    yield from problems_of_scene(sample, gates)
    reader = Reader(sample, gates, manifest.words)
    for question in sample.questions:
        problems = list(question_problems(question, sample, stored.key, gates, manifest.words))
        if not problems:  # a second opinion
            problems = reader.problems(question)
        yield from (f"question {question.id}: {what}" for what in problems)
    if not sample.questions:
        yield "has no question"
    if len({question.id for question in sample.questions}) != len(sample.questions):
        yield "has two questions of the same id"


def truth_problems(sample: Sample) -> Iterator[str]:
    """What a sample states about its truth or its pictures that its own poses contradict."""
    for number, view in enumerate(sample.views):
        if max(abs(row[2]) for row in view.world_from_camera[:2]) < LEAST_LEVEL:
            yield f"views.{number}.world_from_camera looks straight up or down, where roll has no meaning"
            return
    try:
        derived = make_truth(
            sample.views[0], sample.views[1], sample.truth.covisible_fraction, sample.truth.front_azimuth_deg
        )
    except InputError as error:
        yield f"the stored poses are not rigid: {error}"
        return
    if np.abs(_numbers(sample.truth) - _numbers(derived)).max() > TRUTH_ATOL:
        for name in Truth.model_fields:
            stored = getattr(sample.truth, name)
            recomputed = getattr(derived, name)
            if stored is not None and not np.allclose(stored, recomputed, rtol=0, atol=TRUTH_ATOL):
                yield f"truth.{name} = {stored}; the poses say {recomputed}"
    for number, view in enumerate(sample.views):
        hfov_deg = np.degrees(2 * np.arctan(view.intrinsics[0][2] / view.intrinsics[0][0]))
        if abs(view.hfov_deg - hfov_deg) > 1e-4:
            yield f"views.{number}.hfov_deg = {view.hfov_deg}; its intrinsics say {hfov_deg:.4f}"
        left, top, right, bottom = view.object_box
        width = 2 * view.intrinsics[0][2]
        height = 2 * view.intrinsics[1][2]
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            yield f"views.{number}.object_box = {view.object_box}; the picture is {width:.0f} x {height:.0f}"
        elif not 0 < view.object_share <= (right - left) * (bottom - top) / (width * height) + 1e-6:
            yield (
                f"views.{number}.object_share = {view.object_share}; its box is smaller, or the object is "
                "not there"
            )


def _numbers(truth: Truth) -> np.ndarray:
    """All of a truth in one array: comparing field by field takes longer than deriving it."""
    others = [
        getattr(truth, name)
        for name in Truth.model_fields
        if name not in ("second_from_first", "translation")
    ]
    return np.array(
        [
            *chain.from_iterable(truth.second_from_first),
            *truth.translation,
            *(value or 0.0 for value in others),
        ]
    )
