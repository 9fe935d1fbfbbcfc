"""The synthetic scenes that other tests lean on are consistent, by code that shares nothing with how they are made."""

import numpy as np
import pytest
from support.scene_samples import EVENTS, synthetic, synthetic_scene

from viewpoint100k.gallery.cards import make_card
from viewpoint100k.geometry.boxes import box_corners, project_box, standing, turn_deg
from viewpoint100k.records import Sample


@pytest.mark.parametrize("event", [None, *EVENTS])
def test_a_synthetic_scene_is_the_same_in_memory_and_on_disk_and_fits_its_own_cameras(event):
    sample = synthetic_scene(3, event=event)
    assert Sample.model_validate_json(sample.model_dump_json()) == sample
    scene = sample.scene
    assert [one.state for one in scene.views] == [0, 1 if event else 0]
    assert sample.objects == [part.object for part in scene.parts]
    for view, seen in zip(sample.views, scene.views, strict=True):
        for part, found in zip(scene.parts, seen.parts, strict=True):
            placed = project_box(
                part.world_from_object[seen.state], part.size, view.world_from_camera, view.intrinsics
            )
            assert np.allclose(placed.full_box, found.full_box)
            assert placed.depth == pytest.approx(found.depth)
            assert np.allclose(placed.base_pixel, found.base_pixel)
            assert (found.pixels > 0) <= part.present[seen.state]
            if found.box:
                assert np.all(
                    np.array(found.box)[:2] >= placed.full_box[:2] - 4
                )  # rays go through every fourth pixel
                assert np.all(np.array(found.box)[2:] <= placed.full_box[2:] + 4)


def test_the_corners_of_a_turned_box_are_where_a_person_would_draw_them():
    corners = box_corners(standing([1, 2, 3], 90), [4, 2, 1])  # its long side now goes along world y
    assert np.allclose(corners.min(axis=0), [0, 0, 3]) and np.allclose(corners.max(axis=0), [2, 4, 4])
    assert turn_deg(standing([0, 0, 0], -135)) == pytest.approx(-135)


def test_the_gallery_boxes_every_object_of_a_scene_and_thanks_its_author():
    card = make_card(synthetic(4, event="vanished"))
    scene = synthetic_scene(4, event="vanished").scene
    assert [len(picture) for picture in card["parts"]] == [
        sum(part.box is not None for part in view.parts) for view in scene.views
    ]
    for box in (part["box"] for picture in card["parts"] for part in picture):
        assert 0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1
    rows = card["numbers"]["Objects, seen"]
    assert [row[0] for row in rows] == [*(part.letter for part in scene.parts), "change"]
    assert all("by us, CC0-1.0" in row[2] for row in rows[:-1])
    assert "vanished" in rows[-1][2]
