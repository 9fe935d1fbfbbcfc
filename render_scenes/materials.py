"""Classifies imported materials as viewers of glTF show them."""

from typing import Any

import numpy as np

DARK = 0.15  # greatest mean colour of a picture of a shadow, 0..1, weighted by alpha
VEIL = 0.2  # share of a picture's visible pixels that are half-transparent: more than the edges of leaves


def is_single_sided(material: Any) -> bool:
    """Whether only the front is drawn. Glass always has two sides: light leaves it through its back."""
    if material is None:
        return True  # the default of glTF
    return bool(material.use_backface_culling) and not transmits(material)


def principled(material: Any) -> Any:
    return next((node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"), None)


def transmits(material: Any) -> bool:
    node = None if material is None else principled(material)
    socket = None if node is None else node.inputs["Transmission Weight"]
    return socket is not None and (socket.is_linked or socket.default_value > 0)


def is_opaque(material: Any) -> bool:
    """Whether a material is neither blended, nor cut out, nor glass."""
    if material is None:
        return True
    node = principled(material)
    if node is None:  # an unlit material: one mix node for the type of ray, another for alpha
        return bool(sum(inner.type == "MIX_SHADER" for inner in material.node_tree.nodes) < 2)
    alpha = node.inputs["Alpha"]
    return not alpha.is_linked and alpha.default_value >= 1 and not transmits(material)


def is_veil(material: Any) -> bool:
    """Whether a material is blended so that something shows through much of it: not just cut-out leaves."""
    if (
        material is None
        or material.surface_render_method != "BLENDED"
        or is_opaque(material)
        or transmits(material)
    ):
        return False
    images = {
        node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image is not None
    }
    alphas = [
        pixels[:, 3] for pixels in map(_pixels, images) if pixels.shape[1] == 4 and pixels[:, 3].min() < 1
    ]
    if not alphas:
        return True
    return any(float(((alpha > 0.1) & (alpha < 0.9)).sum()) > VEIL * (alpha > 0.1).sum() for alpha in alphas)


def _pixels(image: Any) -> np.ndarray:
    """(N, channels) pixels in 0..1."""
    pixels = np.empty(len(image.pixels), dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(-1, image.channels)


def is_dark_blend(material: Any) -> bool:
    if (
        material is None
        or material.surface_render_method != "BLENDED"
        or is_opaque(material)
        or transmits(material)
    ):
        return False
    images = [
        node for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image is not None
    ]
    if not images:
        return bool(max(material.diffuse_color[:3]) < DARK)
    node = principled(material)
    if node is not None and not node.inputs["Base Color"].is_linked:
        return bool(max(list(node.inputs["Base Color"].default_value)[:3]) < DARK)
    if len({inner.image for inner in images}) != 1:
        return False
    rgba = _pixels(images[0].image)
    if rgba.shape[1] != 4 or not rgba[:, 3].sum():
        return False
    return bool(np.average(rgba[:, :3].max(axis=1), weights=rgba[:, 3]) < DARK)
