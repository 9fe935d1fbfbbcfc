"""Scenes from the command line: rendered, loaded, looked at, taken out again; the same bytes with one worker and with two."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from support.command import viewpoint100k

from viewpoint100k.config import load_config, read_config
from viewpoint100k.geometry.boxes import box_corners
from viewpoint100k.objects.builtin import NO_FRONT
from viewpoint100k.pipeline import plan_run, render_shard
from viewpoint100k.scenes.checks import problems_of_scene
from viewpoint100k.shards import iter_samples
from viewpoint100k.validate import validate_dataset

GATES = load_config("scenes").gates
SETTINGS = [
    "--preset", "scenes", "--source", "builtin:", "--pairs", 6, "--seed", 2, "--set", "render.size_px=96", "--set", "render.samples=1",
    "--set", "plan.validation_share=0.34", "--set", "plan.test_share=0", "--set", "plan.pairs_per_object=3",
    "--set", "gates.min_decidability=0.02", "--set", "plan.scenes.events=0",
]  # fmt: skip


@pytest.fixture(scope="session")
def scenes(tmp_path_factory, needs_bpy):
    """6 pairs of scenes, rendered once with one worker. Not to be changed."""
    out = tmp_path_factory.mktemp("rendered") / "viewpoint-scenes"
    done = viewpoint100k("generate", out, "--workers", 1, *SETTINGS)
    assert done.returncode == 0, done.stderr
    return out


def test_two_workers_and_another_folder_give_the_same_bytes(scenes, tmp_path):
    out = tmp_path / "elsewhere"
    plan = plan_run(out, read_config(scenes / ".run" / "config.yaml"))
    assert [shard.name for shard in plan.shards] == ["train-00000-of-00001", "validation-00000-of-00001"]
    render_shard(out, 0, workers=2)
    name = f"{plan.shards[0].name}.tar"
    assert (out / name).read_bytes() == (scenes / name).read_bytes()


def test_all_that_is_said_of_a_scene_agrees_and_every_object_of_it_is_thanked(scenes):
    samples = list(iter_samples(scenes))
    assert len(samples) == 6
    used, splits = set(), {}
    for stored in samples:
        assert list(problems_of_scene(stored.sample, GATES)) == []
        for part in stored.sample.scene.parts:
            used.add(part.object.uid)
            splits.setdefault(part.object.uid, set()).add(stored.sample.split)
            assert part.object.sha256 and (part.front_azimuth_deg is None) == (
                part.object.category in NO_FRONT
            )
    assert all(len(found) == 1 for found in splits.values())
    with open(scenes / "attribution.csv", newline="") as file:
        assert {row["uid"] for row in csv.DictReader(file)} == used


def test_a_picture_differs_from_its_floor_in_the_boxes_of_its_objects_and_nowhere_else(scenes):
    for stored in list(iter_samples(scenes))[:3]:
        for image, view, seen in zip(
            stored.images, stored.sample.views, stored.sample.scene.views, strict=True
        ):
            with Image.open(io.BytesIO(image)) as picture:
                rgb = np.asarray(picture.convert("RGB")).astype(float)
            colour = np.median(rgb.reshape(-1, 3), axis=0)
            tint = (
                rgb / np.maximum(rgb.sum(axis=2, keepdims=True), 1) - colour / colour.sum()
            )  # shadows keep the colour
            other = np.abs(tint).max(axis=2) > 0.06
            inside = np.zeros(other.shape, dtype=bool)
            for part, found in zip(stored.sample.scene.parts, seen.parts, strict=True):
                k, pose = np.array(view.intrinsics), np.array(view.world_from_camera)
                corners = (box_corners(part.world_from_object[seen.state], part.size) - pose[:3, 3]) @ pose[
                    :3, :3
                ]
                u, v = (corners @ k.T)[:, :2].T / corners[:, 2]
                inside[
                    max(int(v.min()) - 3, 0) : int(v.max()) + 4, max(int(u.min()) - 3, 0) : int(u.max()) + 4
                ] = True
                if found.box is not None and found.visible_fraction > 0.9:
                    left, top, right, bottom = map(int, found.box)
                    assert other[top:bottom, left:right].mean() > 0.05
            assert (other & ~inside).sum() <= 0.002 * other.size


def test_loaders_read_scenes_and_single_objects_with_the_same_columns(scenes):
    pytest.importorskip("datasets")
    from viewpoint100k.load import load_questions

    rows = list(load_questions(scenes, streaming=True))
    assert rows and all(row["answer"] and row["images"] for row in rows)
    of_group = [row["prompt"].split("\n")[0].lower() for row in rows if row["tier"] != "C"]
    assert not any("the object " in text for text in of_group)
    assert {row["tier"] for row in rows} >= {"C"}
    from datasets import load_dataset

    table = load_dataset(str(scenes), split="train", streaming=True)
    first = next(iter(table))["json"]["scene"]
    assert first["change"] is None
    assert len(first["views"]) == 2 and len(first["parts"][0]["world_from_object"][0]) == 4


def test_the_gallery_shows_scenes(scenes, tmp_path):
    done = viewpoint100k("gallery", scenes, tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert "scene-" in (tmp_path / "page.html").read_text()


def test_an_object_is_taken_out_with_every_scene_that_it_is_in(scenes, tmp_path):
    out = tmp_path / "copy"
    shutil.copytree(scenes, out)
    samples = [stored.sample for stored in iter_samples(out)]
    counts = {}
    for sample in samples:
        for part in sample.scene.parts:
            counts[part.object.uid] = counts.get(part.object.uid, 0) + 1
    uid = min(counts, key=lambda name: (counts[name], name))
    done = viewpoint100k("remove", out, "--uid", uid)
    assert done.returncode == 0, done.stderr
    left = [stored.sample for stored in iter_samples(out)]
    assert len(left) == len(samples) - counts[uid]
    assert not any(part.object.uid == uid for sample in left for part in sample.scene.parts)
    assert uid in json.loads((out / "manifest.json").read_text())["removed"][0]["uid"]
    assert validate_dataset(out, 1).problems == []


def planted(sample, fault):
    scene = sample.scene
    part, seen = scene.parts[0], scene.views[0].parts[0]
    if fault == "swapped depths":
        parts = list(scene.views[0].parts)
        far = max(range(len(parts)), key=lambda i: abs(parts[i].depth - seen.depth))
        parts[0], parts[far] = (parts[0].model_copy(update={"depth": parts[far].depth}), parts[far].model_copy(update={"depth": seen.depth}))  # fmt: skip
        view = scene.views[0].model_copy(update={"parts": parts})
        return scene.model_copy(update={"views": [view, *scene.views[1:]]})
    if fault == "in the air":
        pose = [list(row) for row in part.world_from_object[0]]
        pose[2][3] += 0.05 * part.size[2]
        other = part.model_copy(update={"world_from_object": [pose]})
        return scene.model_copy(update={"parts": [other, *scene.parts[1:]]})
    if fault == "ambiguous name":
        other = part.model_copy(update={"name": scene.parts[1].name})
        return scene.model_copy(update={"parts": [other, *scene.parts[1:]]})
    hidden = seen.model_copy(update={"solo_pixels": 4 * max(seen.pixels, 1)})
    view = scene.views[0].model_copy(update={"parts": [hidden, *scene.views[0].parts[1:]]})
    return scene.model_copy(update={"views": [view, *scene.views[1:]]})


@pytest.mark.parametrize("fault", ["swapped depths", "in the air", "ambiguous name", "hidden and referable"])
def test_planted_faults_are_found(scenes, fault):
    sample = next(iter_samples(scenes)).sample
    wrong = sample.model_copy(update={"scene": planted(sample, fault)})
    assert list(problems_of_scene(wrong, GATES))
