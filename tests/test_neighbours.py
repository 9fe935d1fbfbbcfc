"""One object never spoils a run: objects that our own code cannot measure, and errors in it, cost themselves alone."""

import shutil

import pytest
from support.command import SHARED, SMALL, viewpoint100k

from viewpoint100k import fill, visit
from viewpoint100k.config import load_config
from viewpoint100k.pipeline import plan_run, render_shard
from viewpoint100k.run_state import read_rejects
from viewpoint100k.shards import iter_samples

GOOD = ("car_police", "fox", "house_q", "keg_decorated", "milk_truck", "building_A")


@pytest.fixture
def source(real_objects, tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    for name in GOOD:
        shutil.copy(real_objects / f"{name}.glb", folder)
    return folder


def test_objects_without_a_point_to_measure_cost_a_row_each_and_the_run_goes_on(source, tmp_path, needs_bpy):
    cases = SHARED / "cases"
    if not cases.is_dir():
        pytest.skip(f"the folder of cases is not here ({cases})")
    for name in ("axes_of_needles", "blend_alpha_004"):
        shutil.copy(cases / f"{name}.glb", source)
    out = tmp_path / "out"
    splits = [
        "--set",
        "plan.validation_share=0",
        "--set",
        "plan.test_share=0",
    ]  # so that all objects are visited
    few = ["--pairs", 16, "--set", "plan.pairs_per_object=2"]
    done = viewpoint100k("generate", out, "--source", source, *few, *splits, *SMALL)
    assert done.returncode == 0, done.stderr
    assert len(list(iter_samples(out))) == 16
    reasons = {reject.uid: reject.reason for reject in read_rejects(out)}
    assert "too thin or too faint" in reasons["axes_of_needles"]
    assert "too thin or too faint" in reasons["blend_alpha_004"]


def test_an_error_while_annotating_or_asking_costs_that_object_with_its_reason(
    source, tmp_path, monkeypatch, needs_bpy
):
    annotate = visit.annotate
    ask_all = fill.ask_all

    def annotate_but_fox(view_set, *arguments):
        if view_set.object.record.uid == "fox":
            raise ZeroDivisionError("on\npurpose")
        return annotate(view_set, *arguments)

    def ask_but_truck(keys, samples, *arguments):
        if any(sample.object.uid == "milk_truck" for sample in samples):
            raise KeyError("chain")
        return ask_all(keys, samples, *arguments)

    monkeypatch.setattr(visit, "annotate", annotate_but_fox)
    monkeypatch.setattr(fill, "ask_all", ask_but_truck)
    overrides = [
        *SMALL[1::2],
        "plan.validation_share=0",
        "plan.test_share=0",
        "plan.pairs_per_object=2",
        "pairs=8",
    ]
    config = load_config(overrides=[*overrides, f"source={source}"])
    out = tmp_path / "out"
    plan = plan_run(out, config)
    receipts = [render_shard(out, shard.number) for shard in plan.shards]
    assert sum(receipt.samples for receipt in receipts) == 8
    assert not {"fox", "milk_truck"} & {uid for receipt in receipts for uid in receipt.objects}
    rejects = {reject.uid: reject for reject in read_rejects(out) if reject.stage == "annotate"}
    assert rejects["fox"].reason.startswith("ZeroDivisionError: on purpose (test_neighbours.py")
    assert rejects["milk_truck"].reason.startswith("KeyError: 'chain'")
