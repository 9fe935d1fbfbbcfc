"""Both implementations answer what the poses of two views answer alike, whatever the views."""

import numpy as np
import pytest
from support import audit_sets as sets
from support.kinds import options_of
from support.published import question_of, sample_of

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.proof import answer
from viewpoint100k.questions.registry import PAIR_KINDS


@pytest.mark.parametrize("sector_deg", [20.0, 45.0, 90.0])
def test_both_implementations_ask_the_same_and_answer_it_alike(sector_deg):
    """Any two cameras and any front; of an object's own sides only from before it or behind it, by the setting."""
    rng, gates = np.random.default_rng(5), GateConfig(front_sector_deg=sector_deg)
    asked: dict[str, set[str]] = {kind.name: set() for kind in PAIR_KINDS}
    for _ in range(1500):
        azimuth, turn, front = (
            rng.uniform(-180, 180),
            rng.choice([0, rng.uniform(-120, 120)]),
            rng.uniform(-180, 180),
        )
        step = rng.choice([0, 0, 1], 3) * rng.uniform(-1.5, 1.5, 3)
        views = []
        for angle, further in ((azimuth, 0 * step), (azimuth + turn, step)):
            bearing = -90 - azimuth + rng.choice([0, 1]) * rng.uniform(-30, 30)
            place = 3 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0.3]) + further
            views.append(sets.make_view(sets.pose(place, bearing, -17, 0), [0.0, 0.0, 96.0, 96.0], 0.2))
        truth = make_truth(*views, 0.5, front)
        sample = sample_of(views, truth=truth)
        for kind in PAIR_KINDS:
            fact, said = (
                kind.fact(truth, gates),
                answer(sample, question_of(kind.name, right="any"), gates),
            )
            assert (fact is None) == isinstance(said, str), kind.name
            if fact is None:
                continue
            found = said.label
            assert fact.margin == pytest.approx(found.margin, abs=1e-4)
            assert fact.margin >= 1 - 1e-4
            asked[kind.name].add(found.words)
            assert not kind.options or options_of(kind)[fact.option] == found.words
            if kind.frame == "object_front":
                off_deg = abs((azimuth - front + 180) % 360 - 180)
                assert min(off_deg, 180 - off_deg) <= sector_deg
    assert all(asked.values())
    assert asked["object_translation/object_front"] == {"left", "right", "no movement sideways"}
