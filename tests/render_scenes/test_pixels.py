"""What the pictures themselves say of axes, signs and pixels. Every expected sign is worked out here by hand.

Nothing of `viewpoint100k.geometry` is used to make a scene, place a camera or measure a picture: poses are
numbers written down, projections are this file's own. The truth that the package computes is only ever
compared with them.
"""

import importlib.util
import io
import json
import struct
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import RenderConfig
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.interpreters import NEEDS
from viewpoint100k.quality import RenderedView
from viewpoint100k.records import Background, Light, ObjectRecord, PlannedView, SourceObject, ViewSet

cv2 = pytest.importorskip("cv2", reason="pictures are measured with opencv")
MISSING = [name for name in NEEDS if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"cannot render here: no {', '.join(MISSING)}")

RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
YELLOW, MAGENTA, CYAN = (1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.0, 1.0, 1.0)
BLACK = [0, 0, 0]

# --- scenes, by hand --------------------------------------------------------------------------------


class Box(NamedTuple):
    """An axis-aligned box in glTF axes (+Y up, front +Z), of one colour that no light changes."""

    center: tuple[float, float, float]
    half: tuple[float, float, float]
    color: tuple[float, float, float]


# corners as (+-1, +-1, +-1); each face counter-clockwise seen from outside
FACES = {
    (-1, 0, 0): [(-1, -1, -1), (-1, -1, 1), (-1, 1, 1), (-1, 1, -1)],
    (1, 0, 0): [(1, -1, 1), (1, -1, -1), (1, 1, -1), (1, 1, 1)],
    (0, -1, 0): [(-1, -1, -1), (1, -1, -1), (1, -1, 1), (-1, -1, 1)],
    (0, 1, 0): [(-1, 1, 1), (1, 1, 1), (1, 1, -1), (-1, 1, -1)],
    (0, 0, -1): [(1, -1, -1), (-1, -1, -1), (-1, 1, -1), (1, 1, -1)],
    (0, 0, 1): [(-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)],
}


def write_glb(path, boxes, texture=None):
    """A binary glTF of boxes with unlit materials; with `texture` (PNG bytes) every face shows a part of it."""
    blob, views, accessors, meshes, materials = bytearray(), [], [], [], []

    def add(array, kind, component, **more):
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": array.nbytes})
        accessors.append(
            {
                "bufferView": len(views) - 1,
                "componentType": component,
                "count": len(array),
                "type": kind,
                **more,
            }
        )
        blob.extend(array.tobytes())
        blob.extend(b"\0" * (-len(blob) % 4))
        return len(accessors) - 1

    for number, box in enumerate(boxes):
        points = (
            np.array([corner for face in FACES.values() for corner in face], np.float32) * box.half
            + box.center
        )
        points = points.astype(np.float32)
        triangles = np.array([4 * f + i for f in range(6) for i in (0, 1, 2, 0, 2, 3)], np.uint16)[:, None]
        bounds = {"min": points.min(0).tolist(), "max": points.max(0).tolist()}
        attributes = {"POSITION": add(points, "VEC3", 5126, **bounds)}
        if texture:  # each face of each box its own part of the picture
            part = np.array([[0, 1], [1, 1], [1, 0], [0, 0]]) * 0.3
            places = [
                ((5 * number + 7 * f) % 11 / 11 * 0.7, (3 * number + 5 * f) % 13 / 13 * 0.7) for f in range(6)
            ]
            attributes["TEXCOORD_0"] = add(
                np.concatenate([part + p for p in places]).astype(np.float32), "VEC2", 5126
            )
        indices = add(triangles, "SCALAR", 5123)
        look = {"baseColorTexture": {"index": 0}} if texture else {"baseColorFactor": [*box.color, 1.0]}
        materials.append({"pbrMetallicRoughness": look, "extensions": {"KHR_materials_unlit": {}}})
        meshes.append({"primitives": [{"attributes": attributes, "indices": indices, "material": number}]})
    tree = {
        "asset": {"version": "2.0"},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": list(range(len(boxes)))}],
        "nodes": [{"mesh": i} for i in range(len(boxes))],
        "meshes": meshes,
        "materials": materials,
    }
    if texture:
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": len(texture)})
        blob.extend(texture + b"\0" * (-len(texture) % 4))
        tree["images"] = [{"bufferView": len(views) - 1, "mimeType": "image/png"}]
        tree["textures"] = [{"source": 0}]
    tree |= {"bufferViews": views, "accessors": accessors, "buffers": [{"byteLength": len(blob)}]}
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(blob), b"BIN\0") + blob
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def world_boxes(boxes):
    """Where the boxes must be after import and normalisation: (low, high) corners, (N, 3) each, in the world.

    glTF's (x, y, z) is Blender's (x, -z, y); then the middle of all is at the origin and the corner furthest
    from it at 0.5.
    """
    centers = np.array([(x, -z, y) for x, y, z in (box.center for box in boxes)])
    halves = np.array([(x, z, y) for x, y, z in (box.half for box in boxes)])
    low, high = (centers - halves).min(0), (centers + halves).max(0)
    corners = np.array(
        [c + h * s for c, h in zip(centers, halves, strict=True) for s in FACES[0, 0, 1] + FACES[0, 0, -1]]
    )
    scale = 0.5 / np.linalg.norm(corners - (low + high) / 2, axis=1).max()
    centers = (centers - (low + high) / 2) * scale
    return centers - halves * scale, centers + halves * scale


# --- cameras, by hand: columns are the camera's right, down and forward in the world, then where it is -----

C10, S10 = 0.984807753012208, 0.17364817766693033
C20, S20 = 0.9396926207859084, 0.3420201433256687
C40, S40 = 0.766044443118978, 0.6427876096865393

# at world -Y (azimuth -90) looking along +Y: right is +X, down is -Z
FRONT = [[1, 0, 0, 0], [0, 0, 1, -3], [0, -1, 0, 0], [0, 0, 0, 1]]
# at world +Y (azimuth 90) looking along -Y: right is -X
BACK = [[-1, 0, 0, 0], [0, 0, -1, 3], [0, -1, 0, 0], [0, 0, 0, 1]]
MOVED_RIGHT = [[1, 0, 0, 0.4], [0, 0, 1, -3], [0, -1, 0, 0], [0, 0, 0, 1]]
MOVED_UP = [[1, 0, 0, 0], [0, 0, 1, -3], [0, -1, 0, 0.4], [0, 0, 0, 1]]
MOVED_FORWARD = [[1, 0, 0, 0], [0, 0, 1, -2], [0, -1, 0, 0], [0, 0, 0, 1]]
# turned right by 10 degrees: looks towards +Y and a little +X, its right goes towards -Y
TURNED_RIGHT = [[C10, 0, S10, 0], [-S10, 0, C10, -3], [0, -1, 0, 0], [0, 0, 0, 1]]
# turned up by 10 degrees: looks towards +Y and a little +Z, its down goes towards +Y
TURNED_UP = [[1, 0, 0, 0], [0, S10, C10, -3], [0, -C10, S10, 0], [0, 0, 0, 1]]
# rolled clockwise by 20 degrees, seen from behind: its right side sinks, its underside swings to the left
ROLLED = [[C20, -S20, 0, 0], [0, 0, 1, -3], [-S20, -C20, 0, 0], [0, 0, 0, 1]]
# 40 degrees counter-clockwise seen from above: from -Y towards +X, looking at the origin
AROUND = [[C40, 0, -S40, 3 * S40], [S40, 0, C40, -3 * C40], [0, -1, 0, 0], [0, 0, 0, 1]]

TOYS = [
    Box((-1, 0, 0), (0.3, 0.3, 0.3), RED),
    Box((1, 0, 0), (0.3, 0.3, 0.3), BLUE),
    Box((0, 1, 0), (0.3, 0.3, 0.3), GREEN),
    Box((0, 0, 0.7), (0.3, 0.3, 0.1), YELLOW),  # in front
    Box((0, 0, -0.7), (0.3, 0.3, 0.1), MAGENTA),  # behind
    Box((0, -1, 0), (0.3, 0.3, 0.3), (1.0, 1.0, 1.0)),  # so that the middle stays the middle
]
SIDES = [  # a block whose four sides have four colours
    Box((0, 0, 1), (0.9, 0.5, 0.1), YELLOW),
    Box((0, 0, -1), (0.9, 0.5, 0.1), MAGENTA),
    Box((1, 0, 0), (0.1, 0.5, 0.9), BLUE),
    Box((-1, 0, 0), (0.1, 0.5, 0.9), RED),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    settings = RenderConfig(size_px=128, quality="reference", samples=8, jpeg_quality=100)
    with Engine(settings, tmp_path_factory.mktemp("pixels")) as engine:
        yield engine


def view_set(name, poses, hfov_deg=40.0, background=BLACK):
    return ViewSet(
        object=SourceObject(record=ObjectRecord(uid=name)),
        round=0,
        views=[
            PlannedView(world_from_camera=np.asarray(p, float).tolist(), hfov_deg=hfov_deg) for p in poses
        ],
        probes=[],
        pairs=[],
        lights=[Light(name="studio", rotation_deg=0.0, strength=1.0)],
        background=Background(kind="plain", rgb=background),
    )


def render(engine, planned, path, **settings):
    """The views in the order of the plan."""
    [worker] = engine._workers
    worker.settings = engine.settings.model_copy(update=settings)
    try:
        rendered = engine.render(planned, path)
    finally:
        worker.settings = engine.settings
    assert isinstance(rendered, Rendered), rendered
    assert list(rendered.views) == list(range(len(planned.views)))
    return list(rendered.views.values())


# --- pictures, measured -------------------------------------------------------------------------------


def pixels(view: RenderedView):
    with Image.open(io.BytesIO(view.image)) as picture:
        return np.asarray(picture.convert("RGB")).astype(float)


def share(view, color):
    """(H, W) how much of each pixel a colour covers, on black: by hue, which the view transform hardly bends."""
    rgb = pixels(view).astype(np.float32) / 255
    hue, _, value = np.moveaxis(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), 2, 0)
    wanted = cv2.cvtColor(np.float32([[color]]), cv2.COLOR_RGB2HSV)[0, 0, 0]
    near = np.abs((hue - wanted + 180) % 360 - 180) < 28
    colored = rgb.max(2) - rgb.min(2) > 0.05  # neither black nor white
    return np.where(near & colored, value, 0.0)


def place(view, color):
    """(x, y) centre of a colour in the picture, pixel (0, 0) covering [0, 1) x [0, 1), and its area in pixels."""
    weight = share(view, color)
    weight = weight / max(weight.max(), 1e-9)
    area = weight.sum()
    if area < 5:
        return None, None, 0.0
    rows, cols = np.indices(weight.shape)
    return (
        float((weight * (cols + 0.5)).sum() / area),
        float((weight * (rows + 0.5)).sum() / area),
        float(area),
    )


def extent(view):
    """(x, y, area) of all that is not background."""
    seen = view.depth < 1e9
    rows, cols = np.nonzero(seen)
    return cols.mean() + 0.5, rows.mean() + 0.5, seen.sum()


# --- the tests ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toys(engine, tmp_path_factory):
    path = write_glb(tmp_path_factory.mktemp("glb") / "toys.glb", TOYS)
    poses = {
        "front": FRONT,
        "back": BACK,
        "moved right": MOVED_RIGHT,
        "moved up": MOVED_UP,
        "moved forward": MOVED_FORWARD,
        "turned right": TURNED_RIGHT,
        "turned up": TURNED_UP,
        "rolled clockwise": ROLLED,
    }
    views = render(engine, view_set("toys", poses.values()), path)
    return dict(zip(poses, views, strict=True))


def test_from_the_front_the_left_box_is_left_and_the_top_box_on_top(toys):
    (red, red_y, _), (blue, _, _), (_, green_y, _) = (place(toys["front"], c) for c in (RED, BLUE, GREEN))
    assert red < 64 < blue
    assert green_y < red_y
    assert place(toys["front"], YELLOW)[2] > 50
    assert place(toys["front"], MAGENTA)[2] == 0  # hidden behind the yellow one


def test_from_behind_left_and_right_are_exchanged_and_up_is_not(toys):
    (red, red_y, _), (blue, _, _), (_, green_y, _) = (place(toys["back"], c) for c in (RED, BLUE, GREEN))
    assert blue < 64 < red
    assert green_y < red_y
    assert place(toys["back"], MAGENTA)[2] > 50
    assert place(toys["back"], YELLOW)[2] == 0


def truth(first, second):
    """What the package says of two views as they were read back."""
    return make_truth(first.view, second.view, 0.5, None)


def test_a_camera_that_moves_right_sees_the_object_move_left(toys):
    first, second = toys["front"], toys["moved right"]
    assert extent(second)[0] < extent(first)[0] - 5
    # what is nearer moves further
    assert (
        place(first, YELLOW)[0] - place(second, YELLOW)[0]
        > place(first, GREEN)[0] - place(second, GREEN)[0] + 1
    )
    said = truth(first, second)
    assert said.translation == pytest.approx([0.4 / 3, 0, 0], abs=1e-6)
    assert (said.yaw_deg, said.pitch_deg, said.roll_deg) == pytest.approx((0, 0, 0), abs=1e-4)


def test_a_camera_that_turns_right_sees_the_object_move_left(toys):
    first, second = toys["front"], toys["turned right"]
    assert extent(second)[0] < extent(first)[0] - 5
    said = truth(first, second)
    assert said.yaw_deg == pytest.approx(10, abs=1e-4)
    assert said.translation == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_camera_that_moves_up_sees_the_object_move_down(toys):
    first, second = toys["front"], toys["moved up"]
    assert extent(second)[1] > extent(first)[1] + 5
    said = truth(first, second)
    assert said.translation == pytest.approx([0, -0.4 / 3, 0], abs=1e-6)
    assert said.elevation_change_deg > 0
    assert said.pitch_deg == pytest.approx(0, abs=1e-4)


def test_a_camera_that_turns_up_sees_the_object_move_down(toys):
    first, second = toys["front"], toys["turned up"]
    assert extent(second)[1] > extent(first)[1] + 5
    assert truth(first, second).pitch_deg == pytest.approx(10, abs=1e-4)


def test_a_camera_that_moves_forward_sees_the_object_grow(toys):
    first, second = toys["front"], toys["moved forward"]
    assert extent(second)[2] > 1.5 * extent(first)[2]
    said = truth(first, second)
    assert said.translation == pytest.approx([0, 0, 1 / 3], abs=1e-6)
    assert said.distance_ratio == pytest.approx(2 / 3, abs=1e-6)


def test_a_camera_that_rolls_clockwise_sees_the_object_turn_counter_clockwise(toys):
    first, second = toys["front"], toys["rolled clockwise"]
    assert place(first, GREEN)[0] == pytest.approx(64, abs=0.5)
    assert place(second, GREEN)[0] < 64 - 5  # what was on top goes to the left,
    assert place(second, RED)[1] > 64 + 5  # what was on the left down,
    assert place(second, BLUE)[1] < 64 - 5  # what was on the right up
    assert truth(first, second).roll_deg == pytest.approx(20, abs=1e-4)


def test_going_counter_clockwise_shows_more_of_the_side_that_was_at_the_right(engine, tmp_path):
    path = write_glb(tmp_path / "sides.glb", SIDES)
    first, second = render(engine, view_set("sides", [FRONT, AROUND]), path)
    # from the front: the yellow face, the edges of the blue plate at its right and of the red one at its left
    assert place(first, RED)[0] < place(first, YELLOW)[0] < place(first, BLUE)[0]
    assert place(second, BLUE)[2] > 2 * place(first, BLUE)[2]
    assert place(second, RED)[2] < place(first, RED)[2]
    assert place(second, YELLOW)[0] < place(second, BLUE)[0]
    said = truth(first, second)
    assert said.azimuth_change_deg == pytest.approx(40, abs=1e-4)
    assert said.translation[0] > 0.25  # to its own right
    assert said.yaw_deg == pytest.approx(-40, abs=1e-4)  # and it turned left to keep looking


# --- points to the pixel ---------------------------------------------------------------------------------

DOTS = [
    Box((-0.8, -0.5, 0.3), (0.05, 0.05, 0.05), RED),
    Box((0.7, -0.4, -0.6), (0.05, 0.05, 0.05), GREEN),
    Box((0.2, 0.8, 0.5), (0.05, 0.05, 0.05), BLUE),
    Box((0.5, 0.1, 0.8), (0.05, 0.05, 0.05), YELLOW),
    Box((-0.4, 0.4, -0.7), (0.05, 0.05, 0.05), MAGENTA),
    Box((-0.1, -0.8, 0.1), (0.05, 0.05, 0.05), CYAN),
]
# no axis along any other, not aimed at the object's middle, rolled; checked to be rotations in the test
ODD = [
    [[0.96, 0.28, 0.0, -0.1], [0.0, 0.0, 1.0, -1.9], [0.28, -0.96, 0.0, 0.05], [0, 0, 0, 1]],
    [[0.6, -0.48, -0.64, 1.3], [0.8, 0.36, 0.48, -0.9], [0.0, -0.8, 0.6, -1.1], [0, 0, 0, 1]],
    [[-0.8, 0.36, 0.48, -1.0], [-0.6, -0.48, -0.64, 1.3], [0.0, -0.8, 0.6, -1.2], [0, 0, 0, 1]],
]


def box_depth(low, high, pose, k, col, row):
    """Depth along the optical axis at which the ray of a pixel's centre enters a box; None if it misses."""
    ray = np.array([(col + 0.5 - k[0, 2]) / k[0, 0], (row + 0.5 - k[1, 2]) / k[1, 1], 1.0])
    direction, origin = pose[:3, :3] @ ray, pose[:3, 3]
    with np.errstate(divide="ignore"):
        enter, leave = np.sort([(low - origin) / direction, (high - origin) / direction], axis=0)
    return float(enter.max()) if enter.max() < leave.min() else None


@pytest.mark.parametrize("hfov_deg", [40.0, 65.0])
def test_known_points_land_on_their_pixels_at_their_depth(engine, tmp_path, hfov_deg):
    for pose in map(np.array, ODD):
        assert np.allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3))
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
    path = write_glb(tmp_path / "dots.glb", DOTS)
    views = render(engine, view_set(f"dots{hfov_deg:.0f}", ODD, hfov_deg), path, size_px=256, samples=32)
    lows, highs = world_boxes(DOTS)
    off, checked = [], 0
    for view in views:
        pose, k = np.array(view.view.world_from_camera), np.array(view.view.intrinsics)
        assert k[0, 0] == pytest.approx(128 / np.tan(np.radians(hfov_deg / 2)), rel=1e-5)
        assert k[:, 2] == pytest.approx([128, 128, 1])
        for low, high, box in zip(lows, highs, DOTS, strict=True):
            x, y, z = pose[:3, :3].T @ ((low + high) / 2 - pose[:3, 3])
            expected = np.array([k[0, 0] * x / z + k[0, 2], k[1, 1] * y / z + k[1, 2]])
            found = place(view, box.color)
            assert found[2], f"{box.color} is not in the picture"
            off.append(np.array(found[:2]) - expected)
            assert np.abs(off[-1]).max() < 0.5, f"{box.color}: at {found[:2]}, projected to {expected}"
            col, row = map(int, found[:2])
            depth = box_depth(low, high, pose, k, col, row)
            assert depth is not None
            assert view.depth[row, col] == pytest.approx(depth, abs=1e-3)
            checked += 1
    assert checked == 18
    assert np.abs(np.mean(off, axis=0)).max() < 0.15, "half a pixel of the convention is lost somewhere"


# --- the camera's motion, from the pictures alone ---------------------------------------------------------

CRATES = [  # spread in depth: on a flat thing a move and a turn look alike
    Box((0, 0, -0.5), (0.75, 0.6, 0.1), RED),
    Box((-0.6, -0.3, 0.5), (0.22, 0.28, 0.22), RED),
    Box((0.6, 0.3, 0.45), (0.24, 0.25, 0.22), RED),
    Box((0.45, -0.45, 0.05), (0.25, 0.2, 0.25), RED),
    Box((-0.45, 0.45, 0.0), (0.25, 0.22, 0.3), RED),
    Box((0.05, 0.0, 0.3), (0.16, 0.2, 0.3), RED),
]
SIZE_PX = 512


def noise_png(seed):
    """Blobs of a few sizes and all colours: something to match at every scale."""
    rng = np.random.default_rng(seed)
    out = np.zeros((512, 512, 3), np.float32)
    for cells in (20, 40, 80):
        out += cv2.resize(
            rng.random((cells, cells, 3), np.float32), (512, 512), interpolation=cv2.INTER_NEAREST
        )
    buffer = io.BytesIO()
    Image.fromarray((255 * out / out.max()).astype(np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def aimed(azimuth_deg, elevation_deg, distance, aside_deg=(0.0, 0.0), roll_deg=0.0):
    """A camera that looks at the origin, then turned right and up by `aside_deg` and rolled clockwise, by scipy."""
    a, e = np.radians([azimuth_deg, elevation_deg])
    position = distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    forward = -position / distance
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    level = np.column_stack([right, np.cross(forward, right), forward])
    # right is clockwise from above; up is about the camera's right by the right-hand rule (y goes down); a
    # clockwise roll takes the camera's right to its down
    turn = Rotation.from_rotvec(np.radians(-aside_deg[0]) * np.array([0, 0, 1])).as_matrix()
    own = Rotation.from_euler("XZ", [aside_deg[1], roll_deg], degrees=True).as_matrix()
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = turn @ level @ own, position
    return out


def stepped_right(pose, length):
    """The camera moved along its own right axis."""
    out = pose.copy()
    out[:3, 3] += length * pose[:3, 0]
    return out


def turned_right(pose, angle_deg):
    out = pose.copy()
    out[:3, :3] = (
        Rotation.from_rotvec(np.radians(-angle_deg) * np.array([0, 0, 1])).as_matrix() @ pose[:3, :3]
    )
    return out


def features(view):
    """SIFT points of a picture, pixel (0, 0) covering [0, 1) x [0, 1)."""
    with Image.open(io.BytesIO(view.image)) as picture:
        grey = np.asarray(picture.convert("L"))
    points, descriptors = cv2.SIFT_create(enable_precise_upscale=True).detectAndCompute(grey, None)
    return np.array([p.pt for p in points]) + 0.5, descriptors


def matches(first, second):
    found = cv2.BFMatcher().knnMatch(first[1], second[1], k=2)
    good = [best for best, other in found if best.distance < 0.75 * other.distance]
    return first[0][[m.queryIdx for m in good]], second[0][[m.trainIdx for m in good]]


def angle_deg(rotation):
    return float(np.degrees(np.linalg.norm(cv2.Rodrigues(rotation)[0])))


def recover_motion(a, b, k):
    """(second_from_first rotation, direction of the translation, matches that agree) by OpenCV."""
    cv2.setRNGSeed(0)
    essential, inlier = cv2.findEssentialMat(
        a, b, k, method=cv2.USAC_MAGSAC, prob=0.9999, threshold=0.5, maxIters=20000
    )
    count, rotation, translation, _ = cv2.recoverPose(essential, a, b, k, mask=inlier)
    return rotation, translation[:, 0], count


def recover_turn(a, b, k):
    """(second_from_first rotation, matches that agree) of a camera that only turned, by OpenCV's homography."""
    cv2.setRNGSeed(0)
    homography, inlier = cv2.findHomography(a, b, cv2.USAC_MAGSAC, 0.7)
    turn = np.linalg.inv(k) @ homography @ k
    u, _, vt = np.linalg.svd(turn / np.cbrt(np.linalg.det(turn)))
    return u @ vt, int(inlier.sum())


def yaw_to_the_right(rotation):
    """Degrees by which the second camera looks further right, seen in the first one's own axes."""
    forward = rotation.T @ [0, 0, 1]
    return float(np.degrees(np.arctan2(forward[0], forward[2])))


@pytest.fixture(scope="module")
def crates(engine, tmp_path_factory):
    """Seeded pairs of each family as (family, right, turned right, views): both signs, in numbers of this file's own."""
    path = write_glb(tmp_path_factory.mktemp("glb") / "crates.glb", CRATES, noise_png(0))
    rng = np.random.default_rng(5)
    poses, pairs = [], []
    for sign in (-1, 1):
        around, aside = sign * rng.uniform(12, 22), rng.uniform(-4, 4, (3, 2))
        start, elevation = -90 - around / 2, rng.uniform(5, 25)
        base = aimed(start, elevation, 1.25, aside[0], rng.uniform(-3, 3))
        other = aimed(start + around, elevation + rng.uniform(-6, 6), 1.3, aside[1], rng.uniform(-3, 3))
        turned = turned_right(base, -sign * rng.uniform(10, 14))
        truck = stepped_right(base, sign * rng.uniform(0.25, 0.32))
        first = len(poses)
        poses += [base, other, turned, truck]
        # counter-clockwise around is to the camera's right, turning left; from `turned` to `truck` both have
        # `sign`
        pairs += [
            ("orbit", first, first + 1, sign, -sign),
            ("pan", first, first + 2, 0, -sign),
            ("truck", first, first + 3, sign, 0),
            ("same_sign", first + 2, first + 3, sign, sign),
        ]
    views = render(engine, view_set("crates", poses, 65.0, [60, 60, 60]), path, size_px=SIZE_PX, samples=8)
    found = [features(view) for view in views]
    return [
        (*pair, views[pair[1]], views[pair[2]], *matches(found[pair[1]], found[pair[2]])) for pair in pairs
    ]


def test_opencv_recovers_the_stated_motion_from_the_pictures(crates):
    families = []
    for family, _, _, right, turned, first, second, a, b in crates:
        if family == "pan":
            continue
        said = truth(first, second)
        rotation, translation, agreeing = recover_motion(a, b, np.array(first.view.intrinsics))
        assert agreeing >= 60, f"{family}: only {agreeing} matches"
        camera_went = -rotation.T @ translation  # in first-camera axes
        assert np.sign(camera_went[0]) == np.sign(said.translation[0]) == right, family
        assert camera_went @ said.translation / np.linalg.norm(said.translation) > 0.995, family
        assert angle_deg(rotation @ np.array(said.second_from_first)[:3, :3].T) < 0.5, family
        if turned:
            assert np.sign(yaw_to_the_right(rotation)) == np.sign(said.yaw_deg) == turned, family
        else:
            assert said.yaw_deg == pytest.approx(0, abs=1e-4)
        families.append(family)
    assert sorted(families) == ["orbit", "orbit", "same_sign", "same_sign", "truck", "truck"]


def test_opencv_recovers_the_stated_turn_from_the_pictures(crates):
    turns = [pair for pair in crates if pair[0] == "pan"]
    assert len(turns) == 2
    for _, _, _, _, turned, first, second, a, b in turns:
        said = truth(first, second)
        rotation, agreeing = recover_turn(a, b, np.array(first.view.intrinsics))
        assert agreeing >= 60
        assert angle_deg(rotation @ np.array(said.second_from_first)[:3, :3].T) < 0.5
        assert np.sign(yaw_to_the_right(rotation)) == np.sign(said.yaw_deg) == turned
        assert said.translation == pytest.approx([0, 0, 0], abs=1e-6)
