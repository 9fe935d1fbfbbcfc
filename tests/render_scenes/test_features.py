"""What files say of their surfaces, feature by feature: each row of the table in docs/rendering.md, on a file made here."""

import numpy as np
import pytest
from support.glb_files import BLUE, GREEN, RED, SIZE, box, picture, quad, see, write

from viewpoint100k.objects.gltf import SUPPORTED_EXTENSIONS

pytestmark = pytest.mark.usefixtures("needs_bpy")

WHITE, GREY, HALF = [1, 1, 1, 1], [0.5, 0.5, 0.5, 1], [1, 1, 1, 0.5]
DIM = [130, 70, 40]  # as the picture shows it
QUARTERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]])  # as the picture shows them
UV = np.array(
    [(0, 1), (1, 1), (1, 0), (0, 0)], np.float32
)  # of a quad, the first row of the picture at the top
CENTRES = [
    (0.25, 0.25),
    (0.75, 0.25),
    (0.25, 0.75),
    (0.75, 0.75),
]  # of its quarters: from the left, from the top


def painted(**attributes):
    """A quad that faces the first camera."""
    return *quad(1.0, (0, 0, 0)), attributes


def turned(rotation, scale, offset):
    """KHR_texture_transform, and the colours that it puts at the centres of the quarters."""
    c, s = np.cos(rotation), np.sin(rotation)
    seen = [scale * np.array([c * u + s * v, c * v - s * u]) + offset for u, v in CENTRES]
    colors = [QUARTERS[int(v % 1 * 2), int(u % 1 * 2)] / 255 for u, v in seen]
    extension = {"rotation": rotation, "scale": [scale, scale], "offset": list(offset)}
    return {"KHR_texture_transform": extension}, colors


MOVED, MOVED_COLORS = turned(0.0, 1.0, (0.5, 0.0))
TURNED, TURNED_COLORS = turned(np.pi / 2, 1.0, (0.0, 0.0))
SMALL, SMALL_COLORS = turned(0.0, 0.5, (0.5, 0.5))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    image = {"images": [picture(np.kron(QUARTERS, np.ones((16, 16, 1))))], "textures": [{"source": 0}]}

    def textured(**said):
        return {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, **said}}}

    def wrapped(how):
        return image | {"samplers": [{"wrapS": how, "wrapT": how}], "textures": [{"source": 0, "sampler": 0}]}

    def extended(name, **values):
        return {"extensions": {f"KHR_materials_{name}": values}}

    matte = {"glossinessFactor": 0.2, "specularFactor": [0.04, 0.04, 0.04]}
    shiny = {"pbrMetallicRoughness": {"roughnessFactor": 0.15}}
    metal = {"pbrMetallicRoughness": {"roughnessFactor": 0.3, "metallicFactor": 1}}
    clear = {"pbrMetallicRoughness": {"roughnessFactor": 0.0}}
    glass = {"transmission": {"transmissionFactor": 1.0}, "volume": {"thicknessFactor": 1.0}}
    bluish = {**glass["volume"], "attenuationDistance": 0.5, "attenuationColor": [0.2, 0.4, 1.0]}

    def glassy(**volume):
        return {**clear, "extensions": {f"KHR_materials_{name}": each for name, each in volume.items()}}

    dim = {**image, "images": [picture(np.full((16, 16, 3), DIM))]}
    shared = {"baseColorTexture": {"index": 0}, "metallicRoughnessTexture": {"index": 0}, "metallicFactor": 0}
    again = {"images": dim["images"] * 2, "textures": [{"source": 0}, {"source": 1}]}
    apart = {**shared, "metallicRoughnessTexture": {"index": 1}}
    colors = np.tile([0.2, 0.6, 0.8, 1.0], (4, 1))
    faint = np.tile(HALF, (4, 1))
    gone = np.tile([1, 1, 1, 0.2], (4, 1))
    uv = {"TEXCOORD_0": UV}
    both = {"TEXCOORD_0": UV * 0.1, "TEXCOORD_1": UV}
    wide = {"TEXCOORD_0": UV * 3 - 1}  # repeated, its quarters would change places
    grown = np.where(box()[0][:, 1:2] > 0, [[0, 1.0, 0]], [[0, 0, 0]]).astype(np.float32)
    points, normals, indices = box()
    morphed = (points, normals, indices, {"targets": [grown]})
    files = {
        "plain": (painted(), WHITE, {}, {}),
        "texture": (painted(**uv), WHITE, textured(), image),
        "dim": (painted(**uv), WHITE, textured(), dim),
        "dim, also roughness": (painted(**uv), WHITE, {"pbrMetallicRoughness": shared}, dim),
        "dim, roughness apart": (painted(**uv), WHITE, {"pbrMetallicRoughness": apart}, again),
        "dim, also a normal map": (painted(**uv), WHITE, {**textured(), "normalTexture": {"index": 0}}, dim),
        "dim, glows with what is roughness": (
            painted(**uv),
            [0, 0, 0, 1],
            {
                "pbrMetallicRoughness": {"metallicRoughnessTexture": {"index": 0}, "metallicFactor": 0},
                "emissiveTexture": {"index": 0},
                "emissiveFactor": [1, 1, 1],
            },
            dim,
        ),
        "dim, glows": (
            painted(**uv),
            [0, 0, 0, 1],
            {"emissiveTexture": {"index": 0}, "emissiveFactor": [1, 1, 1]},
            dim,
        ),
        "moved": (painted(**uv), WHITE, textured(extensions=MOVED), image),
        "turned": (painted(**uv), WHITE, textured(extensions=TURNED), image),
        "small": (painted(**uv), WHITE, textured(extensions=SMALL), image),
        "second coordinates": (painted(**both), WHITE, textured(texCoord=1), image),
        "clamped": (painted(**wide), WHITE, textured(), wrapped(33071)),
        "mirrored": (painted(**wide), WHITE, textured(), wrapped(33648)),
        "vertex colours": (painted(COLOR_0=colors), GREY, {}, {}),
        "vertex alpha, opaque": (painted(COLOR_0=faint), WHITE, {}, {}),
        "vertex alpha, blended": (painted(COLOR_0=faint), WHITE, {"alphaMode": "BLEND"}, {}),
        "vertex alpha, cut": (painted(COLOR_0=gone), WHITE, {"alphaMode": "MASK"}, {}),
        "vertex alpha, not cut": (
            painted(COLOR_0=gone),
            WHITE,
            {"alphaMode": "MASK", "alphaCutoff": 0.1},
            {},
        ),
        "unlit": (painted(), [0.5, 0.2, 0.05, 1], extended("unlit"), {}),
        "unlit, texture": (painted(**uv), WHITE, {**textured(), **extended("unlit")}, image),
        "glowing": (painted(), [0, 0, 0, 1], {"emissiveFactor": [0, 0.1, 0]}, {}),
        "glowing more": (
            painted(),
            [0, 0, 0, 1],
            {"emissiveFactor": [0, 0.1, 0], **extended("emissive_strength", emissiveStrength=5.0)},
            {},
        ),
        "glossiness": (
            painted(),
            WHITE,
            extended("pbrSpecularGlossiness", diffuseFactor=BLUE, **matte),
            {},
        ),
        "glossiness, texture": (
            painted(**uv),
            WHITE,
            extended("pbrSpecularGlossiness", diffuseTexture={"index": 0}, **matte),
            image,
        ),
        "rough": (box(), RED, {}, {}),
        "coated": (box(), RED, extended("clearcoat", clearcoatFactor=1.0), {}),
        "sheen": (box(), RED, extended("sheen", sheenColorFactor=[1, 1, 1], sheenRoughnessFactor=0.5), {}),
        "metal": (box(), GREY, metal, {}),
        "brushed": (box(), GREY, {**metal, **extended("anisotropy", anisotropyStrength=1.0)}, {}),
        "shiny": (box(), GREEN, shiny, {}),
        "iridescent": (box(), GREEN, {**shiny, **extended("iridescence", iridescenceFactor=1.0)}, {}),
        "occluded": (
            (*quad(1.0, (0, 0, 0)), uv),
            WHITE,
            {"occlusionTexture": {"index": 0}},
            {"images": [picture(np.zeros((4, 4, 3)))], "textures": [{"source": 0}]},
        ),
        "shining through": (
            box(),
            RED,
            extended("diffuse_transmission", diffuseTransmissionFactor=1.0),
            {},
        ),
        "glass": (box(), WHITE, glassy(**glass), {}),
        "blue glass": (box(), WHITE, glassy(**{**glass, "volume": bluish}), {}),
        "dispersing": (box(), WHITE, glassy(**glass, dispersion={"dispersion": 5.0}), {}),
        "shape": (morphed, RED, {}, {}),
        "other shape": (morphed, RED, {}, {"weights": [1.0]}),
    }
    paths = {}
    for name, (shape, color, said, more) in files.items():
        node = {"mesh": 0, **({"weights": more.pop("weights")} if "weights" in more else {})}
        paths[name] = write(folder / f"{name}.glb", [[(shape, 0)]], [node], [(color, said)], **more)
    return see(folder, paths)


def quarters(seen):
    """(4, 3) base colours at the centres of the quarters of a quad."""
    rows, columns = (np.flatnonzero((seen.depth[0] < 1e9).any(axis=axis)) for axis in (1, 0))
    places = [
        (round(rows[0] + v * (rows[-1] - rows[0])), round(columns[0] + u * (columns[-1] - columns[0])))
        for u, v in CENTRES
    ]
    return np.array([seen.albedo[0][place] for place in places])


def color(seen):
    """Of its middle, (3,)."""
    return np.median(seen.albedo[0][seen.depth[0] < 1e9], axis=0)


def change(one, other):
    """Mean difference of the first pictures."""
    return float(np.abs(one.picture[0] - other.picture[0]).mean())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("texture", QUARTERS.reshape(4, 3) / 255),
        ("moved", MOVED_COLORS),
        ("turned", TURNED_COLORS),
        ("small", SMALL_COLORS),
        ("second coordinates", QUARTERS.reshape(4, 3) / 255),
        ("clamped", QUARTERS.reshape(4, 3) / 255),
        ("mirrored", QUARTERS.reshape(4, 3) / 255),
        ("unlit, texture", QUARTERS.reshape(4, 3) / 255),
        ("glossiness, texture", QUARTERS.reshape(4, 3) / 255),
    ],
)
def test_textures_lie_where_the_file_puts_them(seen, name, expected):
    assert np.abs(quarters(seen[name]) - expected).max() < 0.12


@pytest.mark.parametrize("name", ["dim, also roughness", "dim, roughness apart", "dim, also a normal map"])
def test_an_image_that_is_colour_and_numbers_at_once_keeps_its_colour(seen, name):
    assert color(seen["dim"]) == pytest.approx((np.array(DIM) / 255) ** 2.2, abs=0.02)
    assert color(seen[name]) == pytest.approx(
        color(seen["dim"]), abs=0.08
    )  # it mirrors otherwise; as numbers: 0.51


def test_an_image_that_glows_and_is_numbers_at_once_glows_as_it_does_alone(seen):
    names = ("dim, glows with what is roughness", "dim, glows")
    alone, both = (np.median(seen[name].picture[0][seen[name].depth[0] < 1e9], axis=0) for name in names)
    assert both == pytest.approx(alone, abs=0.1)  # less rough, it mirrors more


def test_a_transform_of_a_texture_is_one_that_can_be_seen():
    assert len({np.array(colors).tobytes() for colors in (MOVED_COLORS, TURNED_COLORS, SMALL_COLORS)}) == 3


def test_vertex_colours_are_multiplied_with_the_factor(seen):
    assert np.allclose(color(seen["vertex colours"]), [0.1, 0.3, 0.4], atol=0.02)


def test_vertex_alpha_counts_where_the_material_blends_or_cuts(seen):
    there = {name: (one.depth[0] < 1e9).sum() for name, one in seen.items()}
    assert seen["vertex alpha, opaque"].opacity[0] > 0.95
    assert 0.4 < seen["vertex alpha, blended"].opacity[0] < 0.6
    assert there["vertex alpha, cut"] == 0
    assert there["vertex alpha, not cut"] == there["plain"]
    assert seen["vertex alpha, not cut"].opacity[0] > 0.95


def test_what_is_blended_has_no_grain(seen):
    inside = np.s_[SIZE // 2 - 8 : SIZE // 2 + 8, SIZE // 2 - 8 : SIZE // 2 + 8]
    assert seen["vertex alpha, blended"].picture[0][inside].std(axis=(0, 1)).max() < 0.03


def test_unlit_surfaces_have_their_colour_and_no_shading(seen):
    assert np.allclose(color(seen["unlit"]), [0.5, 0.2, 0.05], atol=0.03)
    inside = seen["unlit"].picture[0][SIZE // 2 - 8 : SIZE // 2 + 8, SIZE // 2 - 8 : SIZE // 2 + 8]
    assert inside.std(axis=(0, 1)).max() < 0.02
    assert inside[..., 0].mean() > inside[..., 1].mean() > inside[..., 2].mean()


def test_what_glows_is_brighter_by_its_strength(seen):
    green = {name: seen[name].picture[0][SIZE // 2, SIZE // 2, 1] for name in ("glowing", "glowing more")}
    assert 0.1 < green["glowing"] < green["glowing more"] - 0.15


def test_the_diffuse_colour_of_specular_glossiness_is_the_base_colour(seen):
    assert np.allclose(color(seen["glossiness"]), BLUE[:3], atol=0.06)


@pytest.mark.parametrize(("name", "without"), [("coated", "rough"), ("sheen", "rough"), ("brushed", "metal")])
def test_coats_sheen_and_brushed_metal_change_the_picture(seen, name, without):
    assert change(seen[name], seen[without]) > 0.003


@pytest.mark.parametrize(
    ("name", "without"),
    [("dispersing", "glass"), ("occluded", "plain"), ("shining through", "rough")],
)
def test_what_is_approximated_is_drawn_without(seen, name, without):
    assert change(seen[name], seen[without]) == 0


def test_iridescence_shimmers_where_blender_reads_it(seen):
    reads_it = "KHR_materials_iridescence" in SUPPORTED_EXTENSIONS
    assert (change(seen["iridescent"], seen["shiny"]) > 0.001) == reads_it


def test_a_volume_is_tinted(seen):
    middle = np.s_[SIZE // 2 - 6 : SIZE // 2 + 6, SIZE // 2 - 6 : SIZE // 2 + 6]
    plain, blue = (seen[name].picture[0][middle].mean(axis=(0, 1)) for name in ("glass", "blue glass"))
    assert blue[2] - blue[0] > plain[2] - plain[0] + 0.2


def test_the_weights_of_a_node_shape_its_mesh(seen):
    tall = {
        name: np.flatnonzero((seen[name].depth[0] < 1e9).any(axis=1)) for name in ("shape", "other shape")
    }
    wide = {
        name: np.flatnonzero((seen[name].depth[0] < 1e9).any(axis=0)) for name in ("shape", "other shape")
    }
    ratio = {name: np.ptp(tall[name]) / np.ptp(wide[name]) for name in tall}
    assert ratio["other shape"] > 1.5 * ratio["shape"]
