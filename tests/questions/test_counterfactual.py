"""What wrong answers imply: looks of the object, derived here from cameras, and views that are really rendered."""

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation
from support.painted_box import camera, cast, on_sphere

from viewpoint100k.config import load_config
from viewpoint100k.decidability import UNDECIDABLE, Counterfactuals, decide, moving, promising, wrong_looks
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.geometry.relations import motion
from viewpoint100k.geometry.visibility import look_differences, merge, surface
from viewpoint100k.plan import plan_views
from viewpoint100k.quality import portray
from viewpoint100k.records import Decidability, ObjectRecord, SourceObject, matrix

CONFIG = load_config(overrides=["render.size_px=48", "render.samples=1"])
GATES = CONFIG.gates


# --- the looks, by arithmetic ------------------------------------------------------------------------

FIRST = camera(on_sphere(-90, 20, 2.0), 3.0, -18.0, 2.0)
# right and ahead, up, a turn to the left, tilted down, rolled clockwise: all of it clear
SECOND_ANGLES = {"bearing_deg": -11.0, "pitch_deg": -30.0, "roll_deg": 14.0}
SECOND = camera(FIRST[:3, 3] + 2.0 * FIRST[:3, :3] @ [0.3, -0.32, 0.28], **SECOND_ANGLES)
TURNS = {"rotation": "bearing_deg", "pitch": "pitch_deg", "roll": "roll_deg"}


def apart_deg(one, other):
    """Between two rotations, scale left out."""
    return float(np.degrees(Rotation.from_matrix(one.T @ other).magnitude()))


def look_of_turned(angles):
    """What the object would look like to the second camera, were it turned otherwise and the object in the same place.

    The camera's axes would be R' instead of R; a point X would then have the camera coordinates R'^T X beside
    those of the object's middle, which the second camera sees of the point R R'^T X.
    """
    return SECOND[:3, :3] @ camera([0, 0, 0], **{**SECOND_ANGLES, **angles})[:3, :3].T


@pytest.mark.parametrize("name", TURNS)
def test_had_the_camera_not_turned_or_turned_the_other_way(name):
    angle = TURNS[name]
    of_first = {"bearing_deg": 3.0, "pitch_deg": -18.0, "roll_deg": 2.0}[angle]
    turned = SECOND_ANGLES[angle] - of_first
    found = wrong_looks(FIRST, motion(FIRST, SECOND), GATES)[name]
    assert len(found) == 2
    for look, wrong in zip(found, (0.0, -turned), strict=True):
        expected = look_of_turned({angle: of_first + wrong})
        assert apart_deg(np.eye(3), look) == pytest.approx(abs(turned - wrong), abs=1e-6)
        # a tilt is taken about the object's axis across the line of sight, not the camera's own: nearly the
        # same
        assert apart_deg(expected, look) < (8.0 if name == "pitch" else 1e-4), (name, wrong)
        assert apart_deg(expected, look) < 0.4 * apart_deg(expected, look.T)


def look_of_elsewhere(position):
    """What the object would look like had the second camera stood elsewhere, level as before: around and up or down."""

    def about(place):
        azimuth, elevation = np.arctan2(place[1], place[0]), np.arctan2(place[2], np.hypot(*place[:2]))
        return Rotation.from_euler("ZY", [azimuth, -elevation]).as_matrix()  # takes +X to where the camera is

    return about(SECOND[:3, 3]) @ about(position).T


def test_this_files_looks_show_the_side_that_the_other_camera_sees():
    elsewhere = on_sphere(-20, 50, 3.0)
    assert np.allclose(
        look_of_elsewhere(elsewhere) @ elsewhere / 3, SECOND[:3, 3] / np.linalg.norm(SECOND[:3, 3])
    )


@pytest.mark.parametrize(("name", "axis"), [("translation", 0), ("vertical", 1)])
def test_had_the_camera_moved_otherwise_along_one_axis(name, axis):
    moved = motion(FIRST, SECOND)
    for number, wrong in enumerate((0.0, -moved.translation[axis])):
        step = np.array(moved.translation)
        step[axis] = wrong
        expected = look_of_elsewhere(FIRST[:3, 3] + 2.0 * FIRST[:3, :3] @ step)
        look = wrong_looks(FIRST, moved, GATES)[name][number]
        assert apart_deg(np.eye(3), look) > 10
        assert apart_deg(expected, look) < 0.45 * apart_deg(np.eye(3), expected)
        assert apart_deg(expected, look) < 0.3 * apart_deg(expected, look.T)


def test_had_it_gone_the_other_way_around_or_higher_instead_of_lower():
    moved = motion(FIRST, SECOND)
    x, y, z = SECOND[:3, 3]
    azimuth, elevation = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    distance = np.linalg.norm(SECOND[:3, 3])
    looks = wrong_looks(FIRST, moved, GATES)
    around, higher = azimuth + 90, elevation - 20
    assert abs(around) > 15 and abs(higher) > 8  # both are clear
    for look, wrong in zip(looks["azimuth"], (0, -around), strict=True):
        expected = look_of_elsewhere(on_sphere(-90 + wrong, elevation, distance))
        assert apart_deg(expected, look) < 1e-3
    for look, wrong in zip(looks["elevation"], (0, -higher), strict=True):
        expected = look_of_elsewhere(on_sphere(azimuth, 20 + wrong, distance))
        assert apart_deg(expected, look) < 1e-3


def test_a_camera_that_is_higher_than_it_says_would_see_more_of_the_top():
    for name in ("elevation", "vertical"):
        lower = camera(on_sphere(-90, 0, 2.0), 0.0, 0.0)
        raised = camera(on_sphere(-90, 25, 2.0), 0.0, -25.0)
        for first, second, way in ((lower, raised, -1), (raised, lower, 1)):
            for look in wrong_looks(first, motion(first, second), GATES)[name]:
                towards = second[:3, 3] / 2.0
                top = look @ [0, 0, 1]
                # had it not gone up, the top would face it less than it does; had it not gone down, more
                assert way * (top @ towards - towards[2]) > 0.1, name


def test_had_it_stayed_as_far_or_gone_the_other_way_the_object_would_have_another_size():
    """Of the two, the one that is nearer to what was seen decides."""
    near, far = camera([0, -2.0, 0], 0, 0), camera([0, -3.0, 0], 0, 0)
    for first, second, distances in ((near, far, (2.0, 2 * 2 / 3)), (far, near, (3.0, 3 * 3 / 2))):
        looks = wrong_looks(first, motion(first, second), GATES)["distance"]
        here = np.linalg.norm(second[:3, 3])
        factors = [float(np.cbrt(np.linalg.det(look))) for look in looks]
        # scaled up where it should be scaled down: as different, and seen beside the outline
        wrong = [here / distance for distance in distances]
        assert factors == pytest.approx([min(max(factor, 1 / factor) for factor in wrong)])
        looks = wrong_looks(first, motion(first, second), GATES)["forward"]
        step = np.linalg.norm(first[:3, 3]) - here  # forward
        factors = [float(np.cbrt(np.linalg.det(look))) for look in looks]
        expected = [here / (np.linalg.norm(first[:3, 3]) - wrong) for wrong in (0, -step)]
        assert factors == pytest.approx([min(max(factor, 1 / factor) for factor in expected)])


BY_LOOKS = set(Decidability.model_fields) - {"perspective", "chirality"}  # those are measured by other means


def test_where_nothing_was_done_either_way_is_wrong():
    still = wrong_looks(FIRST, motion(FIRST, FIRST), GATES)
    assert set(still) == BY_LOOKS
    for name, looks in still.items():
        if name in ("distance", "forward"):
            (one,) = looks  # either way comes to the same
            assert np.linalg.det(one) > 1.2
        else:
            one, other = looks
            assert apart_deg(np.eye(3), one) > 5
            # a step to the left and one to the right differ a bit in angle where the camera does not look at
            # the middle
            assert apart_deg(one, other.T) < 0.2 * apart_deg(np.eye(3), one), name


def test_no_wrong_answer_is_the_right_one():
    rng = np.random.default_rng(0)
    for _ in range(30):
        pair = [
            camera(
                on_sphere(*rng.uniform((-180, -5), (180, 50)), rng.uniform(1.6, 2.6)),
                *rng.uniform(-30, 30, 3),
            )
            for _ in range(2)
        ]
        for name, looks in wrong_looks(pair[0], motion(*pair), GATES).items():
            for look in looks:
                assert np.abs(look - np.eye(3)).max() > 1e-3, name


def test_what_is_asked_of_a_motion():
    assert moving("+000000") == ["translation", "azimuth"]
    assert moving("00000-0") == ["roll"]
    assert moving("+00-000") == ["translation", "azimuth", "rotation"]
    assert moving("0+-0000") == ["vertical", "elevation", "forward", "distance"]
    assert set(moving("0000000")) == set(moving("000000+")) == BY_LOOKS
    assert moving("+**-**0") == ["translation", "azimuth", "rotation"]


# --- on a painted box, ray-cast here -----------------------------------------------------------------


def cloud(**more):
    ring = [camera(on_sphere(a, e, 2.0), -90 - a, -e) for e in (25, -25) for a in range(-180, 180, 60)]
    return merge([surface(cast(one, **more), max_points=500) for one in ring])


PAIRS = {
    "translation": camera(on_sphere(-60, 20, 2.0), -30, -20),
    "rotation": camera(on_sphere(-60, 20, 2.0), -30, -20),
    "azimuth": camera(on_sphere(-60, 20, 2.0), -30, -20),
    "vertical": camera(on_sphere(-90, 20, 2.0) + [0, 0, 0.6], 0, -20),
    "elevation": camera(on_sphere(-90, 40, 2.0), 0, -40),
    "pitch": camera(on_sphere(-90, 20, 2.0), 0, -9),
    "roll": camera(on_sphere(-90, 20, 2.0), 0, -20, 15),
    "distance": camera(on_sphere(-90, 20, 1.4), 0, -20),
    "forward": camera(on_sphere(-90, 20, 1.4), 0, -20),
}
BASE = camera(on_sphere(-90, 20, 2.0), 0, -20)


@pytest.mark.parametrize("name", PAIRS)
def test_a_painted_box_would_look_different_under_every_wrong_answer(name):
    first, second = cast(BASE), cast(PAIRS[name])
    assert look_differences(cloud(), second, np.eye(3)[None])[0] < 0.03  # the truth fits
    found = decide(cloud(), first, second, motion(BASE, PAIRS[name]), GATES)
    assert set(found) == BY_LOOKS
    assert found[name] > 2 * GATES.min_decidability


@pytest.mark.parametrize("name", PAIRS)
def test_what_a_wrong_answer_implies_is_what_is_compared(name):
    """Were the object turned so, the picture would fit that look and not the true one."""
    for look in wrong_looks(BASE, motion(BASE, PAIRS[name]), GATES)[name]:
        there = cast(PAIRS[name], look)
        fits, does_not = look_differences(cloud(), there, np.array([look, np.eye(3)]))
        assert fits < 0.04 < 0.06 < does_not


def test_a_picture_of_a_grey_box_says_less_than_that_of_a_painted_one():
    second = PAIRS["azimuth"]
    painted = decide(cloud(), cast(BASE), cast(second), motion(BASE, second), GATES)
    grey = decide(
        cloud(painted=False),
        cast(BASE, painted=False),
        cast(second, painted=False),
        motion(BASE, second),
        GATES,
    )
    assert grey["azimuth"] < 0.7 * painted["azimuth"]


# --- rendered ----------------------------------------------------------------------------------------


def planned(uid="toy", codes=("+00-000", "+000000")):
    return plan_views(CONFIG, SourceObject(record=ObjectRecord(uid=uid)), 0, codes)


def turns_of(look):
    """Of a turn about the vertical, counter-clockwise from above."""
    assert look[2] == pytest.approx([0, 0, 1])
    return np.degrees(np.arctan2(look[1, 0], look[0, 0]))


def test_a_wrong_answer_is_the_second_camera_turned_about_the_object():
    view_set = planned()
    wrong = Counterfactuals(view_set, CONFIG.gates)
    positions = np.array([matrix(view.world_from_camera)[:3, 3] for view in wrong.views])
    assert len(view_set.pairs) == 2
    for pair in view_set.pairs:
        first, second = (matrix(view_set.views[i].world_from_camera) for i in (pair.first, pair.second))
        looks = wrong_looks(first, motion(first, second), CONFIG.gates)
        for turn in (
            turns_of(look) for name in ("translation", "rotation", "azimuth") for look in looks[name]
        ):
            # the object seen turned counter-clockwise is the object seen by a camera gone clockwise
            angle = np.radians(-turn)
            x, y, z = second[:3, 3]
            expected = [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z]
            assert np.abs(positions - expected).sum(axis=1).min() < 1e-3


def test_the_opposite_of_an_orbit_is_as_far_on_the_other_side():
    view_set = planned(codes=["-00+000"])
    pair = view_set.pairs[0]
    first, second = (matrix(view_set.views[i].world_from_camera) for i in (pair.first, pair.second))
    moved = motion(first, second)
    around = float(moved.azimuth_change_deg)
    turns = [turns_of(look) for look in wrong_looks(first, moved, CONFIG.gates)["azimuth"]]
    assert sorted(turns) == pytest.approx(sorted([around, 2 * around]))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    ball = trimesh.creation.icosphere(subdivisions=3)
    ball.visual.vertex_colors = [200, 80, 60, 255]
    parts = [
        trimesh.creation.box((1.0, 0.4, 0.4)),
        trimesh.creation.box((0.4, 0.4, 1.2)).apply_translation((0.5, 0.1, 0.4)),
    ]
    for part, colour in zip(parts, ([220, 40, 40, 255], [40, 60, 220, 255]), strict=True):
        part.visual.vertex_colors = colour
    out = {"ball": folder / "ball.glb", "bent": folder / "bent.glb"}
    ball.export(out["ball"])
    trimesh.util.concatenate(parts).export(out["bent"])
    return out


def test_rendered_wrong_answers_differ_for_a_bent_thing_and_not_for_a_ball(files, tmp_path, needs_bpy):
    worst, worth = {}, {}
    with Engine(CONFIG.render, tmp_path) as engine:
        for name, path in files.items():
            view_set = planned(name)
            wrong = Counterfactuals(view_set, CONFIG.gates)
            ring = len(view_set.probes)
            asked = view_set.model_copy(update={"probes": [*view_set.probes, *wrong.views]})
            rendered = engine.render(asked, path, lambda probes: [])
            assert isinstance(rendered, Rendered)
            differences = wrong.differences(rendered.probes[ring:])
            assert len(differences) == len(view_set.pairs) * 3
            worst[name] = (min(differences.values()), max(differences.values()))
            probes = rendered.probes[:ring]
            worth[name], drops = promising(view_set, portray(probes, CONFIG.gates), probes, CONFIG.gates)
            assert len(worth[name]) + len(drops) == len(view_set.pairs)
            assert {drop.kind for drop in drops} <= {UNDECIDABLE}
    assert worst["ball"][1] < 0.02
    assert worst["bent"][0] > CONFIG.gates.min_decidability
    assert not worth["ball"]
    assert worth["bent"]
