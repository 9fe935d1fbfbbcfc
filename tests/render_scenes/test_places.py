"""Procedural places: what is painted of them, against rays, projections and pictures by other code."""

import numpy as np
import pytest

from render_scenes import painting, pixel_filter, places, textures
from render_scenes.dome import Dome, dome_hits
from viewpoint100k.geometry.cameras import look_at, position_on_sphere

cv2 = pytest.importorskip("cv2", reason="points are projected with opencv")
trimesh = pytest.importorskip("trimesh", reason="rays are traced with trimesh")

PLANS = {
    "table": places.Plan("table", 11, 0.15, 3.4, 2.0, -0.4),
    "room": places.Plan("room", 12, 0.9, 3.4, 2.0, -0.45),
    "yard": places.Plan("yard", 13, 4.5, 3.4, 2.0, -0.2),
}
SIZE = 160


@pytest.fixture(scope="module")
def built():
    return {name: places.build(plan) for name, plan in PLANS.items()}


def camera(azimuth_deg, elevation_deg=22.0, distance=2.4, target=(0.1, 0.2, 0.0), size=SIZE, hfov_deg=62.0):
    focal = 0.5 * size / np.tan(np.radians(hfov_deg / 2))
    intrinsics = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])
    return look_at(position_on_sphere(azimuth_deg, elevation_deg, distance), np.array(target)), intrinsics


def world_points(depth, world_from_camera, intrinsics):
    """Where the pixels' middles are, (H, W, 3)."""
    height, width = depth.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(intrinsics).T
    return (rays * depth[..., None]) @ world_from_camera[:3, :3].T + world_from_camera[:3, 3]


def projected(points, world_from_camera, intrinsics):
    """By OpenCV: pixels (N, 2) and depths (N,)."""
    camera_from_world = np.linalg.inv(world_from_camera)
    turned, _ = cv2.Rodrigues(camera_from_world[:3, :3])
    pixels, _ = cv2.projectPoints(points, turned, camera_from_world[:3, 3], intrinsics, None)
    return pixels[:, 0], (points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3])[:, 2]


def first_hit(origins, directions, triangles):
    """How far rays go until the first of some triangles, by Moeller and Trumbore (1997)."""
    corner = triangles[:, 0]
    one, two = triangles[:, 1] - corner, triangles[:, 2] - corner
    out = np.full(len(directions), np.inf)
    for i, (origin, direction) in enumerate(zip(origins, directions, strict=True)):
        across = np.cross(direction, two)
        scale = (one * across).sum(axis=1)
        away = origin - corner
        with np.errstate(divide="ignore", invalid="ignore"):
            u = (away * across).sum(axis=1) / scale
            other = np.cross(away, one)
            v = (direction * other).sum(axis=1) / scale
            along = (two * other).sum(axis=1) / scale
        hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (along > 1e-6)
        out[i] = along[hit].min(initial=np.inf)
    return out


@pytest.mark.parametrize("name", PLANS)
def test_rays_end_where_trimesh_says_that_walls_and_boxes_are(built, name):
    place = built[name]
    pose, intrinsics = camera(40)
    intrinsics = intrinsics * np.array([[24 / SIZE], [24 / SIZE], [1]])
    painted = painting.paint(place, pose, intrinsics, 24)
    meshes = [trimesh.creation.box(bounds=(box.low, box.high)) for box in place.boxes]
    whole = trimesh.util.concatenate(meshes)
    turn = np.eye(4)
    turn[:3, :3] = place.place_from_world.T
    whole.apply_transform(turn)
    seen = painted.depth < 1e9
    far = world_points(np.ones((24, 24)), pose, intrinsics) - pose[:3, 3]
    origins = np.broadcast_to(pose[:3, 3], far.shape)
    reach = first_hit(origins[seen], far[seen], whole.triangles)
    assert seen.mean() > 0.5
    assert np.abs(reach / painted.depth[seen] - 1).max() < 1e-3


@pytest.mark.parametrize("name", PLANS)
def test_what_a_second_picture_shows_is_where_opencv_projects_it(built, name):
    """Corners of textures found in one picture lie, in the other, where their depth says."""
    one, two = camera(30, size=320), camera(36, 24, 2.5, size=320)
    pictures, depths = [], []
    for pose, intrinsics in (one, two):
        painted = painting.paint(built[name], pose, intrinsics, 320)
        pictures.append(cv2.cvtColor((np.clip(painted.rgb, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY))
        depths.append(painted.depth)
    corners = cv2.goodFeaturesToTrack(pictures[0], 300, 0.02, 5)[:, 0].astype(int)
    points = world_points(depths[0], *one)[corners[:, 1], corners[:, 0]]
    there, z = projected(points, *two)
    inside = ((there > 12) & (there < 308)).all(axis=1) & (z < 1e3)
    column, row = there.astype(int).clip(0, 319).T
    inside &= np.abs(depths[1][row, column] / z - 1) < 0.02
    start = np.ascontiguousarray(corners[inside], dtype=np.float32).reshape(-1, 1, 2)
    guess = np.ascontiguousarray(there[inside] - 0.5, dtype=np.float32).reshape(-1, 1, 2)
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        pictures[0],
        pictures[1],
        start,
        guess,
        winSize=(15, 15),
        maxLevel=0,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    off = np.linalg.norm(found - guess, axis=2)[status == 1]
    assert len(off) > 25
    assert np.median(off) < 0.5


@pytest.mark.parametrize("name", PLANS)
def test_rays_that_are_level_or_along_an_axis_end_ahead_of_the_camera(built, name):
    """A picture with an odd number of pixels has a middle one, whose ray is exactly along the camera's axis."""
    place = built[name]
    ways = {"level": np.array([1.0, 0.0, 0.0]), "down": np.array([0.0, 0.0, -1.0])}
    for way in ways.values():
        right = np.array([0.0, -1.0, 0.0])
        pose = np.eye(4)
        pose[:3, :3] = place.place_from_world.T @ np.column_stack([right, np.cross(way, right), way])
        with np.errstate(all="raise", under="ignore"):
            painted = painting.paint(place, pose, np.array([[30.0, 0, 16.5], [0, 30.0, 16.5], [0, 0, 1]]), 33)
        assert np.isfinite(painted.rgb).all()
        assert painted.depth.min() > 0


def blackman_harris(away_px, width_px=3.0):
    """Blender's default pixel filter, by its definition in Harris (1978): Cycles doubles a width of 1.5."""
    turn = 2 * np.pi * (away_px / width_px + 0.5)
    return 0.35875 - 0.48829 * np.cos(turn) + 0.14128 * np.cos(2 * turn) - 0.01168 * np.cos(3 * turn)


@pytest.mark.parametrize("name", PLANS)
def test_a_picture_is_what_the_pixel_filter_makes_of_one_of_five_times_the_size(built, name):
    """The fine one has 25 rays a pixel, each with a texture at almost its full size."""
    small, finer = 112, 5
    pose, intrinsics = camera(30, size=small)
    picture = painting.paint(built[name], pose, intrinsics, small).rgb
    _, intrinsics = camera(30, size=finer * small)
    fine = painting.paint(built[name], pose, intrinsics, finer * small).rgb
    weights = blackman_harris((np.arange(15) - 7) / finer)
    weights = weights / weights.sum()
    filtered = cv2.sepFilter2D(fine, -1, weights, weights)[2::finer, 2::finer]
    error = ((np.clip(picture, 0, 1) - np.clip(filtered, 0, 1))[2:-2, 2:-2] ** 2).mean()
    assert -10 * np.log10(error) > 41


def test_what_smoothing_adds_is_what_lookups_leave_of_the_pixel_filter():
    away = np.linspace(-1.5, 1.5, 3001)
    weights = blackman_harris(away)
    whole = (weights * away**2).sum() / weights.sum()
    assert whole == pytest.approx(pixel_filter.VARIANCE, rel=1e-3)
    spot = np.zeros((1, 7, 7), dtype=np.float32)
    spot[0, 3, 3] = 1
    spread = pixel_filter.smoothed(spot, painting.UNFILTERED)[0]
    assert spread.sum() == pytest.approx(1, abs=1e-6)
    for axis in (0, 1):
        added = (spread.sum(axis=axis) * np.arange(-2, 3) ** 2).sum()
        assert added + painting.FILTER**2 / 12 == pytest.approx(whole, rel=1e-3)


@pytest.mark.parametrize("wraps", [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("size", [(16, 32), (9, 21)])  # powers of two are looked up by another way
def test_a_picture_is_looked_up_between_its_pixels_and_beyond_its_sides(size, wraps):
    height, width = size
    picture = np.random.default_rng(1).integers(0, 256, (3, *size)).astype(np.uint8)
    column, row = np.random.default_rng(2).uniform(-width, 2 * width, (2, 400)).astype(np.float32)
    found = pixel_filter.interpolated(picture, column, row, wraps=wraps)
    borders = [cv2.BORDER_WRAP if wrap else cv2.BORDER_REPLICATE for wrap in wraps]
    wide = cv2.copyMakeBorder(picture.transpose(1, 2, 0), 0, 0, 2 * width, 3 * width, borders[0])
    whole = cv2.copyMakeBorder(wide, 8 * height, 8 * height, 0, 0, borders[1]).astype(np.float64)
    x, y = column.astype(np.float64) + 2 * width, row.astype(np.float64) + 8 * height
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, below = (x - left)[:, None], (y - top)[:, None]
    upper = whole[top, left] * (1 - right) + whole[top, left + 1] * right
    lower = whole[top + 1, left] * (1 - right) + whole[top + 1, left + 1] * right
    assert found == pytest.approx((upper * (1 - below) + lower * below).T, abs=0.01)


@pytest.mark.parametrize("size", [(64, 128), (37, 91), (101, 30)])
def test_each_level_of_a_texture_shows_the_same_at_the_same_place(size):
    """A slope is kept by halving, whatever the size, also if that is odd at some level."""
    height, width = size
    down, across = np.mgrid[:height, :width]
    slope = np.stack([(across + 0.5) / width, (down + 0.5) / height], axis=2).astype(np.float32)
    levels = textures.pyramid(slope).levels
    assert len(levels) >= 4
    for level in levels:
        for slope_of, axis in ((level[0], 0), (level[1], 1)):
            count = level.shape[2 - axis]
            wanted = (np.arange(count) + 0.5) / count
            assert slope_of.mean(axis=axis) == pytest.approx(wanted, abs=0.1 / count)  # a tenth of its pixels


@pytest.mark.parametrize("sort", ["table", "room", "yard"])
def test_no_wall_and_no_furniture_comes_between_cameras_and_the_object(sort):
    for seed in range(4):
        place = places.build(PLANS[sort]._replace(seed=seed))
        room, *boxes = place.boxes
        assert min(*-room.low[:2], *room.high[:2]) > 3.4
        assert room.high[2] > 2.0
        for box in boxes[5:] if sort == "table" else boxes:  # the top and four legs come first
            assert np.hypot(*np.clip(0, box.low[:2], box.high[:2])) > 3.4
        for box in boxes[:5] if sort == "table" else ():
            assert box.high[2] <= place.ground + 1e-9


@pytest.mark.parametrize("name", PLANS)
def test_the_surface_below_the_middle_is_as_high_as_the_object_ends(built, name):
    place = built[name]
    pose, intrinsics = camera(70, 60, 2.0, (0, 0, place.ground))
    painted = painting.paint(place, pose, intrinsics, SIZE)
    middle = world_points(painted.depth, pose, intrinsics)[SIZE // 2, SIZE // 2]
    assert middle[2] == pytest.approx(PLANS[name].ground, abs=1e-4)
    assert painted.on_ground[SIZE // 2, SIZE // 2]


def test_a_seed_makes_one_place_and_another_seed_another():
    pose, intrinsics = camera(15)

    def picture(seed):
        return painting.paint(places.build(PLANS["room"]._replace(seed=seed)), pose, intrinsics, 64).rgb

    first = picture(1)
    assert (first == picture(1)).all()
    assert np.abs(first - picture(2)).mean() > 0.03


def test_light_comes_from_where_the_windows_and_lamps_are(built):
    """The panorama that lights the object shows the place's brightest parts in the directions in which they are."""
    around = painting.surroundings(built["room"], 32)
    row, column = np.unravel_index(np.argmax(around.sum(axis=2)), around.shape[:2])
    azimuth, elevation = (0.5 - (column + 0.5) / 64) * 360, (0.5 - (row + 0.5) / 32) * 180
    way = position_on_sphere(azimuth, elevation, 1.0)
    pose = look_at(np.zeros(3), way if abs(way[2]) < 0.999 else way + np.array([0.05, 0, 0]))
    _, intrinsics = camera(0, hfov_deg=20.0)
    seen = painting.paint(built["room"], pose, intrinsics, SIZE).rgb
    assert seen[70:90, 70:90].mean() > np.median(around) * 1.15


def test_a_panorama_lies_on_the_floor_and_on_the_half_sphere_above_it():
    dome = Dome(ground=-0.4, eye=1.5, radius=8.0)
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(3, 2000))
    origin = np.array([1.2, -2.0, 0.7])
    ends = origin[:, None] + dome_hits(dome, origin, directions.astype(np.float32)) * directions
    height = ends[2] - dome.ground
    away = np.linalg.norm(ends - [[0], [0], [dome.ground]], axis=0)
    on_floor = np.abs(height) < 1e-3
    assert 0.2 < on_floor.mean() < 0.8
    assert away[on_floor].max() < 8.001
    assert away[~on_floor] == pytest.approx(8.0, rel=1e-4)
    assert height.min() > -1e-3
