"""What `objects check --render` says of objects whose verdict is known, and that it draws what it has seen."""

import io
import json

import numpy as np
import pytest
import trimesh
from conftest import viewpoint100k
from PIL import Image

from viewpoint100k import inspection
from viewpoint100k import objects as sources
from viewpoint100k.config import RunConfig
from viewpoint100k.inspection import (
    OK,
    Finding,
    Seen,
    count_verdicts,
    draw_sheet,
    inspect_objects,
    list_findings,
)
from viewpoint100k.objects.builtin import build_builtin, list_builtin


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A folder with a toy robot or the like, a ball, and a file that is no GLB."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "good.glb").write_bytes(build_builtin(list_builtin(1, 0)[0].record.uid))
    trimesh.creation.icosphere(subdivisions=4).export(folder / "ball.glb")
    (folder / "broken.glb").write_bytes(b"glTF and then nothing that makes sense")
    return folder


def inspect(source, scratch, **more):
    config = RunConfig(source=str(source))
    listing = sources.list_objects(config.source, wanted=4, seed=1, budgets=config.files)
    return listing, list(inspect_objects(config, listing, scratch, **more))


def without_costs(seen):
    return [(each.finding.model_copy(update={"cpu_s": None}), each.picture) for each in seen]


def test_rows_are_the_same_and_in_the_order_of_the_source_with_any_number_of_workers(tmp_path, needs_bpy):
    listing, alone = inspect("builtin:", tmp_path / "1", workers=1)
    _, together = inspect("builtin:", tmp_path / "2", workers=2)
    assert [each.finding.uid for each in alone] == [thing.record.uid for thing in listing.objects]
    assert without_costs(together) == without_costs(alone)
    for finding, picture in alone:
        assert finding.verdict == OK, finding
        assert finding.asymmetry > 0.1  # toys are built to have a front
        assert finding.triangles > 0 and set(finding.cpu_s) == {"import", "probes", "judge", "views"}
        assert (
            2 * 0.5 / np.sqrt(3) <= max(finding.extent) <= 2 * 0.5 + 1e-3
        )  # of a box whose corners are at most 0.5 away
        assert Image.open(io.BytesIO(picture)).size == (160, 160)


def test_an_object_that_disappears_after_it_was_listed_stops_no_other(mixed, tmp_path, needs_bpy):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("ball.glb", "good.glb"):
        (folder / name).write_bytes((mixed / name).read_bytes())
    config = RunConfig(source=str(folder))
    listing = sources.list_objects(config.source, wanted=1, seed=0, budgets=config.files)
    (folder / "ball.glb").unlink()
    ball, good = inspect_objects(config, listing, tmp_path / "scratch")
    assert (ball.finding.uid, ball.finding.verdict, ball.picture) == ("ball", "bad file", b"")
    assert (good.finding.uid, good.finding.verdict) == ("good", OK)


def test_the_command_says_which_objects_are_symmetric_or_broken_and_draws_them(mixed, tmp_path, needs_bpy):
    sheet = tmp_path / "sheet.jpg"
    done = viewpoint100k("objects", "check", mixed, "--sheet", sheet, "--json", "--device", "cpu", "--workers", 1)
    assert done.returncode == 1, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["uid"], row["verdict"]) for row in rows] == [
        ("ball", "symmetric"),
        ("good", "ok"),
        ("broken", "bad file"),
    ]
    assert rows[0]["asymmetry"] < 0.02 < rows[1]["asymmetry"]
    assert rows[2]["asymmetry"] is None and rows[2]["reason"]
    with Image.open(sheet) as opened:
        opened.load()
        assert opened.format == "JPEG" and opened.width > 2 * 160


def test_without_render_the_verdict_is_that_of_the_file(mixed):
    done = viewpoint100k("objects", "check", mixed, "--json")
    assert done.returncode == 1, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["uid"]: row["verdict"] for row in rows} == {"ball": "ok", "good": "ok", "broken": "bad file"}
    table = viewpoint100k("objects", "check", mixed)
    assert "2 objects can be used, 1 are refused: 1 bad file" in table.stdout
    assert "broken" in table.stdout and "ball" not in table.stdout


@pytest.mark.parametrize("sheet", ["sheet.png", "no/such/folder/sheet.jpg"])
def test_a_sheet_that_cannot_be_written_is_refused_before_anything_is_rendered(sheet, mixed, tmp_path):
    done = viewpoint100k("objects", "check", mixed, "--sheet", tmp_path / sheet)
    assert done.returncode == 2
    assert ".jpg" in done.stderr


# --- without the renderer ----------------------------------------------------------------------------


def picture(colour):
    out = io.BytesIO()
    Image.new("RGB", (160, 160), colour).save(out, "JPEG", quality=95)
    return out.getvalue()


def seen(number, verdict=OK, colour=(0, 0, 255)):
    return Seen(Finding(uid=f"thing-{number}", verdict=verdict, asymmetry=0.1), picture(colour))


def count_cells(sheet, colour):
    """How many pictures of this colour a sheet shows."""
    pixels = np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB")).astype(int)
    return round((np.abs(pixels - colour).max(axis=2) < 40).sum() / 160**2)


def test_only_what_is_refused_is_framed_in_red():
    def reds(sheet):
        red, green, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB")).astype(int), 2, 0)
        return int(((red > 150) & (green < 90) & (blue < 90)).sum())

    assert reds(draw_sheet([seen(0)], "fine")) == 0
    assert reds(draw_sheet([seen(0), seen(1, "symmetric")], "not fine")) > 4 * 150 * 2


def test_a_sheet_stops_at_its_limit_and_needs_no_picture(monkeypatch):
    monkeypatch.setattr(inspection, "MOST_ON_A_SHEET", 12)
    assert count_cells(draw_sheet([seen(number) for number in range(13)], "many"), (0, 0, 255)) == 12
    without = [Seen(Finding(uid="gone", verdict="bad file", reason="it is empty"))]
    assert count_cells(draw_sheet(without, "none"), (0, 0, 255)) == 0


def test_verdicts_are_counted_and_the_most_frequent_comes_first():
    verdicts = [OK, "bad file", "symmetric", OK, "symmetric"]
    counted = count_verdicts([Finding(uid=str(number), verdict=verdict) for number, verdict in enumerate(verdicts)])
    assert counted == "2 objects can be used, 3 are refused: 2 symmetric, 1 bad file"


def test_a_listing_alone_gives_every_object_and_every_refusal_a_row(mixed, tmp_path):
    config = RunConfig(source=str(mixed))
    listing = sources.list_objects(config.source, wanted=1, seed=0, budgets=config.files)
    assert [(row.uid, row.verdict) for row, _ in list_findings(config, listing, tmp_path)] == [
        ("ball", OK),
        ("good", OK),
        ("broken", "bad file"),
    ]
