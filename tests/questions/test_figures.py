"""What kinds that draw a figure know of a box: its points, its sides, its mirror image; and how figures are drawn."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image
from support.box_views import (
    EAST_OF_IT,
    GATES,
    PLAIN,
    SOUTH,
    WEST_OF_IT,
    a_set,
    answer,
    few_pixels,
    is_colour,
    known,
    looking,
    question,
    seen_of_box,
    sees,
    tracked_by,
    view,
)
from support.painted_box import SIZE, K, camera, cast, on_sphere

from viewpoint100k.annotate import annotate
from viewpoint100k.drawing import draws, mirrored, shown
from viewpoint100k.geometry.cameras import intrinsics_from_hfov
from viewpoint100k.geometry.points import chirality, landmarks, lens_or_place, side_shares, track
from viewpoint100k.geometry.visibility import Capture, merge, surface
from viewpoint100k.quality import RenderedView, Statistics, portray
from viewpoint100k.questions import figures_of
from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import (
    Background,
    Light,
    Mark,
    ObjectRecord,
    PlannedPair,
    PlannedView,
    Seen,
    SourceObject,
    ViewSet,
)

# --- points of the surface -------------------------------------------------------------------------


@pytest.mark.parametrize("second", [EAST_OF_IT, WEST_OF_IT, looking(-90, 55), looking(10)])
def test_what_a_view_is_said_to_see_of_a_point_is_what_a_straight_line_says(second):
    tracked = tracked_by(SOUTH, second, 12)
    assert tracked.visible.shape == (2, len(tracked.points)) and len(tracked.points) >= 16
    for place, pose in enumerate((SOUTH, second)):
        for point, state in zip(tracked.points, tracked.visible[place], strict=True):
            if state:
                assert sees(pose, point * 1.0005) == (state == 1)
    assert (tracked.visible == 1).any(axis=1).all()
    goes_around = abs(second[0, 3] - SOUTH[0, 3]) > 0.1  # who only rises loses no side of the box
    assert (tracked.visible == -1).any() == goes_around


@pytest.mark.parametrize("size", [32, 40, 48, 64])
@pytest.mark.parametrize("way", ["around", "turned"])
def test_in_tiny_pictures_too_what_is_said_of_a_point_is_what_a_straight_line_says(size, way):
    """From many places, so that outlines and pixels fall into each other in many ways."""
    said = Counter()
    for azimuth in range(-90, 90, 6):
        first, distance = looking(azimuth, 25, 1.8), on_sphere(azimuth, 25, 1.8)
        second = (
            looking(azimuth + 40, 15, 1.8) if way == "around" else camera(distance, -97 - azimuth, -20, 6)
        )
        tracked = tracked_by(first, second, 16, size)
        for pose, states in zip((first, second), tracked.visible, strict=True):
            for point, state in zip(tracked.points, states, strict=True):
                said[int(state)] += 1
                if state:
                    assert sees(pose, point * 1.002) == (state == 1)
    assert said[1] > 100


def fence_at(origin, rays, width):
    """How far along rays a fence is whose posts stand 0.15 before a wall, 0.07 apart; 1e10 where there is nothing."""
    out = np.full(rays.shape[:-1], 1e10)
    for y, post in ((0.0, 0.07), (-0.15, width)):  # the wall is all post
        along = (y - origin[1]) / rays[..., 1]
        x, _, z = np.moveaxis(origin + rays * along[..., None], -1, 0)
        hit = (along > 0) & (np.abs(x) < 0.4) & (np.abs(z) < 0.4) & (x % 0.07 < post)
        out = np.where(hit, along, out)
    return out


def test_a_pixel_that_a_post_fills_hides_little_of_what_is_beside_it():
    """At 32 px the posts are thinner than a pixel: of what is said for certain, hardly anything may be wrong."""
    k, wrong, said = intrinsics_from_hfov(50.0, 32, 32), 0, 0
    columns, rows = np.meshgrid(np.arange(32) + 0.5, np.arange(32) + 0.5)
    rays = np.stack([(columns - k[0, 2]) / k[0, 0], (rows - k[1, 2]) / k[1, 1], np.ones_like(rows)], -1)
    for width in (0.02, 0.035, 0.05):
        for azimuth in range(-120, -60, 5):
            poses = looking(azimuth, 10), looking(azimuth + 17, 14, 2.1)
            depths = [fence_at(pose[:3, 3], rays @ pose[:3, :3].T, width) for pose in poses]
            grey = np.full((32, 32, 3), 0.5, np.float32)
            captures = [
                Capture(d.astype(np.float32), grey, pose, k) for d, pose in zip(depths, poses, strict=True)
            ]
            points = merge(landmarks(captures, [surface(one) for one in captures], 16))
            (tracked,) = track([(captures[0], captures[1])], [points])
            for pose, states in zip(poses, tracked.visible, strict=True):
                way = fence_at(pose[:3, 3], tracked.points - pose[:3, 3], width)
                said += np.count_nonzero(states)
                wrong += np.count_nonzero(states * np.where(way > 0.999, 1, -1) < 0)
    assert said > 700 and wrong / said < 0.03


def test_points_are_where_their_pixels_say():
    tracked = tracked_by(SOUTH, EAST_OF_IT, 12)
    for place, pose in enumerate((SOUTH, EAST_OF_IT)):
        in_camera = np.linalg.solve(pose, np.c_[tracked.points, np.ones(len(tracked.points))].T)[:3]
        image = K @ (in_camera / in_camera[2])
        assert np.abs(image[:2].T - tracked.pixels[place]).max() < 1e-6


def test_points_keep_away_from_outlines_and_from_each_other():
    tracked = tracked_by(SOUTH, EAST_OF_IT, 10)
    seen = cast(SOUTH).depth < 1e9
    for pixel in tracked.pixels[0][tracked.visible[0] == 1]:
        column, row = pixel.astype(int)
        assert seen[row, column - 1 : column + 2].all() and seen[row - 1 : row + 2, column].all()
    first = tracked.points[:10]
    apart = np.linalg.norm(first[:, None] - first[None], axis=-1) + np.eye(10)
    assert apart.min() > 0.08


# --- sides ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("front_azimuth_deg", "shown_sides"),
    # from the south-east one sees what faces south, what faces east, and the top
    [(-90, {"front", "left", "top"}), (0, {"right", "front", "top"}), (90, {"back", "right", "top"})],
)
def test_the_sides_of_a_box_by_its_own_front(front_azimuth_deg, shown_sides):
    pose = looking(-45, 30)
    shares = dict(
        zip(
            ("front", "back", "left", "right", "top", "bottom"),
            side_shares(surface(cast(pose)), pose, front_azimuth_deg),
            strict=True,
        )
    )
    assert {side for side, share in shares.items() if share > 0.1} == shown_sides
    assert sum(shares.values()) == pytest.approx(1)


# --- mirror images ----------------------------------------------------------------------------------------


def ring_of(**more):
    return [cast(looking(azimuth), **more) for azimuth in range(-90, 270, 30)]


def test_a_grey_box_is_its_own_mirror_image_and_a_painted_one_is_not():
    for painted, low, high in ((False, 0.0, 0.02), (True, 0.06, 1.0)):
        ring = ring_of(painted=painted)
        cloud = merge([surface(one, max_points=500) for one in ring])
        assert low <= chirality(cloud, ring) <= high


def test_a_thing_with_one_mirror_plane_of_any_direction_is_its_own_mirror_image():
    for turned_deg in (0, 15, 40):
        c, s = np.cos(np.radians(turned_deg)), np.sin(np.radians(turned_deg))
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])

        def paint(capture, turn=turn):
            """Dark towards one end of the box, so that one of its two mirror planes is left."""
            rows, cols = np.nonzero(capture.depth < 1e9)
            rays = np.stack(
                [(cols + 0.5 - K[0, 2]) / K[0, 0], (rows + 0.5 - K[1, 2]) / K[1, 1], np.ones(len(rows))], 1
            )
            points = rays * capture.depth[rows, cols, None] @ capture.world_from_camera[:3, :3].T
            along = (points + capture.world_from_camera[:3, 3]) @ turn[:, 0]
            albedo = capture.albedo.copy()
            albedo[rows, cols] = np.clip(0.5 + along, 0, 1)[:, None]
            return Capture(capture.depth, albedo, capture.world_from_camera, capture.intrinsics)

        ring = [paint(cast(looking(azimuth), look=turn, painted=False)) for azimuth in range(-90, 270, 30)]
        cloud = merge([surface(one, max_points=500) for one in ring])
        assert chirality(cloud, ring) < 0.03, turned_deg


# --- the lens ---------------------------------------------------------------------------------------


def test_perspective_tells_a_near_camera_from_a_zoomed_one():
    points = surface(cast(SOUTH)).points
    flat = points * [1.0, 0.02, 1.0] + [0, -0.2, 0]
    near = looking(-90, 0, 1.2)
    deep = lens_or_place(points, near, K, 0.6, 1.0)
    assert deep > 0.02
    assert lens_or_place(flat + [0, 0.2, 0], near, K, 0.6, 1.0) < 0.5 * deep
    assert (
        lens_or_place(points, looking(-90, 0, 8.0), K, 0.6, 1.0) < 0.5 * deep
    )  # from afar there is little perspective
    # the same picture is meant whether one says that the camera came nearer, or that the lens did not zoom
    assert deep == pytest.approx(lens_or_place(points, near, K, 0.6, 1.02), rel=0.01)


# --- marked points ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [32, 48, 96])
def test_a_camera_that_only_turns_hides_nothing_whatever_the_pixels_say(size):
    """Depth and a normal are measured in a few pixels; where a camera stays, both pictures show the same surface."""
    turned = camera(on_sphere(-90, 20, 2.0), 7, -14, 5)
    views = [PlannedView(world_from_camera=pose.tolist(), hfov_deg=60.0) for pose in (SOUTH, turned)]
    rendered = {}
    for number, pose in enumerate((SOUTH, turned)):
        capture = cast(pose, size=size)
        seen = capture.depth < 1e9
        if number:  # something lies before half of the object here, where there is nothing
            capture.depth[:, : size // 2] = np.where(
                seen[:, : size // 2], capture.depth[:, : size // 2] - 0.3, 1e10
            )
        shown_as = view(pose, k=capture.intrinsics).model_copy(update={"object_share": float(seen.mean())})
        good = Statistics(opacity=1.0, luminance=0.5, contrast=0.2, from_background=0.5)
        rendered[number] = RenderedView(shown_as, b"", capture.depth, capture.albedo, good)
    thing = SourceObject(record=ObjectRecord(uid="box"), front_azimuth_deg=-90)
    pairs = [PlannedPair(first=0, second=1, motion="000+000")]
    lights, background = [Light(name="city", rotation_deg=0, strength=1)], Background(kind="plain")
    visit = ViewSet(
        object=thing, round=0, views=views, probes=[], pairs=pairs, lights=lights, background=background
    )
    portrait = portray(
        [rendered[0], *[rendered[0]._replace(view=view(looking(a))) for a in range(-60, 270, 30)]], GATES
    )
    candidates, drops = annotate(
        visit, rendered, portrait, GATES.model_copy(update={"min_covisible_fraction": 0.0})
    )
    assert drops == []
    assert candidates[0].seen.points
    assert {state for point in candidates[0].seen.points for state in point.visible} <= {"yes", "unclear"}


@pytest.mark.parametrize("number", [0, 1])
def test_a_handful_of_pixels_decides_nothing(number):
    """At any resolution: what counts is how many pixels the object has."""
    hidden, some = [0.8, 0, 0, 0, 0.2, 0], [0.4, 0, 0.4, 0, 0.2, 0]
    sides = known(SOUTH, EAST_OF_IT, seen=Seen(sides=[hidden, some]))
    seen = seen_of_box(looking(0))
    point = next(point for point in seen.points if point.visible == ["yes", "no"])
    dot = Figure(marks=(Mark(image=0, x=point.pixels[0][0], y=point.pixels[0][1], colour="red"),))
    points = known(SOUTH, looking(0), seen=seen)
    for count, asked in ((GATES.min_pixels, True), (GATES.min_pixels - 1, False)):
        assert (answer("revealed_side", few_pixels(sides, count, number)) is not None) == asked
        assert (answer("covisible_point", few_pixels(points, count, number), dot) is not None) == asked


def test_a_camera_that_stays_reveals_and_hides_nothing():
    hidden, some = [0.8, 0, 0, 0, 0.2, 0], [0.4, 0, 0.4, 0, 0.2, 0]
    turned = camera(on_sphere(-90, 20, 2.0), 14, -18)
    assert answer("revealed_side", known(SOUTH, turned, seen=Seen(sides=[hidden, some]))) is None
    seen = seen_of_box(looking(0))
    for point in seen.points:
        dot = Figure(marks=(Mark(image=0, x=point.pixels[0][0], y=point.pixels[0][1], colour="red"),))
        said = answer("covisible_point", known(SOUTH, turned, seen=seen), dot)
        assert said == ("it can be seen" if point.visible == ["yes", "yes"] else None)


def test_dots_are_drawn_where_they_are_and_only_there():
    marks = [Mark(image=0, x=60, y=90, colour="red"), Mark(image=1, x=200.5, y=30.5, colour="blue")]
    first, second = shown(question(marks=marks), PLAIN)
    assert is_colour(first, 60, 90, "red") and is_colour(second, 200, 30, "blue")
    changed = np.argwhere(np.abs(np.asarray(first, dtype=int) - 10).max(axis=-1) > 3)
    assert np.abs(changed - [90, 60]).max() <= 10
    assert PLAIN[0].getpixel((60, 90)) == (10, 10, 10)  # the sample's own picture stays


def test_a_mirrored_picture_has_left_and_right_exchanged():
    picture = Image.new("RGB", (4, 2))
    picture.putpixel((0, 1), (255, 0, 0))
    assert mirrored(picture).getpixel((3, 1)) == (255, 0, 0)
    _, second = shown(question(images=[0, 1], mirrored=[1]), [picture, picture])
    assert second.getpixel((3, 1)) == (255, 0, 0)
    assert not draws(question()) and draws(question(mirrored=[1]))


# --- sets of views ----------------------------------------------------------------------------------


def test_what_looks_the_same_from_elsewhere_is_not_asked():
    names = {asked.kind.type for asked in figures_of(a_set(0, 110, 30, 60), GATES, np.random.default_rng(0))}
    assert {"order", "composed_angle"} <= names
    alike = figures_of(a_set(0, 110, 30, 60, different=0.01), GATES, np.random.default_rng(0))
    assert {"order", "composed_angle"}.isdisjoint(asked.kind.type for asked in alike)


def test_the_pictures_of_this_file_are_as_large_as_they_say():
    assert cast(SOUTH).depth.shape == (SIZE, SIZE)
