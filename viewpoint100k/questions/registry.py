"""All kinds of questions.

Their order is part of what a seed determines: kinds that draw a figure take from one stream of random
numbers, in this order. A new kind goes to the end.
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from viewpoint100k.questions import kinds
from viewpoint100k.questions.kind import DrawnKind, Kind, PairKind
from viewpoint100k.questions.kinds import scene

ORDER = (
    "ego_translation/camera_1",
    "object_translation/object_facing_camera_1",
    "object_translation/object_front",
    "object_translation/seen_from_above",
    "ego_rotation/camera_1",
    "vertical_translation/camera_1",
    "forward_translation/camera_1",
    "combined_translation/camera_1",
    "pitch/camera_1",
    "roll/behind_camera_1",
    "which_motion/camera_1",
    "next_action/camera_1",
    "angle/around_object",
    "angle_number/around_object",
    "signed_angle/seen_from_above",
    "distance/object",
    "elevation/object",
    "relative_pose/camera_1",
    "marked_point/image_2",
    "covisible_point/image_2",
    "camera_on_map/seen_from_above",
    "revealed_side/object_front",
    "mirrored/object",
    "zoom_or_dolly/camera_1",
    "which_view/around_object",
    "order/around_object",
    "composed_angle/seen_from_above",
    "side_of/camera",
    "front_of/camera",
    "closer/camera",
    "taller/scene",
    "count/camera",
    "nearer_to/scene",
    "faces/camera",
    "facing/objects",
    "perspective/object",
    "turn_to_face/object",
    "side_after/camera",
    "closer_after/camera",
    "hops/camera",
    "hides/camera",
    "what_moved/scene",
    "changed_object/scene",
    "seen_in/images",
    "nearest_of_three/object",
    "highest_of_three/object",
    "furthest_of_three/around_object",
)


def files_of_kinds() -> Iterator[ModuleType]:
    """The modules that hold kinds, each in a tuple `KINDS`."""
    for package in (kinds, scene):
        for found in iter_modules(package.__path__):
            if not found.ispkg:
                yield import_module(f"{package.__name__}.{found.name}")


FILES: dict[str, ModuleType] = {kind.name: file for file in files_of_kinds() for kind in file.KINDS}
BY_NAME: dict[str, Kind] = {kind.name: kind for file in files_of_kinds() for kind in file.KINDS}
KINDS: tuple[Kind, ...] = tuple(BY_NAME[name] for name in ORDER)
PAIR_KINDS: tuple[PairKind, ...] = tuple(kind for kind in KINDS if isinstance(kind, PairKind))
DRAWN_KINDS: tuple[DrawnKind, ...] = tuple(kind for kind in KINDS if isinstance(kind, DrawnKind))
