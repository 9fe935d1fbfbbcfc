"""The simulated farm on runs that can be counted on fingers."""

import numpy as np
import pytest

from benchmarks.farm_sim import Farm, Measured, measure, run
from viewpoint100k.shards import Receipt

NEVER = float("inf")
PLAIN = Measured(np.array([10.0]), np.array([2]), start_cpu_s=0.0, seconds_per_cpu_s=1.0, launch_s=0.0)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("nodes", "places", "makespan_s"), [(1, 1, 70), (1, 2, 40), (3, 1, 30), (7, 1, 10), (9, 2, 10)]
)
def test_equal_shards_on_equal_nodes_take_as_many_rounds_as_there_have_to_be(nodes, places, makespan_s):
    out = run(PLAIN, np.full(7, 10.0), Farm(np.ones(nodes), places, 1, NEVER, 0.0), rng())
    assert out.makespan_s == pytest.approx(makespan_s)
    assert out.attempts == 7
    assert out.useful == pytest.approx(70)
    assert out.idle == pytest.approx(makespan_s * nodes * places - 70)


def test_a_slow_node_is_waited_for_and_more_cores_a_shard_make_it_shorter():
    assert run(
        PLAIN, np.full(2, 12.0), Farm(np.array([1.0, 1 / 3]), 1, 1, NEVER, 0.0), rng()
    ).makespan_s == pytest.approx(36)
    assert run(
        PLAIN, np.full(2, 12.0), Farm(np.array([1.0, 1 / 4]), 1, 1, NEVER, 0.0), rng()
    ).makespan_s == pytest.approx(48)
    assert run(
        PLAIN, np.full(2, 12.0), Farm(np.ones(1), 1, 4, NEVER, 0.0), rng()
    ).makespan_s == pytest.approx(6)


def test_lost_nodes_cost_attempts_and_time_but_no_shard():
    calm = run(PLAIN, np.full(200, 10.0), Farm(np.ones(4), 2, 1, NEVER, 0.0), rng())
    lossy = run(PLAIN, np.full(200, 10.0), Farm(np.ones(4), 2, 1, 100.0, 30.0), rng())
    assert lossy.attempts > calm.attempts == 200
    assert lossy.makespan_s > calm.makespan_s
    assert lossy.lost > 0
    assert lossy.useful == pytest.approx(calm.useful)


def test_a_shard_takes_visits_until_its_pairs_are_there():
    half = Measured(
        np.array([4.0, 6.0]), np.array([0, 2]), start_cpu_s=3.0, seconds_per_cpu_s=1.0, launch_s=0.0
    )
    cost = half.shard_cpu_s(200, 50, rng())
    assert cost.mean() == pytest.approx(3 + 100 * (4 + 6), rel=0.03)


def test_receipts_tell_speed_and_what_lies_between_two_shards():
    facts = {
        "sha256": "",
        "bytes": 0,
        "questions": 0,
        "config_hash": "",
        "renderer": "",
        "device": "",
        "objects": [],
    }
    facts |= {"objects_visited": 2, "views_rendered": 0, "rejects": 0, "dropped": {}, "cpu_s": {"start": 2.0}}
    receipts = [
        Receipt(
            name="a", number=i, samples=4, finished=end, seconds=24.0, visits=[(4.0, 2), (6.0, 2)], **facts
        )
        for i, end in enumerate((100.0, 101.0, 127.0, 128.0))
    ]
    found = measure(receipts, slots=2)
    assert found.seconds_per_cpu_s == pytest.approx(2.0)
    assert found.launch_s == pytest.approx(3.0)
    assert found.start_cpu_s == pytest.approx(2.0)
