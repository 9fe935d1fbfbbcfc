"""Takes Cycles' render passes from memory as they are handed to Blender, without a file in between.

In background mode there is no other way to numpy: `Render Result` has no pixels, and the compositor's File
Output costs more than a small render. But Cycles in Blender is a `RenderEngine` written in Python, and such
engines can read their results.
"""

from typing import Any

import cycles
import numpy as np

NAMES = ("Combined", "Depth", "Object Index", "Denoising Albedo")
NOTHING = 1e10  # Blender's depth where there is no object

_latest: dict[str, np.ndarray] = {}


def listen() -> None:
    """Keep the passes of each render, from now on, until `take` or the next render."""
    render = cycles.CyclesRender.render

    def render_and_keep(engine: Any, depsgraph: Any) -> None:
        _latest.clear()  # so that the passes of an earlier render cannot be taken for those of a failed one
        render(engine, depsgraph)
        result = engine.get_result()
        shape = (result.resolution_y, result.resolution_x)
        for rendered in result.layers[0].passes:
            if rendered.name in NAMES:
                pixels = np.empty((*shape, rendered.channels), dtype=np.float32)
                rendered.rect.foreach_get(pixels.ravel())
                _latest[rendered.name] = pixels[::-1]

    cycles.CyclesRender.render = render_and_keep


def take() -> dict[str, np.ndarray]:
    """The passes of the latest render, each (H, W, channels) float32, first row at the top."""
    taken = dict(_latest)
    _latest.clear()
    return taken


def end_session(scene: Any) -> None:
    """Make Cycles drop the scene that it keeps between renders."""
    scene.render.use_persistent_data = False
    scene.render.use_persistent_data = True


def depth_and_albedo(passes: dict[str, np.ndarray], index: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth and albedo of everything whose object index is at least `index`.

    Returns:
        (H, W) float32 planar z, `NOTHING` elsewhere, and (H, W, 3) float16 in [0, 1], black elsewhere.
    """
    there = passes["Object Index"][..., 0] >= index
    depth = np.where(there, passes["Depth"][..., 0], np.float32(NOTHING))
    albedo = np.clip(passes["Denoising Albedo"], 0, 1).astype(np.float16)
    albedo[depth >= 1e9] = 0  # at the outline it is mixed with the background
    return depth, albedo
