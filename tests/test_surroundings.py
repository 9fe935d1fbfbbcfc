"""Panoramas of the user's own: which are used, which are refused and why, and in which split they are."""

import numpy as np
import pytest
from PIL import Image

from viewpoint100k.config import config_hash, load_config
from viewpoint100k.errors import InputError
from viewpoint100k.plan import HDRIS, make_plan, plan_views
from viewpoint100k.records import ObjectRecord, SourceObject
from viewpoint100k.surroundings import list_panoramas, panorama_files

WIDTH = 512


def radiance(seed, width=WIDTH, packed=True):
    """A Radiance file of noise, its lines run-length encoded or not."""
    height = width // 2
    pixels = np.random.default_rng(seed).integers(1, 255, (height, width, 4), dtype=np.uint8)
    pixels[:, : width // 4] = 128  # runs
    out = [b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width)]
    if not packed:
        pixels[:, 0] = 9  # not a line that begins as a packed one does
        return b"".join([*out, pixels.tobytes()])
    for row in pixels:
        out.append(bytes([2, 2, width >> 8, width & 255]))
        for channel in row.T:
            out.append(bytes([128 + 127, 128]) + bytes([128 + 1, 128]))
            out += [bytes([128]) + channel[start : start + 128].tobytes() for start in range(128, width, 128)]
    return b"".join(out)


def jpeg(path, width=WIDTH, height=None, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (height or width // 2, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def listed(folder, *overrides):
    config = load_config(overrides=[f"render.surroundings={folder}", *overrides])
    panoramas, rejects = list_panoramas(config)
    return panoramas, {reject.reason.partition(": ")[0]: reject.reason for reject in rejects}


def things(count):
    return [SourceObject(record=ObjectRecord(uid=f"thing-{i}", sha256="0" * 64)) for i in range(count)]


def test_a_folder_named_as_poly_haven_names_files_works_as_it_is(tmp_path):
    (tmp_path / "hall_4k.hdr").write_bytes(radiance(1))
    (tmp_path / "hall_1k.hdr").write_bytes(radiance(2))
    (tmp_path / "yard").mkdir()
    (tmp_path / "yard" / "yard_2k.hdr").write_bytes(radiance(3, packed=False))
    jpeg(tmp_path / "street.jpg")
    (tmp_path / "notes.txt").write_text("not a panorama")
    panoramas, refused = listed(tmp_path)
    assert {one.path for one in panoramas} == {"hall_4k.hdr", "yard/yard_2k.hdr", "street.jpg"}
    assert list(refused) == ["hall_1k.hdr"]  # the same place once more
    assert all(one.record.category == "panorama" and len(one.record.sha256) == 64 for one in panoramas)


def test_a_manifest_beside_them_says_whom_to_thank(tmp_path):
    for name in ("hall_2k", "free", "shut"):
        (tmp_path / f"{name}.hdr").write_bytes(radiance(len(name)))
    (tmp_path / "metadata.csv").write_text(
        "file,author,licence,source_url\nhall,Ann,CC-BY 4.0,https://example.org/hall\n"
        "free.hdr,Bob,cc0,\nshut.hdr,Cy,CC BY-ND 4.0,\n"
    )
    panoramas, refused = listed(tmp_path)
    found = {one.path: one.record for one in panoramas}
    assert (found["hall_2k.hdr"].author, found["hall_2k.hdr"].licence) == ("Ann", "CC-BY-4.0")
    assert (found["free.hdr"].author, found["free.hdr"].licence) == ("Bob", "CC0-1.0")
    assert "forbids derivatives" in refused["shut.hdr"]
    panoramas, refused = listed(tmp_path, "licences=[cc0]")
    assert [one.path for one in panoramas] == ["free.hdr"]


def bad_files(folder):
    good = radiance(5)
    (folder / "good.hdr").write_bytes(good)
    (folder / "cut.hdr").write_bytes(good[: len(good) // 2])
    (folder / "headless.hdr").write_bytes(good[:20])
    (folder / "words.hdr").write_text("not a picture")
    (folder / "lies.hdr").write_bytes(good.replace(b"+X 512", b"+X 500").replace(b"-Y 256", b"-Y 250"))
    (folder / "huge.hdr").write_bytes(good.replace(b"-Y 256 +X 512", b"-Y 15000 +X 30000"))
    jpeg(folder / "square.jpg", 512, 512)
    jpeg(folder / "small.jpg", 64)
    jpeg(folder / "torn.jpg", seed=4)
    (folder / "torn.jpg").write_bytes((folder / "torn.jpg").read_bytes()[:9000])
    outside = folder.parent / "outside.hdr"
    outside.write_bytes(radiance(6))
    (folder / "link.hdr").symlink_to(outside)
    (folder / "twin.hdr").write_bytes(good)


REASONS = {
    "cut.hdr": "truncated",
    "headless.hdr": "header",
    "words.hdr": "#?RADIANCE",
    "lies.hdr": "damaged",
    "huge.hdr": "files.max_panorama_pixels",
    "square.jpg": "twice as wide as high",
    "small.jpg": "256",
    "torn.jpg": "not a whole JPEG",
    "link.hdr": "leads out of the folder",
    "twin.hdr": "same bytes as good.hdr",
}


def test_each_bad_panorama_has_one_line_and_the_others_are_used(tmp_path):
    folder = tmp_path / "panoramas"
    folder.mkdir()
    bad_files(folder)
    panoramas, refused = listed(folder)
    assert [one.path for one in panoramas] == ["good.hdr"]
    assert refused.keys() == REASONS.keys()
    for name, part in REASONS.items():
        assert part in refused[name]
        assert "\n" not in refused[name]


def test_openexr_files_are_read_and_values_that_are_not_finite_are_found(tmp_path):
    exr = pytest.importorskip("OpenEXR", reason="writes the files")
    whole = np.random.default_rng(0).random((256, 512, 3), dtype=np.float32)

    def write(name, pixels):
        header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
        exr.File(header, {"RGB": pixels}).write(str(tmp_path / name))

    write("whole.exr", whole)
    for name, value in (("nan.exr", np.nan), ("infinite.exr", np.inf), ("negative.exr", -1.0)):
        broken = whole.copy()
        broken[40, 50, 1] = value
        write(name, broken)
    (tmp_path / "cut.exr").write_bytes((tmp_path / "whole.exr").read_bytes()[:4000])
    panoramas, refused = listed(tmp_path)
    assert [one.path for one in panoramas] == ["whole.exr"]
    assert "not finite" in refused["nan.exr"] and "not finite" in refused["infinite.exr"]
    assert "negative" in refused["negative.exr"]
    assert "not a whole OpenEXR file" in refused["cut.exr"]


@pytest.mark.parametrize("missing", ["nowhere", "empty"])
def test_a_folder_without_panoramas_ends_the_run_before_anything_is_rendered(tmp_path, missing):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"render\.surroundings"):
        listed(tmp_path / missing)


def test_a_panorama_is_in_one_split_and_so_is_each_bundled_one(tmp_path):
    for number in range(12):
        (tmp_path / f"place{number}.hdr").write_bytes(radiance(number, 256, packed=False))
    everywhere = [f"render.surroundings={tmp_path}", "render.backgrounds.place=0"]
    config = load_config(overrides=[*everywhere, "pairs=300"])
    panoramas, _ = list_panoramas(config)
    plan = make_plan(config, things(60), spread=False, panoramas=panoramas)
    names = [one.record.uid for split in plan.panoramas.values() for one in split]
    assert len(names) == len(set(names)) == 12
    assert {split: bool(found) for split, found in plan.panoramas.items()} == dict.fromkeys(HDRIS, True)
    bundled = [name for split in HDRIS.values() for name in split]
    assert len(bundled) == len(set(bundled)) == 8
    assert [len(HDRIS[split]) for split in ("train", "validation", "test")] == [6, 1, 1]
    for split, own in plan.panoramas.items():
        for thing in things(20):
            [*lights] = plan_views(config, thing, 0, [], split, own).lights
            assert {light.name for light in lights} <= {one.record.uid for one in own}
            assert all(light.panorama in own for light in lights)


def test_where_a_folder_lies_does_not_change_what_a_run_is_called(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    one, two = (
        load_config(overrides=[f"render.surroundings={tmp_path / name}"]) for name in ("here", "there")
    )
    assert config_hash(one) == config_hash(two) != config_hash(load_config())


def test_a_panorama_that_was_changed_since_the_plan_is_not_rendered(tmp_path):
    (tmp_path / "place.hdr").write_bytes(radiance(1))
    config = load_config(overrides=[f"render.surroundings={tmp_path}", "render.backgrounds.place=0"])
    panoramas, _ = list_panoramas(config)
    view_set = plan_views(config, things(1)[0], 0, [], "train", panoramas)
    assert list(panorama_files(view_set, config.render).values()) == [str(tmp_path / "place.hdr")]
    (tmp_path / "place.hdr").write_bytes(radiance(2))
    with pytest.raises(InputError, match="other bytes"):
        panorama_files(view_set, config.render)
    (tmp_path / "place.hdr").unlink()
    with pytest.raises(InputError, match="cannot be opened"):
        panorama_files(view_set, config.render)
