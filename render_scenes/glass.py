"""Glass: its colour deepens with the path of light through it, and it shows what stands behind it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from render_scenes import backdrop, materials

STEPS = 256  # greys by which a displayed colour is converted back to radiance
LEAST = 1e-3  # radiance of the darkest grey
MOST = 50.0  # radiance of the brightest grey
# excess of the index of refraction over 1: Cycles treats glass that bends no light as alpha, without colour
LEAST_BEND = 1e-3
FROSTED = 0.2  # roughness from which glass counts as frosted
DARKEST = 1e-4  # least value of an attenuation colour's channel
TWICE = 2.0  # exponent, because Cycles applies the root of the colour at each of the two surfaces
ROUNDS = 4  # rounds of correction, because the view transform mixes the channels


def materials_of(things: Sequence[Any]) -> list[Any]:
    """The transmissive materials of some objects, each once."""
    worn = {slot.material: None for thing in things if thing.type == "MESH" for slot in thing.material_slots}
    return [material for material in worn if materials.transmits(material)]


def tint(things: Sequence[Any], scale: float) -> None:
    """Set up glass as the file describes it, in a world where the file's lengths are multiplied by `scale`.

    With a volume (KHR_materials_volume), light is refracted, and white light has the attenuation colour after
    the attenuation distance. Without one, a surface is a thin sheet that reflects and colours light but does
    not refract it. Call this once for each import.
    """
    for material in materials_of(things):
        node = materials.principled(material)
        volume = next(
            (inner for inner in material.node_tree.nodes if inner.type == "VOLUME_ABSORPTION"), None
        )
        if volume is None:
            _make_thin(material, node)
        else:
            _absorb(material, node, volume, scale)
        if abs(node.inputs["IOR"].default_value - 1) < LEAST_BEND:
            node.inputs["IOR"].default_value = 1 + LEAST_BEND


def _make_thin(material: Any, node: Any) -> None:
    """Switch refraction off, and make the reflection at the surface a coat.

    Frosted glass stays solid, because without refraction it would be clear.
    """
    roughness = node.inputs["Roughness"]
    coat = node.inputs["Coat Weight"]
    if roughness.is_linked or roughness.default_value > FROSTED:
        return
    if not coat.is_linked and not coat.default_value:
        coat.default_value = 1.0
        node.inputs["Coat IOR"].default_value = node.inputs["IOR"].default_value
        node.inputs["Coat Roughness"].default_value = roughness.default_value
        if node.inputs["Normal"].is_linked:
            material.node_tree.links.new(
                node.inputs["Normal"].links[0].from_socket, node.inputs["Coat Normal"]
            )
    node.inputs["IOR"].default_value = 1 + LEAST_BEND


def _absorb(material: Any, node: Any, volume: Any, scale: float) -> None:
    """Colour light by the length of its path within, where it meets the surface from behind.

    Cycles' own volumes keep a list of the media that light is in. Where two parts touch or a mesh is open,
    light never leaves a medium, and everything behind is black.
    """
    nodes = material.node_tree.nodes
    links = material.node_tree.links
    for link in list(volume.outputs[0].links):
        links.remove(link)
    density = volume.inputs["Density"].default_value
    if not density > 0:
        return
    kept = np.clip(np.array(volume.inputs["Color"].default_value)[:3], DARKEST, 1.0)
    side = nodes.new("ShaderNodeNewGeometry")
    path = nodes.new("ShaderNodeLightPath")
    way, spread, lost = (
        nodes.new(kind) for kind in ("ShaderNodeMath", "ShaderNodeCombineXYZ", "ShaderNodeVectorMath")
    )
    way.operation = "MULTIPLY"
    lost.operation = "POWER"
    links.new(side.outputs["Backfacing"], way.inputs[0])
    scaled = nodes.new("ShaderNodeMath")
    scaled.operation = "MULTIPLY"
    links.new(path.outputs["Ray Length"], scaled.inputs[0])
    scaled.inputs[1].default_value = TWICE * density / scale
    links.new(scaled.outputs[0], way.inputs[1])
    for socket in spread.inputs:
        links.new(way.outputs[0], socket)
    lost.inputs[0].default_value = kept.tolist()
    links.new(spread.outputs[0], lost.inputs[1])
    _multiply_color(material, node, lost.outputs[0])


def _multiply_color(material: Any, node: Any, by: Any) -> None:
    """Multiply the base colour of a surface by the colour of another node's socket."""
    nodes = material.node_tree.nodes
    links = material.node_tree.links
    mix = nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    mix.blend_type = "MULTIPLY"
    color = node.inputs["Base Color"]
    share, first, second, result = _sockets_of_colors(mix)
    share.default_value = 1.0
    if color.is_linked:
        links.new(color.links[0].from_socket, first)
    else:
        first.default_value = tuple(color.default_value)
    links.new(by, second)
    links.new(result, color)


def _sockets_of_colors(mix: Any) -> tuple[Any, Any, Any, Any]:
    """The sockets for colours of a mix node: share, both inputs, result. Other types share their names."""
    first, second = (socket for socket in mix.inputs if socket.type == "RGBA")
    result = next(socket for socket in mix.outputs if socket.type == "RGBA")
    return mix.inputs[0], first, second, result


def radiance_of(rgb: Sequence[float], folder: Path) -> list[float]:
    """The radiance that the film displays as this colour (0..255 per channel)."""
    wanted = np.clip(np.asarray(rgb, dtype=np.float64), 1, 254)
    ramp = np.geomspace(LEAST, MOST, STEPS)
    grey = np.repeat(ramp[:, None], 3, axis=1)
    shown = np.maximum.accumulate(_displayed(grey, folder).mean(axis=1) + 1e-6 * np.arange(STEPS))

    def back(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(np.interp(values, shown, np.log(ramp))))

    radiance = back(wanted)
    for _ in range(ROUNDS):
        radiance = np.clip(radiance * back(wanted) / back(_displayed(radiance[None], folder)[0]), LEAST, MOST)
    return [float(value) for value in radiance]


def _displayed(linear: np.ndarray, folder: Path) -> np.ndarray:
    """(N, 3) radiances as the film shows them, 0..255."""
    pixels = np.ones((1, len(linear), 4), dtype=np.float32)
    pixels[0, :, :3] = linear
    return np.asarray(backdrop.hdri_as_displayed(pixels, 1.0, folder / "colours.png")[0], dtype=np.float64)
