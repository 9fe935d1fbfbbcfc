"""The audit's look at the background alone and at the object alone."""

import numpy as np
import pytest
from support import audit_sets as sets

from viewpoint100k import audit
from viewpoint100k.audit import surroundings

pytest.importorskip("cv2", reason="flow is measured with opencv")
pytest.importorskip("sklearn", reason="learns")


def patterned(rng, size):
    """A picture with something to follow everywhere."""
    cv2 = pytest.importorskip("cv2")
    coarse = rng.integers(0, 255, (size // 8, size // 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("moves", ["background", "object"])
def test_the_flow_of_a_region_is_measured_with_the_other_covered(moves):
    """Only the region that moves to the right has a flow to the right."""
    rng = np.random.default_rng(5)
    stored = sets.make_samples()[0]
    view = stored.sample.views[0]
    size = int(view.size_px[0])
    box = [0.3 * size, 0.3 * size, 0.7 * size, 0.7 * size]
    sample = stored.sample.model_copy(
        update={"views": [view.model_copy(update={"object_box": box}), *stored.sample.views[1:]]}
    )
    inside = np.s_[int(0.25 * size) : int(0.75 * size), int(0.25 * size) : int(0.75 * size)]
    behind, front = patterned(rng, size), patterned(rng, size)
    shift = max(2, size // 32)
    pictures = []
    for step in (0, shift):
        picture = np.roll(behind, step if moves == "background" else 0, axis=1).copy()
        picture[inside] = np.roll(front, step if moves == "object" else 0, axis=1)[inside]
        pictures.append(picture)
    item = surroundings.Item(stored.key, sample, [])
    flows = dict(zip(("background", "object"), surroundings._features(item, pictures), strict=True))
    other = {"background": "object", "object": "background"}[moves]
    assert flows[moves][-2] > 0.5 * shift / size
    assert abs(flows[other][-2]) < 0.35 * flows[moves][-2]


def test_the_probe_says_for_each_kind_what_each_region_tells_and_judges_the_object_s_own_kinds(tmp_path):
    samples = audit.load_samples(sets.write_dataset(tmp_path / "fair", sets.make_samples()))
    found = surroundings.one_region_alone(samples)
    assert found.verdict in {"pass", "not measured"}
    for part in found.parts:
        row = found.detail["kinds"][part.name]
        assert {"the most frequent answer", "background alone", "object alone"} <= row.keys()
        judged = part.name in surroundings.OF_THE_OBJECT
        assert ("not judged" in part.note) != judged
