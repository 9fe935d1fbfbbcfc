"""The studio around the object: borders, backdrops, floors and lamps, each against a render that takes no short cut."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from render_scenes import painting, places, protocol
from viewpoint100k.config import RenderConfig
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.geometry.cameras import look_at, position_on_sphere
from viewpoint100k.records import Background, Lamp, Light, ObjectRecord, PlannedView, SourceObject, ViewSet

cv2 = pytest.importorskip("cv2", reason="pictures are measured with opencv")
trimesh = pytest.importorskip("trimesh", reason="objects are made with trimesh")
pytestmark = pytest.mark.usefixtures("needs_bpy")

MIDDLE_STRENGTH = 0.44  # of a light, by which a place is shown as it was painted
GREY = [128, 128, 128]
PLAIN = {"kind": "plain", "rgb": GREY, "rgb_below": GREY}
NIGHT = {"name": "studio", "rotation_deg": 0.0, "strength": 0.005, "lamps": []}  # only lamps are seen
DAY = {"name": "courtyard", "rotation_deg": 30.0, "strength": 0.9, "lamps": []}

# Blender alone can be told not to take the short cuts; it must not be imported here
STUDIO = """
import json, sys
from render_scenes import protocol, scene

folder, shots = json.loads(sys.argv[1])
studio = scene.Studio()
tight = studio._box
for shot in shots:
    if shot["open"]:
        studio.open(protocol.decode(shot["open"]))
    whole = {"whole frame": True, "traced backdrop": True, "": False}[shot["how"]]
    studio._box = (lambda camera, size: scene.Box(0, 0, size, size)) if whole else tight
    studio.scene.render.film_transparent = shot["how"] != "traced backdrop"
    shots = studio.shoot(protocol.decode(shot["shoot"]))
    with open(f"{folder}/{shot['name']}.json", "w") as file:
        file.write(protocol.encode(shots))
"""


def part(mesh, color, at=(0.0, 0.0, 0.0)):
    """A mesh in one colour, somewhere. glTF axes: +Y up."""
    mesh.apply_translation(at)
    material = trimesh.visual.material.PBRMaterial(
        baseColorFactor=[*color, 255], metallicFactor=0, roughnessFactor=0.9
    )
    mesh.visual = trimesh.visual.TextureVisuals(material=material)
    return mesh


@pytest.fixture(scope="module")
def glbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glbs")
    toy = [
        part(trimesh.creation.box((0.3, 1.0, 0.4)), (200, 60, 40)),
        part(trimesh.creation.icosphere(2, 0.35), (60, 90, 200), (0.3, 0.7, 0.1)),
        part(trimesh.creation.box((0.9, 0.1, 0.2)), (230, 220, 90), (-0.3, 0.2, 0.2)),
    ]
    ball = [part(trimesh.creation.icosphere(4, 0.5), (200, 200, 200))]
    return {
        name: Path(trimesh.Scene(parts).export(str(folder / f"{name}.glb")) and folder / f"{name}.glb")
        for name, parts in {"toy": toy, "ball": ball}.items()
    }


class Shot:
    """What the studio left of one view."""

    def __init__(self, folder, taken):
        with Image.open(folder / taken.image) as picture:
            self.picture = np.asarray(picture.convert("RGB")).astype(float)
        left, top, right, bottom = taken.box
        self.depth = np.full(self.picture.shape[:2], 1e10, np.float32)
        self.albedo = np.zeros(self.picture.shape, np.float16)
        with open(folder / taken.arrays, "rb") as file:
            self.depth[top:bottom, left:right], self.albedo[top:bottom, left:right] = (
                np.load(file),
                np.load(file),
            )
        self.mask = self.depth < 1e9


def opened(glb, folder, light, background):
    """A request."""
    lit = {"lights": [light], "background": background}
    return protocol.Open(
        paths=[str(glb)],
        panoramas={},
        scene=False,
        out=str(folder),
        **lit,
        jpeg_quality=100,
        pose="auto",
        cpu_limit_s=300,
    )


def shoot(folder, glb, shots):
    """Take pictures in a process of its own.

    Each shot: name, how, lights, background, view, and more settings.
    """
    asked, before = [], None
    for shot in shots:
        scene = opened(glb, folder, shot["light"], shot["background"])
        view = protocol.NamedView(name=shot["name"], planned={"light": 0, "state": 0, **shot["view"]})
        settings = {"size_px": 96, "samples": 4, "denoise": False, "adaptive_threshold": 0.0, "seed": 0}
        wanted = protocol.Shoot(views=[view], picture=True, **{**settings, **shot.get("settings", {})})
        asked.append(
            {
                "open": protocol.encode(scene) if scene != before else None,
                "how": shot.get("how", ""),
                "name": shot["name"],
                "shoot": protocol.encode(wanted),
            }
        )
        before = scene
    command = [sys.executable, "-c", STUDIO, json.dumps([str(folder), asked])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    taken = {shot["name"]: protocol.decode((folder / f"{shot['name']}.json").read_text()) for shot in shots}
    return {name: Shot(folder, *one.views) for name, one in taken.items()}


def view(azimuth_deg, elevation_deg, distance, target=(0.0, 0.0, 0.0), hfov_deg=50.0):
    camera = look_at(position_on_sphere(azimuth_deg, elevation_deg, distance), np.array(target))
    return {"world_from_camera": camera.tolist(), "hfov_deg": hfov_deg}


# --- borders --------------------------------------------------------------------------------------


def test_rendering_only_the_part_with_the_object_gives_the_same_pixels(glbs, tmp_path):
    """A small object low at the left, and one that the frame's edge cuts, in HDRI and lamp light."""
    lamps = [{"direction": [0.3, -0.6, 0.74], "frame": "world", "strength": 1.5, "angle_deg": 10}]
    same = {"light": {**DAY, "lamps": lamps}, "background": PLAIN}
    views = {"small": view(-60, 20, 4.0, (1.2, 0.3, 0.6)), "cut": view(130, 10, 2.0, (0.7, 0.5, -0.3))}
    shots = shoot(
        tmp_path,
        glbs["toy"],
        [
            {**same, "name": f"{name}{how}", "how": how, "view": one}
            for name, one in views.items()
            for how in ("", "whole frame")
        ],
    )
    for name in views:
        tight, whole = shots[name], shots[f"{name}whole frame"]
        rows, cols = np.nonzero(tight.mask)
        assert abs(cols.mean() - 48) > 30
        assert abs(rows.mean() - 48) > 10
        assert tight.mask.sum() > 100
        assert np.array_equal(tight.depth, whole.depth)
        assert np.array_equal(tight.albedo, whole.albedo)
        assert np.array_equal(tight.picture, whole.picture)
    assert shots["small"].mask.mean() < 0.1
    assert shots["cut"].mask[:, -1].any()


def test_an_outline_before_something_bright_has_no_dark_dots(glbs, tmp_path):
    """The denoiser spreads light beyond an outline, but not alpha: no pixel may be left with half its light."""
    bright = [235, 240, 245]
    same = {
        "light": DAY,
        "background": {"kind": "plain", "rgb": bright, "rgb_below": bright},
        "view": view(-60, 20, 3.0),
    }
    few = {"size_px": 192, "samples": 4, "denoise": True}
    shots = shoot(
        tmp_path,
        glbs["toy"],
        [
            {**same, "name": "few", "settings": few},
            {**same, "name": "many", "settings": {"size_px": 192, "samples": 256}},
        ],
    )
    around = np.ones((3, 3), np.uint8)
    mask = shots["many"].mask.astype(np.uint8)
    rim = (cv2.dilate(mask, around) > 0) & (cv2.erode(mask, around) == 0)
    few, many = (shots[name].picture.mean(axis=2) for name in ("few", "many"))
    least = cv2.erode(many, around)  # the darkest of the object and its neighbours
    assert rim.sum() > 400
    assert not (few < least - 25)[rim].any()
    assert np.abs(few - many)[rim].mean() < 8.5


# --- backdrops ------------------------------------------------------------------------------------


# greys, and greens with hardly any blue, which a film's curve for greys gets wrong: 38 dB
@pytest.mark.parametrize(("name", "least_db"), [("interior", 45), ("sunrise", 41)])
def test_the_painted_surroundings_are_those_that_cycles_would_trace(glbs, tmp_path, name, least_db):
    """Away from the object, in all directions: within a grey level on average, and not a pixel aside."""
    same = {
        "light": {**DAY, "name": name, "rotation_deg": 70.0},
        "background": {**PLAIN, "kind": "hdri"},
        "settings": {"size_px": 384, "samples": 8},
    }
    views = {
        "level": view(-60, 0, 40.0, hfov_deg=40),
        "down": view(20, 35, 40.0, hfov_deg=40),
        "seam": view(110, 0, 40.0, hfov_deg=40),  # where the HDRI's left edge meets its right one
    }
    shots = shoot(
        tmp_path,
        glbs["ball"],
        [
            {**same, "name": f"{which}{how}", "how": how, "view": one}
            for how in ("", "traced backdrop")
            for which, one in views.items()
        ]
        + [
            {
                **same,
                "settings": {"size_px": 128, "samples": 64},
                "name": f"small{how}",
                "how": how,
                "view": views["down"],
            }
            for how in ("", "traced backdrop")
        ],
    )
    error = ((shots["small"].picture - shots["smalltraced backdrop"].picture) / 255) ** 2
    assert -10 * np.log10(error.mean()) > least_db  # its edges are as soft as those that Cycles traces
    for which in views:
        painted, traced = shots[which], shots[f"{which}traced backdrop"]
        behind = ~(painted.mask | traced.mask)
        assert behind.mean() > 0.99
        off = np.abs(painted.picture - traced.picture)[behind].mean()
        assert off < 1.0, which
        assert traced.picture[behind].std() > 20, which  # there is something that could be wrong
        for step, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            assert (
                np.abs(np.roll(painted.picture, step, axis) - traced.picture)[behind].mean() > 1.05 * off
            ), which


def test_blurred_surroundings_have_the_colours_of_the_sharp_ones_and_not_their_shapes(glbs, tmp_path):
    same = {"light": {**DAY, "name": "interior"}, "settings": {"size_px": 192, "samples": 1}}
    views = {"a": view(-60, 10, 40.0, hfov_deg=90), "b": view(120, 10, 40.0, hfov_deg=90)}
    shots = shoot(
        tmp_path,
        glbs["ball"],
        [
            {**same, "background": {**PLAIN, "kind": kind}, "name": f"{name}{kind}", "view": one}
            for kind in ("hdri", "blurred")
            for name, one in views.items()
        ],
    )
    for name in views:
        clear = ~shots[f"{name}hdri"].mask.any(axis=1)  # rows without the ball
        sharp, soft = shots[f"{name}hdri"].picture, shots[f"{name}blurred"].picture
        assert np.abs(sharp.mean((0, 1)) - soft.mean((0, 1))).max() < 8
        assert np.abs(np.diff(soft, axis=1))[clear].max() < 0.2 * np.abs(np.diff(sharp, axis=1))[clear].max()
        blocks = [picture.reshape(4, 48, 4, 48, 3).mean((1, 3)).ravel() for picture in (sharp, soft)]
        assert np.corrcoef(*blocks)[0, 1] > 0.8  # bright and dark are where they were


# --- through the engine: floors, gradients, lamps -------------------------------------------------


@pytest.fixture(scope="module")
def engine(tmp_path_factory, needs_bpy):
    settings = RenderConfig(size_px=96, quality="reference", samples=8, jpeg_quality=100)
    with Engine(settings, tmp_path_factory.mktemp("studio")) as engine:
        yield engine


class Taken:
    """One view as the engine returned it."""

    def __init__(self, rendered):
        with Image.open(io.BytesIO(rendered.image)) as picture:
            self.picture = np.asarray(picture.convert("RGB")).astype(float)
        self.depth, self.albedo, self.view = rendered.depth, rendered.albedo, rendered.view
        self.mask = self.depth < 1e9


def render(engine, glb, views, lights, background=PLAIN):
    """Views are (view, number of the light)."""
    view_set = ViewSet(
        object=SourceObject(record=ObjectRecord(uid=glb.stem)),
        round=0,
        views=[PlannedView(**one, light=light) for one, light in views],
        probes=[],
        pairs=[],
        lights=[Light(**light) for light in lights],
        background=Background(**background),
    )
    rendered = engine.render(view_set, glb)
    assert isinstance(rendered, Rendered), rendered
    return [Taken(one) for one in rendered.views.values()]


def sun(direction, frame, strength=4.0):
    return Lamp(direction=direction, frame=frame, strength=strength, angle_deg=2).model_dump()


def test_a_shadow_falls_on_the_ground_and_depth_mask_and_albedo_hold_the_object_alone(engine, glbs):
    light = {**NIGHT, "lamps": [sun([-0.7, 0.0, 0.714], "world")]}
    sight = [(view(-90, 25, 3.0), 0)]
    [plain] = render(engine, glbs["ball"], sight, [light])
    [ground] = render(engine, glbs["ball"], sight, [light], {**PLAIN, "kind": "ground"})
    assert (plain.view.background, ground.view.background) == ("plain", "ground")
    assert np.array_equal(ground.mask, plain.mask)
    assert np.array_equal(ground.depth, plain.depth)
    inside = (
        cv2.erode(plain.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    )  # at its edge, albedo is mixed
    assert inside.sum() > 0.6 * plain.mask.sum()
    assert np.array_equal(ground.albedo[inside], plain.albedo[inside])
    around = cv2.dilate(plain.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert np.abs(plain.picture[around] - GREY).max() <= 2
    darker = (plain.picture - ground.picture).mean(axis=2) * around
    assert (darker > 25).sum() > 200
    rows, cols = np.nonzero(darker > 25)
    assert cols.mean() > 48 + 8  # the lamp is at the left
    assert rows.mean() > 48  # and the floor below
    assert darker[:20].mean() < 0.5  # nothing falls on the air


LOCATION = {"seed": 5, "metres_per_unit": 1.0, "clear_radius": 3.5, "clear_height": 2.0}


def test_in_a_place_the_object_stands_on_the_floor_in_its_shadow_before_walls_that_shift(engine, glbs):
    """What is painted without the object is what the engine shows, but for the object and its shadow."""
    lamp = sun([-0.5, 0.0, 0.866], "world")
    light = {"name": "room-5", "rotation_deg": 0.0, "strength": MIDDLE_STRENGTH, "lamps": [lamp]}
    background = {"kind": "place", "place": {"sort": "room", **LOCATION}}
    moved = view(-90, 25, 3.0)
    moved["world_from_camera"][0][3] += 0.4
    one, two = render(
        engine, glbs["ball"], [(view(-90, 25, 3.0), 0), (moved, 0)], [light], {**PLAIN, **background}
    )
    assert one.view.light == "room-5/world"
    assert one.view.background == "place"
    place = places.build(places.Plan("room", **LOCATION, ground=-0.5))
    for shot in (one, two):
        pose, intrinsics = np.array(shot.view.world_from_camera), np.array(shot.view.intrinsics)
        empty = painting.paint(place, pose, intrinsics, 96)
        clear = cv2.dilate(shot.mask.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
        gone = (255 * np.clip(empty.rgb, 0, 1) - shot.picture).mean(axis=2)
        walls = clear & ~empty.on_ground
        assert walls.sum() > 500
        assert np.abs(gone[walls]).mean() < 3  # JPEG
        shadow = clear & empty.on_ground & (gone > 25)
        assert shadow.sum() > 40
        rows, columns = np.nonzero(shadow)
        away = np.hypot(*(np.array(np.nonzero(shot.mask)).mean(axis=1) - (rows.mean(), columns.mean())))
        assert away < 40  # it touches what casts it
    parts = np.abs(one.picture - two.picture).mean(axis=2)[:20]
    assert parts.mean() > 4  # the wall shifted as the camera moved aside


def test_a_panorama_on_floor_and_dome_shifts_with_the_camera_and_one_far_away_does_not(engine, glbs):
    moved = view(-90, 25, 3.0)
    moved["world_from_camera"][0][3] += 0.4
    sights = [(view(-90, 25, 3.0), 0), (moved, 0)]
    shift = {}
    for kind, place in (("hdri", None), ("panorama", {"sort": "dome", **LOCATION})):
        pair = render(engine, glbs["ball"], sights, [DAY], {**PLAIN, "kind": kind, "place": place})
        clear = ~(pair[0].mask | pair[1].mask)
        clear = cv2.erode(clear.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        shift[kind] = float(np.abs(pair[0].picture - pair[1].picture).mean(axis=2)[clear].mean())
    assert shift["hdri"] < 1.5 < 6 < shift["panorama"]


# the floor under an object that the camera does not see, from where the camera is
FLOOR = """
import sys
import bpy, numpy as np
from render_scenes import backdrop, camera, passes, protocol, scene

job, wanted = map(protocol.decode, sys.argv[1:])
[view] = wanted.views
studio = scene.Studio()
studio.open(job)
studio._set_quality(wanted)
studio._cast_shadows(studio.ground, [view], 256)
for thing in studio.scene.objects:
    thing.visible_camera = thing is studio.ground.thing
studio.ground.thing.hide_render = False
passes.end_session(studio.scene)
studio.lighting.aim_lamps(np.asarray(view.planned["world_from_camera"]))
studio.lighting.set_up_view(studio.camera, view.planned)
studio.scene.render.use_border = False
bpy.ops.render.render()
traced = passes.take()["Combined"]
painted = backdrop.shaded(studio.ground.floors[view.name], camera.read_back(studio.camera), 256)
np.savez(job.out + "/floor.npz", light=traced[..., :3], there=traced[..., 3] > 0.99, painted=painted)
"""


@pytest.mark.parametrize("frame", ["world", "camera"])
def test_the_painted_floor_is_as_dark_as_the_one_that_cycles_traces_from_the_camera(
    glbs, tmp_path, frame, needs_bpy
):
    lamp = {"direction": [-0.6, -0.3, 0.74] if frame == "world" else [-0.6, -0.4, -0.69], "frame": frame}
    light = {**DAY, "lamps": [{**lamp, "strength": 2.0, "angle_deg": 6}]}
    job = opened(glbs["toy"], tmp_path, light, {**PLAIN, "kind": "ground"})
    sight = protocol.NamedView(name="a", planned={"light": 0, "state": 0, **view(-70, 30, 3.0)})
    settings = {"samples": 16, "denoise": True, "adaptive_threshold": 0.0, "seed": 0}
    wanted = protocol.Shoot(views=[sight], size_px=256, picture=True, **settings)
    command = [sys.executable, "-c", FLOOR, protocol.encode(job), protocol.encode(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(tmp_path / "floor.npz") as floor:
        light, there, painted = floor["light"], floor["there"], floor["painted"]
    lit = there & (painted > 0.995).all(axis=2)
    traced = np.clip(light / np.median(light[lit], axis=0), 0, 1).astype(np.float32)
    assert (painted[there] < 0.6).mean() > 0.003  # there is a shadow
    assert np.abs(traced - painted)[there].mean() < 0.03
    blurred = cv2.GaussianBlur(
        traced, (0, 0), 1.8 if frame == "world" else 2.5
    )  # a map's pixel: it has less detail
    dark = there & ~lit
    for traced_channel, painted_channel in zip(blurred[dark].T, painted[dark].T, strict=True):
        assert np.corrcoef(traced_channel, painted_channel)[0, 1] > 0.95


def test_a_gradient_fades_down_the_picture_and_plain_is_one_colour(engine, glbs):
    fade = {"kind": "gradient", "rgb": [200, 100, 50], "rgb_below": [60, 120, 220]}
    sight = [(view(-90, 10, 6.0), 0)]
    [faded], [plain] = (
        render(engine, glbs["ball"], sight, [DAY], background) for background in (fade, PLAIN)
    )
    assert np.abs(faded.picture[0] - fade["rgb"]).max() <= 2
    assert np.abs(faded.picture[-1] - fade["rgb_below"]).max() <= 2
    assert np.abs(faded.picture[:, 0] - np.linspace(fade["rgb"], fade["rgb_below"], 96)).max() <= 2
    corner = plain.picture[:20, :20]
    assert np.abs(corner - GREY).max() <= 1


def halves(taken):
    """Mean luminance of the left and of the right half of the object in the picture."""
    grey, middle = taken.picture.mean(axis=2), taken.mask.shape[1] // 2
    return [grey[:, part][taken.mask[:, part]].mean() for part in (np.s_[:middle], np.s_[middle:])]


AROUND = (-90, 0, 90, 180)


def test_a_lamp_in_camera_axes_lights_from_the_same_side_of_every_picture(engine, glbs):
    views = [(view(azimuth, 15, 3.0), 0) for azimuth in AROUND]
    for side in (
        -1,
        1,
    ):  # OpenCV axes: x right, z forward; the lamp is behind the camera, at its left or right
        light = {**NIGHT, "lamps": [sun([side * 0.8, 0.0, -0.6], "camera")]}
        brightness = np.array([halves(one) for one in render(engine, glbs["ball"], views, [light])])
        near, far = brightness[:, ::-side].T
        assert (near > 1.5 * far).all()
        assert np.ptp(brightness, axis=0).max() < 4


def test_a_lamp_above_the_camera_lights_from_above(engine, glbs):
    light = {**NIGHT, "lamps": [sun([0.0, -0.8, -0.6], "camera")]}  # y goes down
    [seen] = render(engine, glbs["ball"], [(view(40, 0, 3.0), 0)], [light])
    grey = seen.picture.mean(axis=2)
    assert grey[:48][seen.mask[:48]].mean() > 1.5 * grey[48:][seen.mask[48:]].mean()


def test_a_lamp_in_the_world_stays_where_it_is(engine, glbs):
    light = {**NIGHT, "lamps": [sun([0.0, -1.0, 0.0], "world")]}
    front, right, back, left = (
        halves(one) for one in render(engine, glbs["ball"], [(view(a, 0, 3.0), 0) for a in AROUND], [light])
    )
    assert min(front) > 5 * max(back)
    assert right[0] > 2 * right[1]  # from +X, -Y is at the left
    assert left[1] > 2 * left[0]


def test_two_lights_take_turns_and_each_view_says_in_which_it_is(engine, glbs):
    lights = [
        {**NIGHT, "lamps": [sun([-0.8, 0.0, -0.6], "camera")]},
        {**NIGHT, "name": "night", "lamps": [sun([0.0, -0.8, 0.6], "world"), sun([0.6, -0.8, 0.0], "world")]},
        {**NIGHT, "lamps": [sun([0.8, 0.0, -0.6], "camera")]},
    ]
    turns = [0, 2, 1, 2, 0]
    taken = render(engine, glbs["ball"], [(view(-90, 15, 3.0), turn) for turn in turns], lights)
    assert [one.view.light for one in taken] == [
        ["studio/camera", "night/world", "studio/camera"][turn] for turn in turns
    ]
    for turn in (0, 1, 2):
        alone = render(engine, glbs["ball"], [(view(-90, 15, 3.0), 0)], [lights[turn]])[0]
        for one in (taken[place] for place, its in enumerate(turns) if its == turn):
            assert np.abs(one.picture - alone.picture).mean() < 1
    assert halves(taken[0])[0] > 1.5 * halves(taken[0])[1]
    assert halves(taken[1])[1] > 1.5 * halves(taken[1])[0]
    assert np.array_equal(taken[0].albedo, taken[1].albedo)
