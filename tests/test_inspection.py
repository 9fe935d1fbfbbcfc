"""What `objects check --render` says of objects whose verdict is known, and that it draws what it has seen."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import trimesh
from PIL import Image
from support.command import viewpoint100k

from viewpoint100k import inspection, mesh_facts
from viewpoint100k import objects as sources
from viewpoint100k.config import FileBudgets, RunConfig
from viewpoint100k.inspection import (
    OK,
    Finding,
    Seen,
    count_meshes,
    count_verdicts,
    draw_sheet,
    inspect_objects,
    list_findings,
)
from viewpoint100k.mesh_facts import MeshFacts, describe, know_mesh
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
        assert finding.triangles > 0 and set(finding.cpu_s) == {"import", "probes", "judge", "views", "mesh"}
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
    done = viewpoint100k(
        "objects", "check", mixed, "--sheet", sheet, "--json", "--device", "cpu", "--workers", 1
    )
    assert done.returncode == 1, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["uid"], row["verdict"]) for row in rows] == [
        ("ball", "symmetric"),
        ("good", "ok"),
        ("broken", "bad file"),
    ]
    assert rows[0]["asymmetry"] < 0.02 < rows[1]["asymmetry"]
    assert rows[2]["asymmetry"] is None and rows[2]["reason"]
    assert rows[0]["mesh"]["watertight"] is True and rows[0]["mesh"]["bodies"] == 1
    assert rows[0]["mesh"]["volume"] == pytest.approx(4 / 3 * np.pi, rel=0.01)
    assert rows[1]["mesh"]["bodies"] > 1 and rows[2]["mesh"] is None
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
        red, green, blue = np.moveaxis(
            np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB")).astype(int), 2, 0
        )
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
    counted = count_verdicts(
        [Finding(uid=str(number), verdict=verdict) for number, verdict in enumerate(verdicts)]
    )
    assert counted == "2 objects can be used, 3 are refused: 2 symmetric, 1 bad file"


def test_a_listing_alone_gives_every_object_and_every_refusal_a_row(mixed, tmp_path):
    config = RunConfig(source=str(mixed))
    listing = sources.list_objects(config.source, wanted=1, seed=0, budgets=config.files)
    assert [(row.uid, row.verdict) for row, _ in list_findings(config, listing, tmp_path)] == [
        ("ball", OK),
        ("good", OK),
        ("broken", "bad file"),
    ]


# --- what trimesh knows ------------------------------------------------------------------------------

TURN = np.radians(30.0)


def box(extents=(1.0, 2.0, 3.0), at=(0.0, 0.0, 0.0)):
    made = trimesh.creation.box(extents)
    made.apply_translation(at)
    return made


def known(mesh, folder):
    """What is said of a mesh or scene, written as a .glb."""
    path = folder / "thing.glb"
    mesh.export(path)
    return know_mesh(path, FileBudgets())


def inside_out():
    made = box()
    made.invert()
    return made


def open_box():
    made = box()
    return trimesh.Trimesh(made.vertices, made.faces[made.face_normals[:, 1] < 0.5], process=False)


def placed(mesh, *places):
    scene = trimesh.Scene()
    for place in places:
        scene.add_geometry(mesh, geom_name="one", transform=place)
    return scene


def six_sheets():
    """A box whose sides are meshes of their own, as exporters make them that write one for each material."""
    made = box()
    sides = [made.faces[made.face_normals @ way > 0.5] for way in (*np.eye(3), *-np.eye(3))]
    return trimesh.Scene([trimesh.Trimesh(made.vertices, faces, process=False) for faces in sides])


def matrix(linear, at=(0.0, 0.0, 0.0)):
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = linear, at
    return out


ABOUT_Z = np.array([[np.cos(TURN), -np.sin(TURN), 0], [np.sin(TURN), np.cos(TURN), 0], [0, 0, 1]])
# 1 x 2 x 3 stretched to 2 x 10 x 21, then turned in the plane of the first two
TURNED = [2 * np.cos(TURN) + 10 * np.sin(TURN), 2 * np.sin(TURN) + 10 * np.cos(TURN), 21]


@pytest.mark.parametrize(
    ("made", "watertight", "bodies", "volume", "extents"),
    [
        pytest.param(box(), True, 1, 6, [1, 2, 3], id="a box"),
        pytest.param(box((1e-6, 2e-6, 3e-6)), True, 1, 6e-18, [1e-6, 2e-6, 3e-6], id="a box of micrometres"),
        pytest.param(box((1e6, 2e6, 3e6)), True, 1, 6e18, [1e6, 2e6, 3e6], id="a box of kilometres"),
        pytest.param(box(at=(512, 0, 0)), True, 1, 6, [1, 2, 3], id="a box far from the origin"),
        pytest.param(open_box(), False, 1, None, [1, 2, 3], id="a box without its lid"),
        pytest.param(inside_out(), True, 1, None, [1, 2, 3], id="a box turned inside out"),
        pytest.param(six_sheets(), True, 1, 6, [1, 2, 3], id="six sides of a box, each a mesh of its own"),
        pytest.param(box() + box(at=(5, 0, 0)), True, 2, 12, [6, 2, 3], id="two boxes in one mesh"),
        pytest.param(box() + open_box().apply_translation((5, 0, 0)), False, 2, None, [6, 2, 3], id="one of two open"),
        pytest.param(
            trimesh.Scene([box(), box(at=(1, 0, 0))]), True, 2, 12, [2, 2, 3], id="two boxes that touch, each its own mesh"
        ),
        pytest.param(
            placed(box(), matrix(np.eye(3)), matrix(np.eye(3), (0, 0, 9))), True, 2, 12, [1, 2, 12], id="one mesh twice"
        ),
        pytest.param(
            placed(box(), matrix(ABOUT_Z @ np.diag([2, 5, 7]))), True, 1, 420, TURNED, id="stretched, then turned"
        ),
        pytest.param(placed(box(), matrix(np.diag([-1, 1, 1]))), True, 1, 6, [1, 2, 3], id="in a mirror"),
        pytest.param(trimesh.creation.icosphere(3) , True, 1, 4 / 3 * np.pi, [2, 2, 2], id="a ball"),
        pytest.param(
            trimesh.creation.uv_sphere(count=[24, 48]), True, 1, 4 / 3 * np.pi, [2, 2, 2], id="a ball with poles"
        ),
    ],
)  # fmt: skip
def test_a_mesh_is_known_by_its_bodies_its_volume_and_its_sides(
    made, watertight, bodies, volume, extents, tmp_path
):
    facts = known(made, tmp_path)
    assert (facts.not_known, facts.watertight, facts.bodies) == ("", watertight, bodies)
    assert facts.extents == pytest.approx(extents, rel=0.01 if bodies == 1 and extents == [2, 2, 2] else 1e-5)
    assert facts.volume == (None if volume is None else pytest.approx(volume, rel=0.02))


def write_strip(path, mode, corners, buffer="side.bin"):
    """A .gltf whose corners, at the ends of the axes, are joined as `mode` says.

    Its numbers are in a file beside it.
    """
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    data = points.tobytes() + np.array(corners, np.uint16).tobytes()
    (path.parent / "side.bin").write_bytes(data)
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "mode": mode}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 4,
                "type": "VEC3",
                "min": [0] * 3,
                "max": [1] * 3,
            },
            {"bufferView": 1, "componentType": 5123, "count": len(corners), "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 48},
            {"buffer": 0, "byteOffset": 48, "byteLength": len(data) - 48},
        ],
        "buffers": [{"uri": buffer, "byteLength": len(data)}],
    }
    path.write_text(json.dumps(tree))
    return path


@pytest.mark.parametrize(
    ("mode", "corners", "watertight", "volume"),
    [
        (5, [2, 1, 0, 3, 2, 1], True, 1 / 6),  # a strip twice around a tetrahedron
        (5, [0, 1, 2, 3, 0, 1], True, None),  # the same, its faces inwards
        (6, [3, 0, 1, 2, 0], False, None),  # a fan about its tip, without a bottom
        (4, [0, 2, 1, 0, 1, 3, 1, 2, 3, 0, 3, 2], True, 1 / 6),
    ],
)
def test_strips_and_fans_are_the_triangles_that_the_standard_says(
    mode, corners, watertight, volume, tmp_path
):
    facts = know_mesh(write_strip(tmp_path / "strip.gltf", mode, corners), FileBudgets())
    assert (facts.not_known, facts.watertight, facts.bodies, facts.extents) == ("", watertight, 1, [1, 1, 1])
    assert facts.volume == (None if volume is None else pytest.approx(volume, rel=1e-5))


def test_what_the_gate_refuses_is_not_given_to_trimesh(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    files = {
        "above": write_strip(tmp_path / "inside" / "above.gltf", 4, [0, 2, 1], "../side.bin"),
        "away": write_strip(tmp_path / "away.gltf", 4, [0, 2, 1], "https://example.org/side.bin"),
        "broken": write_strip(tmp_path / "broken.gltf", 4, [0, 2, 9]),
    }
    monkeypatch.setattr(trimesh, "Trimesh", None)  # would be "trimesh fails on it"
    reasons = {name: know_mesh(path, FileBudgets()).not_known for name, path in files.items()}
    assert "out of range" in reasons["broken"]
    assert "outside the folder" in reasons["above"]
    assert "expected a file beside the object" in reasons["away"]


def test_nothing_but_the_object_is_opened_and_nothing_is_asked_of_the_network(tmp_path):
    """In a process of its own, whose every opened file and socket is reported by Python itself."""
    path = write_strip(tmp_path / "strip.gltf", 4, [0, 2, 1, 0, 1, 3, 1, 2, 3, 0, 3, 2])
    script = f"""
import pathlib, sys
from viewpoint100k.config import FileBudgets
from viewpoint100k.mesh_facts import know_mesh
path, budgets = pathlib.Path({str(path)!r}), FileBudgets()
know_mesh(path, budgets)  # imports what it needs
sys.addaudithook(lambda name, given: name.startswith(("open", "socket", "subprocess")) and print(name, given[0]))
print(know_mesh(path, budgets).bodies)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines() == [f"open {path}", f"open {path.parent / 'side.bin'}", "1"], done.stderr


def test_where_trimesh_trips_the_reason_is_told_and_nothing_else_is_known(tmp_path, monkeypatch):
    def trip(*_, **__):
        raise MemoryError("so many")

    path = tmp_path / "thing.glb"
    box().export(path)
    monkeypatch.setattr(trimesh.grouping, "unique_rows", trip)
    assert know_mesh(path, FileBudgets()) == MeshFacts(not_known="trimesh fails on it (MemoryError: so many)")


def test_a_mesh_of_too_many_triangles_costs_no_time(tmp_path, monkeypatch):
    monkeypatch.setattr(mesh_facts, "MAX_TRIANGLES", 11)
    assert known(box(), tmp_path) == MeshFacts(not_known="12 triangles; looked at are at most 11")
    monkeypatch.setattr(mesh_facts, "MAX_TRIANGLES", 12)
    assert known(box(), tmp_path).watertight


def test_of_compressed_and_posed_files_only_what_can_be_known_is_told(real_objects):
    draco = know_mesh(real_objects / "avocado_draco.glb", FileBudgets())
    assert "Draco" in draco.not_known and (draco.watertight, draco.bodies, draco.extents) == (
        None,
        None,
        None,
    )
    posed = know_mesh(real_objects / "fox.glb", FileBudgets())
    assert "skeleton" in posed.not_known and (posed.extents, posed.volume) == (None, None)
    assert posed.bodies == 1


def test_sides_of_real_objects_are_those_that_trimeshs_own_reader_finds(real_objects):
    compared = 0
    for path in sorted(real_objects.glob("*.glb"))[::4]:
        facts = know_mesh(path, FileBudgets())
        if facts.extents is not None:
            compared += 1
            theirs = trimesh.load(path, force="scene").to_geometry()
            assert facts.extents == pytest.approx(theirs.extents, rel=1e-5), path.name
            assert not (theirs.is_watertight and not facts.watertight), path.name
    assert compared > 15


def test_no_bad_file_makes_it_fail(bad_objects):
    facts = {path.name: know_mesh(path, FileBudgets()) for path in sorted(bad_objects.glob("*.gl*"))}
    assert facts and all(each.not_known or each.bodies for each in facts.values())
    assert not [name for name, each in facts.items() if "trimesh fails" in each.not_known]


def test_without_trimesh_all_else_is_said_as_before(mixed):
    script = "import sys; sys.modules['trimesh'] = None; from viewpoint100k.cli import main; main()"
    command = [sys.executable, "-c", script, "objects", "check", str(mixed)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=300)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["uid"], row["verdict"], row["mesh"]) for row in rows] == [
        ("ball", "ok", None),
        ("good", "ok", None),
        ("broken", "bad file", None),
    ]
    table = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert "2 objects can be used" in table.stdout and "watertight" not in table.stdout


def test_the_command_alone_counts_meshes_and_has_a_row_for_each_in_json(mixed):
    done = viewpoint100k("objects", "check", mixed, "--json")
    ball = next(row for row in map(json.loads, done.stdout.splitlines()) if row["uid"] == "ball")
    assert ball["mesh"] == {
        "not_known": "",
        "watertight": True,
        "bodies": 1,
        "volume": pytest.approx(4 / 3 * np.pi, rel=0.01),
        "extents": pytest.approx([2, 2, 2], rel=0.01),
    }
    assert "Of 2 meshes" in viewpoint100k("objects", "check", mixed).stdout


def test_people_read_of_a_mesh_in_short_lines():
    whole = MeshFacts(watertight=True, bodies=1, volume=0.75, extents=[1, 0.5, 1.5])
    torn = MeshFacts(watertight=False, bodies=1200, extents=[1, 0.5, 1.5])
    assert describe(whole) == ["watertight, 1 body", "1 x 0.5 x 1.5", "volume 0.75"]
    assert describe(torn) == ["not watertight, 1,200 bodies", "1 x 0.5 x 1.5"]
    assert describe(MeshFacts(not_known="why")) == ["not known: why"]
    assert describe(None) == []
    findings = [
        Finding(uid="", verdict=OK, mesh=mesh) for mesh in (whole, torn, MeshFacts(not_known="why"), None)
    ]
    assert count_meshes(findings) == "Of 3 meshes 1 are watertight, 1 one body; 1 not known"
    assert count_meshes(findings[3:]) == ""


def test_a_sheet_has_room_for_what_is_known_of_meshes():
    mesh = MeshFacts(watertight=True, bodies=1, volume=0.75, extents=[1, 0.5, 1.5])
    with_mesh = [
        each._replace(finding=each.finding.model_copy(update={"mesh": mesh})) for each in (seen(0), seen(1))
    ]
    plain, taller = (
        Image.open(io.BytesIO(draw_sheet(each, "two"))).convert("L")
        for each in ([seen(0), seen(1)], with_mesh)
    )
    assert taller.height == plain.height + 3 * inspection.LINE_PX
    below = np.asarray(taller)[plain.height - inspection.GAP_PX :]
    assert (below < 160).any(), "the lines are not drawn"
