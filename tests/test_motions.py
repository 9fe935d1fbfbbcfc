"""The design of motions: signs that do not tell of one another, and cameras that do what their code says."""

import functools
import itertools
import re
from collections import Counter

import numpy as np
import pytest

from viewpoint100k.config import load_config, preset_names
from viewpoint100k.design import design
from viewpoint100k.errors import InputError
from viewpoint100k.motions import (
    Camera,
    base_camera,
    carry_out,
    does,
    family_of,
    has_cameras,
    in_frame,
    lens_and_distance,
    lens_before,
    simpler,
)
from viewpoint100k.records import FAMILIES

CONFIG = load_config()
SIGNS = {"right": 0, "up": 1, "forward": 2, "yaw": 3, "pitch": 4, "roll": 5, "zoom": 6}
SINGLE = [("0" * place + sign).ljust(7, "0") for place in range(7) for sign in "+-"]


@functools.cache
def codes(count=600, seed=0, **shares):
    config = load_config(overrides=[f"plan.motions.{name}={share}" for name, share in shares.items()])
    return tuple(design(config.plan, config.gates, count, np.random.default_rng(seed)))


def information_bits(ones, others):
    """Mutual information of two columns, from their counts."""
    joint, count = Counter(zip(ones, others, strict=True)), len(ones)
    first, second = Counter(ones), Counter(others)
    return sum(n / count * np.log2(n * count / (first[a] * second[b])) for (a, b), n in joint.items())


# --- the design --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_no_sign_tells_anything_of_another(seed):
    """Two columns of 600 drawn by lot share 4 / (2 * 600 * ln 2) = 0.0048 bits on average: these share less.

    Of steps the signs are looked at: how often there is none of one is planned by what comes out
    (test_plan.py).
    """
    found, bits = codes(seed=seed), []
    for one, other in itertools.combinations(range(7), 2):
        rows = [code for code in found if one >= 3 or "0" not in code[one] + code[other]]
        found_bits = information_bits([code[one] for code in rows], [code[other] for code in rows])
        bits.append(found_bits * len(rows) / len(found))  # what chance shares goes by how many there are
    assert np.mean(bits) < 0.0025
    assert max(bits) < 0.008


def test_the_measure_of_this_file_finds_an_orbit_at_once():
    columns = list(zip(*codes(orbits=1.0), strict=True))
    assert information_bits(columns[0], columns[3]) == pytest.approx(1, abs=1e-3)


def test_a_right_turn_goes_with_a_move_to_the_right_as_often_as_with_one_to_the_left():
    both = Counter(code[0] + code[3] for code in codes(2000) if "0" not in code[0] + code[3])
    assert set(both) == {"++", "+-", "-+", "--"}
    assert max(both.values()) < 1.3 * min(both.values())
    shares = CONFIG.plan.motions
    assert sum(both.values()) / 2000 == pytest.approx(shares.right * shares.yaw, abs=0.02)


@pytest.mark.parametrize("count", [1, 7, 100, 600, 1500])
def test_there_are_as_many_as_asked_for(count):
    assert len(codes(count)) == count
    assert all(len(code) == 7 and set(code) <= set("+-0*") for code in codes(count))


@pytest.mark.parametrize("seed", range(3))
def test_each_motion_has_its_share_and_both_its_ways_are_equally_frequent(seed):
    found = codes(seed=seed)
    for name, place in SIGNS.items():
        counts = Counter(code[place] for code in found)
        share = getattr(CONFIG.plan.motions, name)
        assert (counts["+"] + counts["-"]) / 600 == pytest.approx(share, abs=0.01), name
        assert abs(counts["+"] - counts["-"]) <= 2, name


def test_shares_can_be_set_and_none_of_a_motion_means_none():
    found = codes(300, right=0.9, yaw=0, up=0.1, zoom=0)
    assert {code[3] for code in found} == {code[6] for code in found} == {"0"}
    assert np.mean([code[0] != "0" for code in found]) == pytest.approx(0.9, abs=0.01)
    assert np.mean([code[1] != "0" for code in found]) == pytest.approx(0.1, abs=0.01)


def test_each_code_is_followed_by_its_opposite_so_that_two_views_can_serve_for_both():
    for one, other in zip(codes(1000)[::2], codes(1000)[1::2], strict=True):
        assert other == one.translate(str.maketrans("+-", "-+"))


def test_every_stretch_has_its_part_of_each_motion():
    """A shard takes a stretch of the list: it must not get the left half of all moves."""
    found = codes(500)
    for start in range(0, 500, 100):
        part = found[start : start + 100]
        assert np.mean([code[0] != "0" for code in part]) == pytest.approx(
            CONFIG.plan.motions.right, abs=0.11
        )
        assert abs(sum({"+": 1, "-": -1}.get(code[0], 0) for code in part)) <= 24  # four deviations


def test_the_lens_tells_nothing_of_the_way_forward():
    """The question says what the lens did: neither whether the camera went forward nor which way may follow from that."""
    found = codes(4000)
    forward_if = {lens: Counter(code[2] for code in found if code[6] == lens) for lens in "-0+"}
    for counts in forward_if.values():
        assert counts["0"] / counts.total() == pytest.approx(1 - CONFIG.plan.motions.forward, abs=0.05)
        assert abs(counts["+"] - counts["-"]) / counts.total() < 0.06


@pytest.mark.parametrize("code", ["00+000-", "00-000+"])
def test_a_move_that_the_lens_undoes_leaves_the_object_about_as_large_or_larger_the_other_way(code):
    for first, second in carried_out(code):
        sizes = [
            np.tan(0.3 / np.linalg.norm(one.position)) / np.tan(np.radians(one.hfov_deg / 2))
            for one in (first, second)
        ]
        way = 1 if code[2] == "+" else -1
        assert way * moved(first, second)[2] >= 0.15
        assert way * np.log(sizes[1] / sizes[0]) < 0.1


def test_some_pairs_do_nothing_at_all_and_some_turn_only():
    families = Counter(map(family_of, codes(5000)))
    assert set(families) <= set(FAMILIES)
    for family in ("orbit", "same_sign", "truck", "pan", "still", "mixed"):
        assert families[family] >= 3, family


def test_in_scenes_the_camera_stays_as_often_as_the_settings_say_and_no_motion_tells_of_another():
    config = load_config("scenes", pairs=2400)
    found = design(config.plan, config.gates, 2400, np.random.default_rng(0))
    events = Counter(code.partition("/")[2] for code in found)
    assert [events[name] for name in ("", "moved", "turned", "gone")] == [1440, 320, 320, 320]
    assert sum(code.startswith("0000000/") for code in found) == 480  # half of those
    assert found.count("0000000") == 144  # a tenth of the others
    columns = list(zip(*(code[:7] for code in found), strict=True))
    for one, other in itertools.combinations(range(7), 2):
        assert information_bits(columns[one], columns[other]) < 0.004, (one, other)


def test_the_orbits_of_the_paper_have_their_share_beside_the_rest():
    found = codes(500, orbits=0.8)
    assert Counter(family_of(code) for code in found if "*" in code) == {"orbit": 400}
    assert Counter(code[0] for code in found if "*" in code) == {"+": 200, "-": 200}


def test_the_same_seed_gives_the_same_list_and_another_another():
    plan = CONFIG.plan
    assert design(plan, CONFIG.gates, 90, np.random.default_rng(1)) == design(
        plan, CONFIG.gates, 90, np.random.default_rng(1)
    )
    assert design(plan, CONFIG.gates, 90, np.random.default_rng(1)) != design(
        plan, CONFIG.gates, 90, np.random.default_rng(2)
    )


# --- names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("0000000", "still"), ("+000000", "truck"), ("-000000", "truck"), ("0+00000", "pedestal"), ("00-0000", "dolly"),
        ("000+000", "pan"), ("0000-00", "tilt"), ("00000+0", "roll"), ("000000-", "zoom"), ("+00-000", "orbit"),
        ("-00+000", "orbit"), ("+00+000", "same_sign"), ("-00-000", "same_sign"), ("0+00-00", "crane"),
        ("0+00+00", "crane"), ("+**-**0", "orbit"), ("-**+**0", "orbit"), ("++00000", "mixed"), ("+00-00+", "mixed"),
        ("+0+-000", "mixed"), ("0+0-000", "mixed"), ("+++++++", "mixed"),
    ],
)  # fmt: skip
def test_families_are_what_people_call_them(code, family):
    assert family_of(code) == family


def test_every_family_says_what_it_is():
    assert all(len(words) > 10 for words in FAMILIES.values())
    assert len(set(FAMILIES.values())) == len(FAMILIES)


# --- cameras -----------------------------------------------------------------------------------------


@functools.cache
def carried_out(code, count=12):
    """(first, second) of pairs that carry out a code, the known camera being either."""
    rng, out = np.random.default_rng(list(code.encode())), []
    for number in range(40 * count):
        base = base_camera(CONFIG.plan, float(rng.uniform(1.7, 2.2)), float(rng.uniform(62, 72)), rng)
        if not in_frame(base):
            continue
        forth = number % 2 == 0
        other = carry_out(code, base, CONFIG.plan, CONFIG.gates, rng, known_is_first=forth)
        if other is not None:
            out.append((base, other) if forth else (other, base))
        if len(out) == count:
            return out
    raise AssertionError(f"only {len(out)} pairs of {code}")


def axes(camera):
    """(right, down, forward) of a camera, from its three angles by a person's rules: no matrix of the package."""
    b, p, r = np.radians([camera.bearing_deg, camera.pitch_deg, camera.roll_deg])
    forward = np.array(
        [np.sin(b) * np.cos(p), np.cos(b) * np.cos(p), np.sin(p)]
    )  # bearing: clockwise from north
    level_right = np.array([np.cos(b), -np.sin(b), 0.0])  # a quarter turn clockwise from where it heads
    up = np.cross(level_right, forward)
    right = (
        np.cos(r) * level_right - np.sin(r) * up
    )  # rolled clockwise, seen from behind: the right hand sinks
    down = -np.cos(r) * up - np.sin(r) * level_right
    return right, down, forward


def seen_at(camera, point):
    """Where a point is in the picture, in halves of its width: x right, y down."""
    right, down, forward = axes(camera)
    to_point = np.asarray(point) - camera.position
    flat = np.array([to_point @ right, to_point @ down]) / (to_point @ forward)
    return flat / np.tan(np.radians(camera.hfov_deg / 2))


def test_the_axes_of_this_file_are_those_of_the_package():
    camera = Camera(np.array([1.0, -2.0, 0.5]), -25.0, -12.0, 9.0, 60.0)
    assert np.allclose(np.stack(axes(camera), axis=1), camera.world_from_camera[:3, :3])
    assert np.allclose(camera.world_from_camera[:3, 3], camera.position)


def moved(first, second):
    """(right, up, forward) of the second camera's place in the first one's axes, over the distance."""
    step = (second.position - first.position) / np.linalg.norm(first.position)
    right, down, forward = axes(first)
    return np.array([step @ right, -step @ down, step @ forward])


def turned(first, second):
    """(right, up, clockwise) in degrees, from the angles."""
    difference = np.array(
        [
            second.bearing_deg - first.bearing_deg,
            second.pitch_deg - first.pitch_deg,
            second.roll_deg - first.roll_deg,
        ]
    )
    return (difference + 180) % 360 - 180


def signs(values, low, high):
    """As a code: where nothing to speak of, where clearly one way; `?` between."""

    def sign(value):
        if abs(value) <= low:
            return "0"
        if abs(value) < high:
            return "?"
        return "+" if value > 0 else "-"

    return "".join(map(sign, values))


@pytest.mark.parametrize("code", [one for one in SINGLE if one[6] == "0"])
def test_a_single_motion_is_done_and_no_other(code):
    for first, second in carried_out(code):
        found = signs(moved(first, second)[:2], 0.02, 0.25) + signs(moved(first, second)[2:], 0.02, 0.15)
        found += signs(turned(first, second)[:1], 1, 10)
        assert found + signs(turned(first, second)[1:], 1, 8) == code[:6]
        assert first.hfov_deg == pytest.approx(second.hfov_deg)


@pytest.mark.parametrize(("code", "way"), [("000000+", 1), ("000000-", -1)])
def test_zooming_in_makes_the_object_larger_from_the_same_place(code, way):
    for first, second in carried_out(code):
        assert np.allclose(first.position, second.position)
        sizes = [
            np.linalg.norm(seen_at(one, [0, 0, 0.1]) - seen_at(one, [0, 0, -0.1])) for one in (first, second)
        ]
        factor = (sizes[1] / sizes[0]) ** way
        assert CONFIG.plan.zoom.low * 0.95 < factor < CONFIG.plan.zoom.high * 1.05


MIDDLE = [0, 0, 0]


@pytest.mark.parametrize(
    ("code", "axis", "way"),
    [
        # it goes where we do not
        ("+000000", 0, -1), ("-000000", 0, 1), ("000+000", 0, -1), ("000-000", 0, 1),
        # y down: looking up, it sinks
        ("0+00000", 1, 1), ("0-00000", 1, -1), ("0000+00", 1, 1), ("0000-00", 1, -1),
    ],
)  # fmt: skip
def test_the_object_shifts_in_the_picture_against_the_camera(code, axis, way):
    for first, second in carried_out(code):
        shift = seen_at(second, MIDDLE) - seen_at(first, MIDDLE)
        assert shift[axis] * way > 0.1


@pytest.mark.parametrize(("code", "way"), [("00+0000", 1), ("00-0000", -1)])
def test_going_forward_makes_the_object_larger(code, way):
    for first, second in carried_out(code):
        distances = [np.linalg.norm(one.position) for one in (first, second)]
        assert way * np.log(distances[0] / distances[1]) > 0.08
        assert first.hfov_deg == pytest.approx(second.hfov_deg)


@pytest.mark.parametrize(("code", "way"), [("00000+0", -1), ("00000-0", 1)])
def test_rolling_clockwise_turns_what_is_seen_counter_clockwise(code, way):
    for first, second in carried_out(code):
        upright = [seen_at(one, [0, 0, 0.2]) - seen_at(one, [0, 0, -0.2]) for one in (first, second)]
        angles = [np.arctan2(one[0], -one[1]) for one in upright]  # clockwise from straight up, y down
        assert np.degrees(angles[1] - angles[0]) * way > 7


@pytest.mark.parametrize(("code", "way"), [("+00-000", 1), ("-00+000", -1)])
def test_an_orbit_goes_around_and_turns_back_but_not_so_that_the_object_stays_put(code, way):
    shifts = []
    for first, second in carried_out(code, 40):
        azimuths = [np.arctan2(one.position[1], one.position[0]) for one in (first, second)]
        around = np.degrees(np.angle(np.exp(1j * (azimuths[1] - azimuths[0]))))
        assert way * around >= 14
        assert way * moved(first, second)[0] >= 0.25
        assert way * turned(first, second)[0] <= -10
        shifts.append((seen_at(second, MIDDLE) - seen_at(first, MIDDLE))[0])
    assert min(np.mean(np.array(shifts) > 0), np.mean(np.array(shifts) < 0)) > 0.2  # the flat shortcut fails


@pytest.mark.parametrize(("code", "way"), [("+00+000", 1), ("-00-000", -1)])
def test_a_same_sign_pair_moves_and_turns_to_one_side(code, way):
    for first, second in carried_out(code):
        assert way * moved(first, second)[0] >= 0.25
        assert way * turned(first, second)[0] >= 10


@pytest.mark.parametrize(("code", "way"), [("+**-**0", 1), ("-**+**0", -1)])
def test_plain_orbits_go_around_by_what_the_paper_says_and_keep_the_object_near_its_place(code, way):
    for first, second in carried_out(code, 30):
        azimuths = [np.arctan2(one.position[1], one.position[0]) for one in (first, second)]
        around = np.degrees(np.angle(np.exp(1j * (azimuths[1] - azimuths[0]))))
        assert CONFIG.plan.orbit_deg.low - 0.01 <= way * around <= CONFIG.plan.orbit_deg.high + 0.01


@pytest.mark.parametrize("code", [*SINGLE, "0000000", "+00-000", "+00+000", "++00000", "-0-0000", "0+00-0+"])
def test_the_object_is_in_both_pictures(code):
    """The points of a ball of 0.85 of the object's radius, one by one."""
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(500, 3))
    ball = 0.5 * 0.85 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    for pair in carried_out(code, 6):
        for camera in pair:
            assert max(np.abs(seen_at(camera, point)).max() for point in ball) < 1


def test_a_camera_that_looks_away_or_stands_too_near_has_the_object_not_in_frame():
    good = Camera(np.array([0.0, -2.0, 0.0]), 0.0, 0.0, 0.0, 60.0)
    assert in_frame(good)
    assert not in_frame(good._replace(bearing_deg=180.0))
    assert not in_frame(good._replace(bearing_deg=25.0))
    assert not in_frame(good._replace(pitch_deg=-25.0))
    assert not in_frame(good._replace(position=np.array([0.0, -0.7, 0.0])))
    assert not in_frame(good._replace(hfov_deg=20.0))


def test_a_code_is_carried_out_by_what_is_clear_and_goes_its_way():
    first = Camera(np.array([0.0, -2.0, 0.0]), 0.0, 0.0, 0.0, 60.0)

    def fits(code, second):
        return does(code, first, second, CONFIG.gates)

    assert fits("0000000", first)
    assert fits("+000000", first._replace(position=np.array([0.6, -2.0, 0.0])))
    assert not fits("-000000", first._replace(position=np.array([0.6, -2.0, 0.0])))
    assert not fits("0000000", first._replace(position=np.array([0.6, -2.0, 0.0])))
    assert not fits("+000000", first._replace(position=np.array([0.2, -2.0, 0.0])))
    assert not fits("000+000", first._replace(bearing_deg=5.0))
    assert fits("000+000", first._replace(bearing_deg=11.0))
    assert fits("000000+", first._replace(hfov_deg=40.0))
    assert not fits("000000-", first._replace(hfov_deg=40.0))


def test_most_codes_of_the_design_can_be_carried_out_from_some_camera():
    rng, missing = np.random.default_rng(3), []
    for code in codes(240):
        for number in range(12):
            forth = number % 2 == 0  # as the plan does
            hfov_deg, distance = lens_and_distance(CONFIG.plan, rng)
            base = base_camera(
                CONFIG.plan, distance, lens_before(code, hfov_deg, CONFIG.plan, known_is_first=forth), rng
            )
            if in_frame(base) and carry_out(code, base, CONFIG.plan, CONFIG.gates, rng, known_is_first=forth):
                break
        else:
            missing.append(code)
    assert len(missing) <= 24, missing


# --- room --------------------------------------------------------------------------------------------


def test_the_presets_own_lens_has_no_room_to_go_up_and_tilt_up_and_no_plan_asks_for_it():
    """With these the preset that bears the mission's name could not make a thousand pairs."""
    paper = load_config("viewpoint-100k")
    assert not has_cameras(paper.plan, paper.gates, "0+00+00")
    assert has_cameras(paper.plan, paper.gates, "0+00000")
    for seed in range(2):
        found = set(design(paper.plan, paper.gates, 2000, np.random.default_rng(seed)))
        assert not {code for code in found if code[1] in "+-" and code[4] in "+-" and "*" not in code}


@pytest.mark.parametrize("preset", [name for name in preset_names() if name != "smoke"])
def test_every_motion_of_thousands_of_pairs_has_cameras(preset):
    config = load_config(preset)
    found = Counter(
        code.partition("/")[0] for code in design(config.plan, config.gates, 2500, np.random.default_rng(5))
    )
    assert found.total() == 2500
    assert [code for code in found if not has_cameras(config.plan, config.gates, code)] == []


@pytest.mark.parametrize(
    ("overrides", "setting"),
    [
        (["plan.hfov_deg={low: 20, high: 22}"], "plan.motions"),
        (["plan.half_angle_deg={low: 28, high: 30}"], "plan.half_angle_deg is 28 to 30"),
        (["plan.motions={orbits: 1}", "plan.hfov_deg={low: 15, high: 16}"], "plan.motions"),
        (["plan.sets=true", "plan.hfov_deg={low: 15, high: 16}"], "plan.sets"),
    ],
)
def test_settings_without_room_are_an_error_of_one_line_that_names_motion_and_setting(overrides, setting):
    config = load_config("viewpoint-6dof", overrides)
    with pytest.raises(InputError, match=re.escape(setting)) as error:
        design(config.plan, config.gates, 100, np.random.default_rng(0))
    assert "plan.hfov_deg" in str(error.value)
    assert "\n" not in str(error.value)


def test_where_three_motions_at_once_have_no_room_two_still_have_their_shares_and_tell_nothing_of_each_other():
    config = load_config(
        "viewpoint-6dof", ["plan.hfov_deg={low: 52, high: 58}", "plan.half_angle_deg={low: 9, high: 14}"]
    )
    found = design(config.plan, config.gates, 2500, np.random.default_rng(0))
    assert not any(sum(sign != "0" for sign in code) == 7 for code in found)
    columns = list(zip(*found, strict=True))
    for one, other in itertools.combinations(range(7), 2):
        assert information_bits(columns[one], columns[other]) < 0.02


def test_a_simpler_code_gives_up_what_tier_a_does_not_ask_about_and_keeps_the_event():
    code, seen = "+-+-+-+/moved", []
    while simpler(code) != code:
        code = simpler(code)
        seen.append(code)
    assert seen[:3] == ["+-+-+-0/moved", "+-+-+00/moved", "+-+-000/moved"]
    assert seen[-2:] == ["+000000/moved", "0000000/moved"]


@pytest.mark.parametrize("code", ["+00+000", "+0000+0", "00+00-+", "0+00-00"])
def test_a_code_has_cameras_if_its_mirror_image_and_its_way_back_have(code):
    mirrored = "".join(
        {"+": "-", "-": "+"}.get(sign, sign) if i in (0, 3, 5) else sign for i, sign in enumerate(code)
    )
    back = code.translate(str.maketrans("+-", "-+"))
    found = [len(carried_out(one, 4)) == 4 for one in (code, mirrored, back)]
    assert found == [has_cameras(CONFIG.plan, CONFIG.gates, code)] * 3
