"""Pairs of views whose motion a person can act out, and what may be asked of them."""

import numpy as np

from support.kinds import options_of
from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.questions import facts_of
from viewpoint100k.records import Decidability, View

GATES = GateConfig()
# it stands at -Y and looks north, so that east is on its right
SOUTH = np.array([[1.0, 0, 0, 0], [0, 0, 1, -3], [0, -1, 0, 0], [0, 0, 0, 1]])
EGO = "ego_translation/camera_1"
FACING = "object_translation/object_facing_camera_1"
ABOVE = "object_translation/seen_from_above"
TURN = "ego_rotation/camera_1"
FRONT = "object_translation/object_front"
PITCH = "pitch/camera_1"
ROLL = "roll/behind_camera_1"
VERTICAL = "vertical_translation/camera_1"
FORWARD = "forward_translation/camera_1"
BOTH = "combined_translation/camera_1"
WHICH = "which_motion/camera_1"
NEXT = "next_action/camera_1"
POSE = "relative_pose/camera_1"
ANGLE = "angle/around_object"
NUMBER = "angle_number/around_object"
WAY = "signed_angle/seen_from_above"
DISTANCE = "distance/object"
ELEVATION = "elevation/object"


def view(world_from_camera, hfov_deg=60.0, box=(24, 24, 40, 40), share=0.06, size_px=64):
    focal_px = 0.5 * size_px / np.tan(np.radians(0.5 * hfov_deg))
    return View(
        intrinsics=[[focal_px, 0, size_px / 2], [0, focal_px, size_px / 2], [0, 0, 1]],
        world_from_camera=np.asarray(world_from_camera).tolist(),
        hfov_deg=hfov_deg,
        object_box=[float(v) for v in box],
        object_share=share,
        light="studio/world",
        background="plain",
    )


def certain(value=1.0, **less):
    return Decidability(**{name: less.get(name, value) for name in Decidability.model_fields})


def truth(second, first=SOUTH, front=None, shared=0.5, zoom_in=1.0):
    """Of two cameras; `zoom_in`: ratio of the focal lengths."""
    hfov_deg = np.degrees(2 * np.arctan(np.tan(np.radians(30)) / zoom_in))
    return make_truth(view(first), view(second, hfov_deg), shared, front)


def answers(second, first=SOUTH, decidability=None, **more):
    """The right option of every kind that may be asked."""
    found = facts_of(truth(second, first, **more), decidability or certain(), GATES)
    return {one.kind.name: options_of(one.kind)[one.fact.option] for one in found if one.kind.options}


def camera(east=0.0, north=-3.0, height=0.0, bearing_deg=0.0, pitch_deg=0.0, roll_deg=0.0):
    """A camera at a place on the map, its heading clockwise from north, written out by hand."""
    b, p, r = np.radians([bearing_deg, pitch_deg, roll_deg])
    ahead = np.array([np.sin(b) * np.cos(p), np.cos(b) * np.cos(p), np.sin(p)])
    aside = np.array([np.cos(b), -np.sin(b), 0])
    overhead = np.cross(aside, ahead)
    out = np.eye(4)
    out[:3, 0] = np.cos(r) * aside - np.sin(r) * overhead  # clockwise from behind: the right hand sinks
    out[:3, 1] = -np.cos(r) * overhead - np.sin(r) * aside
    out[:3, 2] = ahead
    out[:3, 3] = [east, north, height]
    return out
