"""What shines through: colour that grows with the way through glass, and what stands behind it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from render_scenes import backdrop, surfaces

STEPS = 256  # of grey, by which a colour as displayed is brought back to radiance
LEAST, MOST = 1e-3, 50.0  # radiance of the darkest and of the lightest
LEAST_BEND = 1e-3  # of the index of refraction: what bends no light at all is alpha to Cycles, which has no colour
ROUNDS = 4  # of correction, for the view transform mixes the channels


def materials_of(things: Sequence[Any]) -> list[Any]:
    """Those that light goes through, each once."""
    worn = {slot.material: None for thing in things if thing.type == "MESH" for slot in thing.material_slots}
    return [one for one in worn if surfaces.transmits(one)]


def tint(things: Sequence[Any], scale: float) -> None:
    """Colour glass as KHR_materials_volume has it, in a world in which the file's lengths are so many times as long.

    After the attenuation distance d, white light has the attenuation colour: it is lost at the rate -ln(colour) / d per
    length. The importer has 1 - colour and the lengths of the file. Called once for each import.
    """
    for material in materials_of(things):
        for node in material.node_tree.nodes:
            if node.type == "BSDF_PRINCIPLED" and abs(node.inputs["IOR"].default_value - 1) < LEAST_BEND:
                node.inputs["IOR"].default_value = 1 + LEAST_BEND
            if node.type == "VOLUME_ABSORPTION" and node.inputs["Density"].default_value > 0:
                color = np.array(node.inputs["Color"].default_value)[:3]
                lost = -np.log(np.clip(color, 1e-4, 1.0))
                most = float(lost.max())
                node.inputs["Density"].default_value *= most / scale
                node.inputs["Color"].default_value = (*(1 - lost / max(most, 1e-9)), 1.0)


def radiance_of(rgb: Sequence[float], folder: Path) -> list[float]:
    """What the film must see to show this colour, 0..255 each."""
    wanted = np.clip(np.asarray(rgb, dtype=np.float64), 1, 254)
    ramp = np.geomspace(LEAST, MOST, STEPS)
    grey = np.repeat(ramp[:, None], 3, axis=1)
    shown = np.maximum.accumulate(_displayed(grey, folder).mean(axis=1) + 1e-6 * np.arange(STEPS))

    def back(values: np.ndarray) -> np.ndarray:
        return np.exp(np.interp(values, shown, np.log(ramp)))

    found = back(wanted)
    for _ in range(ROUNDS):
        found = np.clip(found * back(wanted) / back(_displayed(found[None], folder)[0]), LEAST, MOST)
    return [float(value) for value in found]


def _displayed(linear: np.ndarray, folder: Path) -> np.ndarray:
    """(N, 3) radiances as the film shows them, 0..255."""
    pixels = np.ones((1, len(linear), 4), dtype=np.float32)
    pixels[0, :, :3] = linear
    return backdrop.hdri_as_displayed(pixels, 1.0, folder / "colours.png")[0].astype(np.float64)
