"""What files from Sketchfab are like: the table in docs/objects.md, on a file for each of its rows."""

from pathlib import Path

import pytest
from support.command import ROOT
from support.habits import HABITS, write_habits

from viewpoint100k import objects as sources
from viewpoint100k.config import load_config
from viewpoint100k.inspection import inspect_objects

CHAIRS = {"far_off", "hierarchy", "specular_glossiness", "tiny", "unlit", "vertex_colours"}
REFUSED = {"ground_slab": "ground slab", "in_a_row": "several things"}


def listed(folder, duplicates):
    config = load_config(overrides=[f"objects.duplicates={duplicates}"], source=str(folder))
    write_habits(Path(config.source))
    listing = sources.list_objects(
        config.source, wanted=0, seed=0, budgets=config.files, choice=config.objects
    )
    return config, listing


def test_all_pass_the_gate_and_a_chair_is_the_same_in_any_unit_place_material_and_hierarchy(tmp_path):
    _, listing = listed(tmp_path / "habits", "one")
    used = {thing.record.uid for thing in listing.objects}
    assert len(used & CHAIRS) == 1
    copies = {reject.uid for reject in listing.rejects}
    assert copies == CHAIRS - used
    assert used | copies == set(HABITS)
    assert all("same shape" in reject.reason for reject in listing.rejects)


@pytest.mark.usefixtures("needs_bpy")
def test_each_has_the_verdict_that_the_docs_name(tmp_path):
    config, listing = listed(tmp_path / "habits", "together")
    found = {seen.finding.uid: seen.finding for seen in inspect_objects(config, listing, tmp_path)}
    assert {uid: found[uid].verdict for uid in HABITS} == {uid: REFUSED.get(uid, "ok") for uid in HABITS}
    for uid in CHAIRS | {"animated"}:  # put together again, and as large as the others
        assert found[uid].asymmetry == pytest.approx(found["unlit"].asymmetry, abs=0.01)
    table = (ROOT / "docs" / "objects.md").read_text()
    assert all(f"`{uid}`" in table for uid in HABITS)
