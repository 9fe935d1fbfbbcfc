"""Kinds that draw a figure: what is drawn, what is seen of a box, and answers that a person can act out."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from support.kinds import options_of
from support.painted_box import HALF, SIZE, K, camera, cast, on_sphere

from viewpoint100k.annotate import annotate, make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.drawing import RGB, draws, mirrored, shown
from viewpoint100k.geometry.cameras import intrinsics_from_hfov
from viewpoint100k.geometry.points import chirality, landmarks, lens_or_place, side_shares, track
from viewpoint100k.geometry.visibility import Capture, merge, surface
from viewpoint100k.quality import RenderedView, Statistics, portray
from viewpoint100k.questions import KINDS, figures_of
from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import (
    Background,
    Decidability,
    Light,
    MapCamera,
    Mark,
    Move,
    ObjectRecord,
    PlannedPair,
    PlannedView,
    Question,
    Seen,
    SourceObject,
    SurfacePoint,
    View,
    ViewSet,
)

GATES = GateConfig()
BY_NAME = {kind.type: kind for kind in KINDS}
SURE = Decidability(**dict.fromkeys(Decidability.model_fields, 1.0))


def looking(azimuth_deg, elevation_deg=20.0, distance=2.0):
    """A camera on a sphere that looks at the middle; from azimuth -90, which is south, it looks north."""
    return camera(on_sphere(azimuth_deg, elevation_deg, distance), -90 - azimuth_deg, -elevation_deg)


SOUTH, EAST_OF_IT, WEST_OF_IT = looking(-90), looking(-50), looking(-130)


def view(pose, background="plain", k=K):
    size = 2 * k[0][2]
    return View(
        intrinsics=np.asarray(k).tolist(),
        world_from_camera=pose.tolist(),
        hfov_deg=float(np.degrees(2 * np.arctan(k[0][2] / k[0][0]))),
        object_box=[0.2 * size, 0.2 * size, 0.8 * size, 0.8 * size],
        object_share=0.2,
        light="studio/world",
        background=background,
    )


SHARED = np.full((2, 2), 0.5).tolist()


def known(
    first,
    second,
    *more,
    seen=None,
    decidability=SURE,
    shared=0.5,
    lights=("studio/world", "city/world"),
    **how,
):
    views = [view(pose, **how) for pose in (first, second, *more)]
    views[:2] = [one.model_copy(update={"light": light}) for one, light in zip(views, lights, strict=False)]
    truth = make_truth(views[0], views[1], shared, None)
    return SimpleNamespace(
        views=views,
        truth=truth,
        decidability=decidability,
        seen=seen or Seen(covisible_fraction=SHARED),
        scene=None,
    )


def answer(name, what, figure=None):
    """The right option in words, None where it is not asked."""
    kind = BY_NAME[name]
    solved = kind.solve(what, figure or kind.draw(what, GATES, np.random.default_rng(0)), GATES)
    return None if solved is None else options_of(kind)[solved.fact.option]


# --- points of the surface -------------------------------------------------------------------------


def tracked_by(first, second, count, size=SIZE):
    captures = cast(first, size=size), cast(second, size=size)
    return track([captures], [merge(landmarks(captures, [surface(one) for one in captures], count))])[0]


def inside_box(points):
    return (np.abs(points) <= HALF - 1e-6).all(axis=-1)


def sees(pose, point):
    """Whether the line from the camera to a point meets nothing of the box before: by walking along it."""
    steps = np.linspace(0, 1, 4000)[:-12, None]
    return not inside_box(pose[:3, 3] * (1 - steps) + point * steps).any()


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


def test_the_side_that_comes_into_view():
    # its front faces south; going east brings the side on its own left into view: it looks south, east is on
    # its left
    hidden, some = [0.8, 0, 0, 0, 0.2, 0], [0.4, 0, 0.4, 0, 0.2, 0]
    assert (
        answer("revealed_side", known(SOUTH, EAST_OF_IT, seen=Seen(sides=[hidden, some]))) == "its left side"
    )
    little = [0.7, 0, 0.1, 0, 0.2, 0]
    assert answer("revealed_side", known(SOUTH, EAST_OF_IT, seen=Seen(sides=[hidden, little]))) is None
    assert answer("revealed_side", known(SOUTH, EAST_OF_IT, seen=Seen(sides=[some, some]))) is None
    two = [0.3, 0.2, 0.3, 0, 0.2, 0]
    assert answer("revealed_side", known(SOUTH, EAST_OF_IT, seen=Seen(sides=[hidden, two]))) is None
    assert answer("revealed_side", known(SOUTH, EAST_OF_IT)) is None


# --- mirrors ----------------------------------------------------------------------------------------


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


def test_mirrored_says_what_is_shown():
    what = known(SOUTH, EAST_OF_IT)
    assert answer("mirrored", what, Figure(mirrored=(1,))) == "its mirror image"
    assert answer("mirrored", what, Figure()) == "the same object"
    alike = SURE.model_copy(update={"chirality": 0.01})
    assert answer("mirrored", known(SOUTH, EAST_OF_IT, decidability=alike), Figure()) is None
    assert (
        BY_NAME["mirrored"].draw(known(SOUTH, EAST_OF_IT, background="hdri"), GATES, np.random.default_rng(0))
        is None
    )


def test_in_the_same_light_nobody_is_asked_about_a_mirror():
    what = known(SOUTH, EAST_OF_IT, lights=("studio/world", "studio/world"))
    assert BY_NAME["mirrored"].draw(what, GATES, np.random.default_rng(0)) is None


def test_every_other_second_picture_is_mirrored():
    rng = np.random.default_rng(0)
    drawn = [BY_NAME["mirrored"].draw(known(SOUTH, EAST_OF_IT), GATES, rng) for _ in range(300)]
    assert 110 < sum(bool(figure.mirrored) for figure in drawn) < 190


# --- the lens ---------------------------------------------------------------------------------------


def nearer(distance, zoom=1.0):
    k = K.copy()
    k[0, 0], k[1, 1] = K[0, 0] * zoom, K[1, 1] * zoom
    return view(looking(-90, 20, distance), "hdri", k)


@pytest.mark.parametrize(
    ("distance", "zoom", "said"),
    [
        (2.0, 1.5, "only the lens zoomed"),
        (1.5, 1.0, "only the distance changed"),
        (3.0, 1.5, "the lens and the distance changed"),
        (2.0, 1.0, "the lens and the distance stayed the same"),
        (1.8, 1.0, None),  # a bit nearer
    ],
)
def test_lens_and_distance(distance, zoom, said):
    views = [view(SOUTH, "hdri"), nearer(distance, zoom)]
    truth = make_truth(*views, 0.5, None)
    what = SimpleNamespace(views=views, truth=truth, decidability=SURE, seen=Seen(), scene=None)
    assert answer("zoom_or_dolly", what, Figure()) == said
    plain = SimpleNamespace(
        views=[v.model_copy(update={"background": "plain"}) for v in views], truth=truth, decidability=SURE
    )
    assert answer("zoom_or_dolly", plain, Figure()) is None


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


# --- the map ----------------------------------------------------------------------------------------


def question(**more):
    fields = {
        "id": "a-b-c", "type": "t", "tier": "B", "frame": "f", "images": [0, 1], "prompt": "?", "options": ["a", "b"],
        "answer_index": 0, "answer": "A", "answer_form": "letter", "template": "t", "margin": 1.0, "decidability": 1.0,
    }  # fmt: skip
    return Question(**{**fields, **more})


PLAIN = [Image.new("RGB", (256, 256), (10, 10, 10)), Image.new("RGB", (256, 256), (20, 20, 20))]


def is_colour(picture, x, y, colour):
    return np.abs(np.array(picture.getpixel((round(x), round(y))), dtype=int) - RGB[colour]).max() < 30


def test_on_the_map_a_camera_that_went_right_is_on_the_right():
    # whoever goes around something to the right goes counter-clockwise, seen from above
    assert known(SOUTH, EAST_OF_IT).truth.azimuth_change_deg == pytest.approx(40)
    assert known(SOUTH, EAST_OF_IT).truth.translation[0] > 0
    cameras = [
        MapCamera(azimuth_deg=angle, colour=colour)
        for angle, colour in ((90, "red"), (-90, "blue"), (180, "green"))
    ]
    *views, drawn = shown(question(map_cameras=cameras), PLAIN)
    assert len(views) == 2 and drawn.size == (256, 256)
    assert is_colour(drawn, 128 + 0.36 * 256, 128, "red")
    assert is_colour(drawn, 128 - 0.36 * 256, 128, "blue")
    assert is_colour(drawn, 128, 128 - 0.36 * 256, "green")
    assert min(drawn.getpixel((128, 128 + round(0.36 * 256)))) > 240  # the first camera, in white


FAR_EAST, FAR_WEST = looking(-15), looking(-165)


@pytest.mark.parametrize(("second", "angle"), [(FAR_EAST, 75.0), (FAR_WEST, -75.0)])
def test_the_camera_on_the_map_is_the_one_at_the_second_cameras_azimuth(second, angle):
    figure = BY_NAME["camera_on_map"].draw(known(SOUTH, second), GATES, np.random.default_rng(0))
    right = next(camera.colour for camera in figure.map_cameras if abs(camera.azimuth_deg - angle) < 0.01)
    assert answer("camera_on_map", known(SOUTH, second), figure) == f"the {right} camera"
    assert any(abs(camera.azimuth_deg + angle) < 0.01 for camera in figure.map_cameras)  # its mirror image


def test_the_right_camera_is_as_often_any_colour_and_as_often_the_nearer_one():
    rng, what = np.random.default_rng(0), known(SOUTH, FAR_EAST)
    drawn = [BY_NAME["camera_on_map"].draw(what, GATES, rng) for _ in range(400)]
    colours = [answer("camera_on_map", what, figure) for figure in drawn]
    assert all(60 < colours.count(colour) < 145 for colour in set(colours)) and len(set(colours)) == 4
    nearer = [min(abs(camera.azimuth_deg) for camera in figure.map_cameras) > 70 for figure in drawn]
    assert 160 < sum(nearer) < 240
    # where no camera would fit between the right one and the first, the nearest would always be right
    assert BY_NAME["camera_on_map"].draw(known(SOUTH, EAST_OF_IT), GATES, rng) is None


# --- marked points ----------------------------------------------------------------------------------


def seen_of_box(second=EAST_OF_IT, first=SOUTH):
    tracked = tracked_by(first, second, 16)
    words = {1: "yes", -1: "no", 0: "unclear"}
    points = [
        SurfacePoint(
            world=tracked.points[i].tolist(),
            pixels=tracked.pixels[:, i].tolist(),
            visible=[words[int(state)] for state in tracked.visible[:, i]],
            albedo=tracked.albedo[i].tolist(),
        )
        for i in range(len(tracked.points))
    ]
    return Seen(points=points, covisible_fraction=SHARED)


def test_the_dot_on_the_same_point_is_the_answer_and_no_other():
    what, rng = known(SOUTH, EAST_OF_IT, seen=seen_of_box()), np.random.default_rng(1)
    drawn = [BY_NAME["marked_point"].draw(what, GATES, rng) for _ in range(60)]
    assert len([figure for figure in drawn if figure]) > 20
    for figure in filter(None, drawn):
        said = answer("marked_point", what, figure)
        mark = next(mark for mark in figure.marks if mark.image == 0)
        dot = next(mark for mark in figure.marks if mark.image == 1 and f"the {mark.colour} dot" == said)
        # both lie on rays that meet: the nearest points of the two lines are one
        origins, rays = [], []
        for pose, point in ((SOUTH, mark), (EAST_OF_IT, dot)):
            ray = pose[:3, :3] @ np.linalg.solve(K, [point.x, point.y, 1.0])
            origins.append(pose[:3, 3])
            rays.append(ray / np.linalg.norm(ray))
        across = np.cross(*rays)
        assert abs((origins[1] - origins[0]) @ across / np.linalg.norm(across)) < 1e-3
        assert len({(m.x, m.y) for m in figure.marks if m.image == 1}) == 4


def test_staying_near_the_pixel_of_the_mark_is_right_no_more_often_than_by_chance():
    what, rng = known(SOUTH, EAST_OF_IT, seen=seen_of_box()), np.random.default_rng(2)
    hits, asked = 0, 0
    for _ in range(300):
        figure = BY_NAME["marked_point"].draw(what, GATES, rng)
        if figure is None:
            continue
        mark, *dots = sorted(figure.marks, key=lambda mark: mark.image)
        nearest = min(dots, key=lambda dot: np.hypot(dot.x - mark.x, dot.y - mark.y))
        hits += answer("marked_point", what, figure) == f"the {nearest.colour} dot"
        asked += 1
    assert asked > 150 and 0.05 < hits / asked < 0.3


def test_a_hidden_point_is_asked_about_as_often_as_a_seen_one_and_lies_as_far_out():
    south_west, south_east = looking(-125), looking(-50)  # one sees the west side, both the south side
    seen = seen_of_box(south_east, south_west)
    what, rng = known(south_west, south_east, seen=seen), np.random.default_rng(3)
    figures = [BY_NAME["covisible_point"].draw(what, GATES, rng) for _ in range(300)]
    said = [answer("covisible_point", what, figure) for figure in figures]
    assert (
        110 < said.count("it is hidden") < 190
        and said.count("it is hidden") + said.count("it can be seen") == 300
    )
    out = {
        way: [
            np.hypot(f.marks[0].x - 48, f.marks[0].y - 48)
            for f, s in zip(figures, said, strict=True)
            if s == way
        ]
        for way in set(said)
    }
    assert abs(np.mean(out["it is hidden"]) - np.mean(out["it can be seen"])) < 6


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


def few_pixels(what, count, number=1):
    """The same, with the object covering so many pixels of one picture."""
    views = list(what.views)
    views[number] = views[number].model_copy(update={"object_share": count / SIZE**2})
    return SimpleNamespace(**{**vars(what), "views": views})


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


def test_a_dot_beside_its_point_has_no_answer():
    what = known(SOUTH, EAST_OF_IT, seen=seen_of_box())
    figure = BY_NAME["marked_point"].draw(what, GATES, np.random.default_rng(0))
    moved = figure.marks[0].model_copy(update={"x": figure.marks[0].x + 3})
    assert answer("marked_point", what, figure._replace(marks=(moved, *figure.marks[1:]))) is None


def test_a_hidden_point_is_hidden():
    seen = seen_of_box(looking(0))  # a quarter further around: what faced west is gone
    what = known(SOUTH, looking(0), seen=seen)
    for point in seen.points:
        if point.visible[0] != "yes":
            continue
        mark = Mark(image=0, x=point.pixels[0][0], y=point.pixels[0][1], colour="red")
        said = answer("covisible_point", what, Figure(marks=(mark,)))
        expected = {"yes": "it can be seen", "no": "it is hidden", "unclear": None}[point.visible[1]]
        assert said == expected
        if said is not None:
            assert sees(looking(0), np.array(point.world) * 1.0005) == (said == "it can be seen")


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


def a_set(*azimuths_deg, shared=0.5, different=0.3, other=None, elevations=None):
    poses = [
        looking(-90 + a, e) for a, e in zip(azimuths_deg, elevations or [20] * len(azimuths_deg), strict=True)
    ]
    n = len(poses)
    tables = {
        "covisible_fraction": np.full((n, n), shared).tolist(),
        "difference": np.full((n, n), different).tolist(),
    }
    return known(
        *poses, seen=Seen(**tables, other_side=[0.0] + [different if other is None else other] * (n - 1))
    )


def test_the_order_of_a_way_around_the_object():
    assert answer("order", a_set(0, 90, 30, 60)) == "3, 4, 2"
    assert answer("order", a_set(0, -30, -60, -90)) == "2, 3, 4"
    assert answer("order", a_set(0, 30, -30, 60)) is None  # it would have had to turn back
    assert answer("order", a_set(0, 30, 45, 90)) is None  # two are too near to each other
    assert answer("order", a_set(0, 40, 80, 120, shared=0.05)) is None


def test_the_view_that_a_motion_leads_to():
    what = a_set(0, 40, -40, 70)
    for view_number, around_deg in ((1, 40), (2, -40), (3, 70)):
        figures = [BY_NAME["which_view"].draw(what, GATES, np.random.default_rng(seed)) for seed in range(20)]
        figure = next(figure for figure in figures if figure.move == Move(around_deg=around_deg))
        assert answer("which_view", what, figure) == f"image {view_number + 1}"
        moves = BY_NAME["which_view"].parameter.values  # by which wordings are judged
        assert all(figure.move in moves for figure in figures)
    assert (
        BY_NAME["which_view"].draw(a_set(0, 40, 60, 80), GATES, np.random.default_rng(0)) is None
    )  # no mirror twin
    assert (
        BY_NAME["which_view"].draw(a_set(0, 45, -45, 80), GATES, np.random.default_rng(0)) is None
    )  # between tens


def test_a_camera_that_rises_sees_the_object_more_steeply():
    what = a_set(0, 40, -40, 0, elevations=[10, 10, 10, 40])
    figures = [BY_NAME["which_view"].draw(what, GATES, np.random.default_rng(seed)) for seed in range(20)]
    figure = next(figure for figure in figures if figure.move.up_deg)
    assert figure.move == Move(up_deg=30)
    assert answer("which_view", what, figure) == "image 4"


def test_two_ways_add_up():
    what = a_set(0, 110, 30, 60)  # east, so counter-clockwise
    assert answer("composed_angle", what, Figure(images=(0, 2, 1))) == "about 120 degrees counter-clockwise"
    assert answer("composed_angle", what, Figure(images=(0, 2, 3))) == "about 60 degrees counter-clockwise"
    assert (
        answer("composed_angle", what, Figure(images=(0, 1, 2))) is None
    )  # that is not the order of the way
    far = a_set(0, -138, -45, -90)
    assert answer("composed_angle", far, Figure(images=(0, 2, 1))) == "about 120 degrees clockwise"
    assert (
        answer("composed_angle", far, Figure(images=(0, 2, 3))) is None
    )  # 90 degrees are as near to 60 as to 120


def test_a_way_whose_mirror_image_shows_the_same_is_not_asked_about():
    kinds = {
        asked.kind.type
        for asked in figures_of(a_set(0, 110, 30, 60, other=0.01), GATES, np.random.default_rng(0))
    }
    assert "composed_angle" not in kinds and "order" in kinds  # an order names no side


def test_what_looks_the_same_from_elsewhere_is_not_asked():
    names = {asked.kind.type for asked in figures_of(a_set(0, 110, 30, 60), GATES, np.random.default_rng(0))}
    assert {"order", "composed_angle"} <= names
    alike = figures_of(a_set(0, 110, 30, 60, different=0.01), GATES, np.random.default_rng(0))
    assert {"order", "composed_angle"}.isdisjoint(asked.kind.type for asked in alike)


def test_the_pictures_of_this_file_are_as_large_as_they_say():
    assert cast(SOUTH).depth.shape == (SIZE, SIZE)
