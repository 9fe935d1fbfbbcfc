"""Which surfaces are there: files with twins, single-sided rooms, hulls and mirrors, as a viewer of glTF shows them."""

import numpy as np
import pytest
from support.glb_files import BLUE, RED, SIZE, box, quad, see, write

pytestmark = pytest.mark.usefixtures("needs_bpy")
BLENDED = {"alphaMode": "BLEND"}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """All files of this page, in one process, one after the other."""
    folder = tmp_path_factory.mktemp("surfaces")
    points, normals, indices = box()
    reverse = (points, -normals, indices[::-1])
    both = (points, normals, np.concatenate([indices, indices.reshape(-1, 3)[:, ::-1].ravel()]))
    double = {"doubleSided": True}
    small = box((0.2, 0.2, 0.2))
    shell = box((0.6, 0.6, 0.6), inward=True)
    turn = [0.0, 0.258819045, 0.0, 0.965925826]  # 30 degrees about the upright axis, and back below
    back = [0.0, -0.258819045, 0.0, 0.965925826]
    far = {"translation": [0.3, 0.7, -0.2], "rotation": turn, "scale": [2, 2, 2], "children": [1]}
    undone = {"mesh": 0, "rotation": back, "scale": [0.5, 0.5, 0.5]}
    files = {
        "plain": ([[(box(), 0)]], [{"mesh": 0}], [(RED, {})]),
        "reverse as a primitive": ([[(box(), 0), (reverse, 0)]], [{"mesh": 0}], [(RED, {})]),
        "the same primitive twice": ([[(box(), 0), (box(), 0)]], [{"mesh": 0}], [(RED, {})]),
        "reverse on the same vertices": ([[(both, 0)]], [{"mesh": 0}], [(RED, {})]),
        "reverse, double-sided": ([[(reverse, 0), (box(), 0)]], [{"mesh": 0}], [(RED, double)]),
        "reverse with the same normals": ([[(box(), 0), ((points, normals, indices[::-1]), 0)]], [{"mesh": 0}], [(RED, {})]),
        "two ways to one place": ([[(box(), 0)]], [far, undone, {"mesh": 0, "translation": [0.3, 0.7, -0.2]}], [(RED, {})]),
        "the last of two colours": ([[(box(), 0)], [(box(), 1)]], [{"mesh": 0}, {"mesh": 1}], [(RED, {}), (BLUE, {})]),
        "twin in part": ([[(box(), 0)], [(box(), 0), (box(at=(0, 0.8, 0), half=(0.2, 0.3, 0.2)), 0)]], [{"mesh": 0}, {"mesh": 1}], [(RED, {})]),
        "red outside, blue inside": ([[(box(), 0), (reverse, 1)]], [{"mesh": 0}], [(RED, {}), (BLUE, {})]),
        "card": ([[(quad(0.5, (0, 0, 0)), 0), (quad(0.5, (0, 0, 0), turned=True), 1)]], [{"mesh": 0}], [(RED, {}), (BLUE, {})]),
        "decal": (
            [[(box(), 0), (quad(0.5, (0, 0, 0.5)), 1)]],
            [{"mesh": 0}],
            [(RED, {}), ([*BLUE[:3], 0.99], {"alphaMode": "BLEND"})],
        ),
        "room": ([[(shell, 0)], [(small, 1)]], [{"mesh": 0}, {"mesh": 1}], [(BLUE, {}), (RED, {})]),
        "room of one mesh and material": ([[(shell, 0), (small, 0)]], [{"mesh": 0}], [(RED, {})]),
        "mirrored room": ([[(shell, 0)], [(small, 1)]], [{"mesh": 0, "scale": [-1, 1, 1]}, {"mesh": 1}], [(BLUE, {}), (RED, {})]),
        "double-sided room": ([[(shell, 0)], [(small, 1)]], [{"mesh": 0}, {"mesh": 1}], [(BLUE, double), (RED, {})]),
        "hidden": (
            [[(box(), 0)], [(box((0.9, 0.9, 0.9)), 1)]],
            [
                {"mesh": 0},
                {"children": [2], "extensions": {"KHR_node_visibility": {"visible": False}}},
                {"mesh": 1, "translation": [0.5, 0, 0]},
            ],
            [(RED, {}), (BLUE, {})],
        ),
        "mirrored box": ([[(box(), 0)]], [{"mesh": 0, "scale": [-1, 1, 1]}], [(RED, {})]),
        "back of a sign": ([[(quad(0.5, (0, 0, 0.1)), 0), (small, 1)]], [{"mesh": 0}], [(BLUE, {}), (RED, {})]),
    }  # fmt: skip
    paths = {name: write(folder / f"{name}.glb", *parts) for name, parts in files.items()}
    return see(folder, paths)


TWINS = [
    "the same primitive twice",
    "reverse as a primitive",
    "reverse on the same vertices",
    "reverse, double-sided",
    "reverse with the same normals",
    "two ways to one place",
]


@pytest.mark.parametrize("name", TWINS)
def test_a_box_whose_faces_are_there_twice_looks_like_one(seen, name):
    for view in (0, 1):
        assert np.allclose(seen[name].depth[view], seen["plain"].depth[view], atol=1e-4)
        assert np.allclose(seen[name].picture[view], seen["plain"].picture[view], atol=0.08)


def test_of_two_opaque_faces_at_one_place_the_last_is_seen(seen):
    assert seen["the last of two colours"].share(BLUE) > 0.85  # at edges, colours are mixed


def test_what_is_there_once_stays_where_the_rest_has_a_twin(seen):
    assert seen["twin in part"].share(RED) > 0.8
    assert seen["twin in part"].brightness() > 0.8 * seen["plain"].brightness()


def test_a_face_and_its_reverse_of_other_colours_are_both_seen_from_their_side(seen):
    assert seen["red outside, blue inside"].share(RED) > 0.85
    assert seen["card"].share(RED, view=0) > 0.85
    assert seen["card"].share(BLUE, view=1) > 0.85


def test_a_blended_face_on_an_opaque_one_is_drawn_over_it(seen):
    front = seen["decal"].albedo[0][SIZE // 2 - 4 : SIZE // 2 + 4, SIZE // 2 - 4 : SIZE // 2 + 4]
    assert np.abs(front - BLUE[:3]).max() < 0.1


@pytest.mark.parametrize("name", ["room", "mirrored room"])
def test_a_room_is_open_where_its_walls_are_seen_from_their_back(seen, name):
    assert 0.05 < seen[name].share(RED) < 0.5  # what stands in it
    middle = SIZE // 2, SIZE // 2
    assert seen[name].depth[0][middle] > seen["double-sided room"].depth[0][middle] + 0.15
    assert seen["double-sided room"].share(BLUE) > 0.85  # its walls are there


def test_there_is_light_in_a_room_without_a_ceiling_from_outside(seen):
    for name in ("room", "room of one mesh and material"):
        there = np.abs(seen[name].albedo[0] - np.array(RED[:3])).max(axis=-1) < 0.06
        assert seen[name].picture[0][there].mean() > 0.5 * seen["plain"].brightness()


def test_a_mirrored_box_keeps_its_outside(seen):
    assert np.allclose(seen["mirrored box"].depth[0], seen["plain"].depth[0], atol=1e-4)
    assert np.allclose(seen["mirrored box"].picture[0], seen["plain"].picture[0], atol=0.08)


def test_what_hangs_on_a_hidden_node_is_not_drawn_and_takes_no_room(seen):
    assert np.allclose(seen["hidden"].depth[0], seen["plain"].depth[0], atol=1e-4)
    assert seen["hidden"].share(BLUE) == 0


def test_a_sign_is_not_there_from_behind(seen):
    assert seen["back of a sign"].share(BLUE, view=0) > 0.6
    assert seen["back of a sign"].share(BLUE, view=1) == 0
    assert (seen["back of a sign"].depth[1] < 1e9).sum() < 0.5 * (seen["back of a sign"].depth[0] < 1e9).sum()


def test_cases_with_twins_and_hulls_look_like_their_references(tmp_path):
    from support.command import SHARED

    names = [
        "00_ref",
        "00_ref_c",
        "03_backfaces_dup_double",
        "03_backfaces_dup_single",
        "04_same_mesh_twice",
        "05_outline_hull",
    ]
    if not (SHARED / "cases").is_dir():
        pytest.skip(f"the folder of cases is not here ({SHARED / 'cases'})")
    cases = see(tmp_path, {name: SHARED / "cases" / f"{name}.glb" for name in names})
    for name, like in (
        ("03_backfaces_dup_double", "00_ref_c"),
        ("03_backfaces_dup_single", "00_ref_c"),
        ("04_same_mesh_twice", "00_ref"),
    ):
        for view in (0, 1):
            assert np.abs(cases[name].picture[view] - cases[like].picture[view]).mean() < 0.01
    assert cases["05_outline_hull"].brightness() > 0.8 * cases["00_ref"].brightness()
    assert 0.01 < cases["05_outline_hull"].share([0, 0, 0]) < 0.3  # the outline


def test_what_has_no_material_is_white_and_seen_from_its_front_alone(tmp_path):
    colors = {"COLOR_0": np.tile([0.2, 0.6, 0.8, 1.0], (4, 1))}
    made = {"bare": quad(1.0, (0, 0, 0)), "coloured": (*quad(1.0, (0, 0, 0)), colors)}
    files = {
        name: write(tmp_path / f"{name}.glb", [[(shape, None)]], [{"mesh": 0}], [(RED, {})])
        for name, shape in made.items()
    }
    seen = see(tmp_path, files)
    assert seen["bare"].share([1, 1, 1]) > 0.85  # edges are mixed
    red, green, blue = seen["coloured"].albedo[0][SIZE // 2, SIZE // 2]  # of a rough metal, so it is deeper
    assert red < 0.25 and 0.3 < green < 0.65 and 0.5 < blue < 0.85
    for one in seen.values():
        assert (one.depth[1] > 1e9).all()


def test_normals_that_point_inwards_do_not_make_a_surface_black(tmp_path):
    points, normals, indices = box()
    made = {"right": (points, normals, indices), "wrong": (points, -normals, indices)}
    files = {
        name: write(tmp_path / f"{name}.glb", [[(shape, 0)]], [{"mesh": 0}], [(RED, {})])
        for name, shape in made.items()
    }
    seen = see(tmp_path, files)
    assert np.abs(seen["wrong"].picture[0] - seen["right"].picture[0]).mean() < 0.01


def test_shells_that_are_seen_from_within_are_lit(tmp_path):
    """A closed one, a tunnel, and one with a large opening, through which most lines meet fronts first."""
    outside, room = box(), box(inward=True)
    open_room = (*room[:2], np.delete(room[2].reshape(6, 6), 4, axis=0).ravel())  # glTF -Z: the side behind
    shapes = {"box": outside, "room": room, "open": open_room}
    files = {
        name: write(tmp_path / f"{name}.glb", [[(shape, 0)]], [{"mesh": 0}], [(RED, {})])
        for name, shape in shapes.items()
    }
    seen = see(tmp_path, files)
    for name in ("room", "open"):
        assert seen[name].brightness() > 0.5 * seen["box"].brightness(), name


# --- skins ----------------------------------------------------------------------------------------


def test_a_skin_in_another_pose_than_it_was_bound_in_is_as_its_matrices_say(tmp_path):
    """With a bone that moves nothing and has nonsense for its matrix, as converters leave them."""
    points, normals, indices = box()
    weights = np.where(points[:, 1:2] > 0, [[0.4, 0.6, 0, 0]], [[1, 0, 0, 0]])
    skin = {"JOINTS_0": np.tile([1, 2, 0, 0], (len(points), 1)), "WEIGHTS_0": weights}
    turn, low, high = np.eye(4), np.eye(4), np.eye(4)
    turn[:2, :2], low[1, 3], high[1, 3] = (
        [[0.5, -0.8660254], [0.8660254, 0.5]],
        -0.5,
        0.5,
    )  # 60 degrees about z
    mesh_to_bones = [np.diag([0.01, 0.01, 0.01, 1]), np.linalg.inv(low), np.linalg.inv(high)]
    columns = np.stack([one.T for one in mesh_to_bones]).astype(np.float32).reshape(3, 16)
    nodes = [
        {"mesh": 0, "skin": 0},
        {"children": [2, 3]},
        {"translation": [0, -0.5, 0]},
        {"translation": [0, 0.5, 0], "rotation": [0, 0, 0.5, 0.8660254]},
    ]
    skins = {"skins": lambda add: [{"joints": [1, 2, 3], "inverseBindMatrices": add(columns, "MAT4", 5126)}]}
    turned = (np.c_[points, np.ones(len(points))] @ (high @ turn @ np.linalg.inv(high)).T)[:, :3]
    placed = weights[:, :1] * points + weights[:, 1:2] * turned
    made = {
        "plain": ([[((placed, normals, indices), 0)]], [{"mesh": 0}], {}),
        "skinned": ([[((points, normals, indices, skin), 0)]], nodes, skins),
    }
    files = {
        name: write(tmp_path / f"{name}.glb", mesh, tree, [(RED, {})], **more)
        for name, (mesh, tree, more) in made.items()
    }
    seen = see(tmp_path, files)
    for view in range(2):
        there = {name: one.depth[view] < 1e9 for name, one in seen.items()}
        assert (there["skinned"] != there["plain"]).mean() < 0.003
        both = there["skinned"] & there["plain"]
        assert np.abs(seen["skinned"].depth[view] - seen["plain"].depth[view])[both].max() < 0.01


# --- poses ------------------------------------------------------------------------------------------


def animation(*channels, name="pop"):
    """For `write`: channels of (node, path, times, values)."""

    def make(add):
        samplers, listed = [], []
        for number, (node, path, times, values) in enumerate(channels):
            bounds = {"min": [min(times)], "max": [max(times)]}
            times = add(np.array(times, np.float32), "SCALAR", 5126, **bounds)
            samplers.append(
                {
                    "input": times,
                    "output": add(
                        np.array(values, np.float32), "VEC4" if path == "rotation" else "VEC3", 5126
                    ),
                }
            )
            listed.append({"sampler": number, "target": {"node": node, "path": path}})
        return [{"name": name, "channels": listed, "samplers": samplers}]

    return make


def test_the_pose_that_is_drawn_is_the_object(tmp_path):
    """Two boxes: one pops in, is blown away, or is at rest what it should not be."""
    mesh = [[(box(), 0)], [(box((0.3, 0.3, 0.3)), 1)]]
    at = {"mesh": 1, "translation": [0, 0.8, 0]}
    looks = [(RED, {}), (BLUE, {})]
    nodes = [{"mesh": 0}, at]
    nothing, all_of_it = [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]
    made = {
        "reference": (nodes, {}),
        "pops in": (nodes, {"animations": animation((1, "scale", [0, 1], [nothing, all_of_it]))}),
        "all pops in": (
            nodes,
            {"animations": animation(*((n, "scale", [0, 1], [nothing, all_of_it]) for n in (0, 1)))},
        ),
        "explodes": (nodes, {"animations": animation((1, "translation", [0, 1], [[0, 9, 0], [0, 0.8, 0]]))}),
        "nothing at rest": (
            [{"mesh": 0}, {**at, "scale": nothing}],
            {"animations": animation((1, "scale", [0, 1, 2], [nothing, all_of_it, all_of_it]))},
        ),
        "exploded at rest": (
            [{"mesh": 0}, {**at, "translation": [0, 9, 0]}],
            {"animations": animation((1, "translation", [0, 1], [[0, 0.8, 0], [0, 9, 0]]), name="assembled")},
        ),
    }
    files = {
        name: write(tmp_path / f"{name}.glb", mesh, *parts[:1], looks, **parts[1])
        for name, parts in made.items()
    }
    seen = see(tmp_path, files)
    for name in made:
        assert np.allclose(seen[name].depth[0], seen["reference"].depth[0], atol=2e-3), name
    rest = {name for name in made if seen[name].pose == "rest"}
    assert rest == {"reference", "pops in", "all pops in", "explodes"}
    assert seen["exploded at rest"].pose == "animation assembled at 0.0 s"
    folder = tmp_path / "wanted"
    folder.mkdir()
    [asked] = see(folder, {"explodes": files["explodes"]}, pose="animation").values()
    assert asked.pose == "animation pop at 0.0 s"
    assert asked.share(BLUE) < 0.6 * seen["reference"].share(BLUE)


def test_cases_that_pop_in_or_hide_a_node_look_like_their_reference(tmp_path):
    from support.command import SHARED

    names = ["00_ref_c", "01_popin_scale0_one_anim", "02_cabin_scale0_at_start", "13_node_visibility_false"]
    if not (SHARED / "cases").is_dir():
        pytest.skip(f"the folder of cases is not here ({SHARED / 'cases'})")
    cases = see(tmp_path, {name: SHARED / "cases" / f"{name}.glb" for name in names})
    for name in names:
        assert np.abs(cases[name].picture[0] - cases["00_ref_c"].picture[0]).mean() < 0.005


# --- glass ------------------------------------------------------------------------------------------


def test_clear_glass_shows_the_background_that_stands_behind_it(tmp_path):
    smooth = {"metallicFactor": 0, "roughnessFactor": 0}
    extensions = {
        "KHR_materials_transmission": {"transmissionFactor": 1.0},
        "KHR_materials_ior": {"ior": 1.0},
    }
    look = ([1, 1, 1, 1], {"extensions": extensions, "pbrMetallicRoughness": smooth})
    path = write(tmp_path / "clear.glb", [[(box((1, 1, 0.5)), 0)]], [{"mesh": 0}], [look])
    [seen] = see(tmp_path, {"clear": path}, background=(150, 140, 120)).values()
    middle = seen.picture[0][28:36, 28:36].mean(axis=(0, 1)) * 255
    assert np.abs(middle - (150, 140, 120)).max() < 25


def glass(**volume):
    """A material; without a volume it is a thin sheet."""
    extensions = {"KHR_materials_transmission": {"transmissionFactor": 1.0}}
    extensions |= {"KHR_materials_volume": {"thicknessFactor": 1.0, **volume}} if volume else {}
    return [1, 1, 1, 1], {"extensions": extensions, "pbrMetallicRoughness": {"roughnessFactor": 0}}


def test_the_tint_of_glass_follows_the_way_through_it_in_the_lengths_of_the_file(tmp_path):
    """Of parts that touch, too: light would never leave what it is in."""
    color, squared = [0.7, 0.8, 1.0], [0.49, 0.64, 1.0]
    near, far = ({"attenuationColor": color, "attenuationDistance": d} for d in (0.25, 0.75))
    stack = [[(box((0.5, 0.25, 0.5), (0, at, 0)), 0)] for at in (-0.25, 0.25)]
    one, two = [{"mesh": 0}], [{"mesh": 0}, {"mesh": 1}]
    files = {
        "near": ([[(box(), 0)]], one, [glass(**near)]),
        "squared": ([[(box(), 0)]], one, [glass(attenuationColor=squared, attenuationDistance=0.5)]),
        "three times as large": ([[(box((1.5, 1.5, 1.5)), 0)]], one, [glass(**far)]),
        "far": ([[(box(), 0)]], one, [glass(**far)]),
        "stack": (stack, two, [glass(**near)]),
    }
    seen = see(tmp_path, {name: write(tmp_path / f"{name}.glb", *parts) for name, parts in files.items()})
    inside = np.s_[26:38, 26:38]
    middle = {name: np.median(one.picture[0][inside], axis=(0, 1)) for name, one in seen.items()}
    for same in ("squared", "three times as large", "stack"):
        assert np.abs(middle[same] - middle["near"]).max() < 0.05, same
    assert middle["far"][0] > middle["near"][0] + 0.1
    dark = {name: float((one.picture[0][inside].max(axis=-1) < 0.15).mean()) for name, one in seen.items()}
    assert max(dark.values()) == 0


def test_glass_without_a_volume_is_a_thin_sheet_that_bends_nothing(tmp_path):
    turn = [0.0, 0.3826834, 0.0, 0.9238795]  # 45 degrees about the upright axis: an edge to the front
    meshes = [[(box((0.4, 0.4, 0.4)), 0)], [(quad(0.2, (0, 0, -0.7)), 1)]]
    nodes = [{"mesh": 0, "rotation": turn}, {"mesh": 1}]
    looks = {"thin": glass(), "solid": glass(attenuationDistance=1e6)}
    files = {
        name: write(tmp_path / f"{name}.glb", meshes, nodes, [look, (RED, {})])
        for name, look in looks.items()
    }
    files["alone"] = write(
        tmp_path / "alone.glb", [meshes[0], meshes[1]], nodes, [([1, 1, 1, 0.001], BLENDED), (RED, {})]
    )
    seen = see(tmp_path, files)
    red = {name: one.picture[0][..., 0] - one.picture[0][..., 1] > 0.2 for name, one in seen.items()}
    rows, columns = (np.flatnonzero(red["alone"].sum(axis=axis) > 3) for axis in (1, 0))
    middle = np.s_[
        rows[0] : rows[-1] + 1, SIZE // 2 - 1 : SIZE // 2 + 1
    ]  # at the edge, solid glass parts it in two
    assert len(columns) > 6
    assert red["thin"][middle].mean() > 0.5
    assert red["solid"][middle].mean() < 0.2


# --- pictures of shadows ----------------------------------------------------------------------------


def test_a_baked_shadow_is_left_out_and_other_things_that_are_blended_stay(tmp_path):
    def floor(half, height):
        points = np.array(
            [(-half, 0, half), (half, 0, half), (half, 0, -half), (-half, 0, -half)], np.float32
        )
        return points + (0, height, 0), np.tile([0, 1, 0], (4, 1)), np.array([0, 1, 2, 0, 2, 3], np.uint16)

    shadow = ([0, 0, 0, 0.6], {"alphaMode": "BLEND"})
    glassy = ([*BLUE[:3], 0.6], {"alphaMode": "BLEND"})
    apart = [{"mesh": 0}, {"mesh": 1}]
    made = {
        "alone": ([[(box(), 0)]], apart[:1], [(RED, {})]),
        "shadow": ([[(box(), 0)], [(floor(2.0, -0.501), 1)]], apart, [(RED, {}), shadow]),
        "shadow in one mesh": ([[(box(), 0), (floor(2.0, -0.501), 1)]], apart[:1], [(RED, {}), shadow]),
        "blue": ([[(box(), 0)], [(floor(2.0, -0.501), 1)]], apart, [(RED, {}), glassy]),
        "dark roof": ([[(box(), 0)], [(floor(2.0, 0.501), 1)]], apart, [(RED, {}), shadow]),
    }
    files = {name: write(tmp_path / f"{name}.glb", *parts) for name, parts in made.items()}
    seen = see(tmp_path, files)
    size = {
        name: int((np.abs(one.albedo[0] - RED[:3]).max(axis=-1) < 0.06).sum()) for name, one in seen.items()
    }
    assert size["shadow"] > 0.9 * size["alone"]
    assert size["shadow in one mesh"] > 0.9 * size["alone"]
    assert max(size["blue"], size["dark roof"]) < 0.5 * size["alone"]
