"""The only module that converts between OpenCV's camera axes and Blender's.

OpenCV has x right, y down and z forward; Blender has x right, y up and z back.
"""

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from render_scenes.protocol import Camera

OPENCV_FROM_BLENDER = np.diag([1.0, -1.0, -1.0, 1.0])  # its own inverse


def place(camera: Any, world_from_camera: list[list[float]], hfov_deg: float) -> None:
    """Set Blender's camera to an OpenCV pose and a horizontal field of view."""
    camera.matrix_world = Matrix((np.asarray(world_from_camera) @ OPENCV_FROM_BLENDER).tolist())
    camera.data.sensor_fit = "HORIZONTAL"
    camera.data.angle = np.radians(hfov_deg)


def read_back(camera: Any) -> Camera:
    """The extrinsics and intrinsics that Blender really uses; all truth of a pair is computed from these."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    evaluated = camera.evaluated_get(depsgraph)
    render = bpy.context.scene.render
    width = render.resolution_x
    height = render.resolution_y
    clip_from_camera = np.array(evaluated.calc_matrix_camera(depsgraph, x=width, y=height), dtype=np.float64)
    focal_x = 0.5 * width * clip_from_camera[0, 0]
    focal_y = 0.5 * height * clip_from_camera[1, 1]
    center_x = 0.5 * width * (1 - clip_from_camera[0, 2])
    center_y = 0.5 * height * (1 + clip_from_camera[1, 2])
    return Camera(
        world_from_camera=(np.array(evaluated.matrix_world, dtype=np.float64) @ OPENCV_FROM_BLENDER).tolist(),
        intrinsics=[[focal_x, 0.0, center_x], [0.0, focal_y, center_y], [0.0, 0.0, 1.0]],
        hfov_deg=float(np.degrees(2 * np.arctan(0.5 * width / focal_x))),
    )
