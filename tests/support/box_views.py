"""Views of a box, what is seen of it, and the answers of kinds that draw a figure."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from support.kinds import options_of
from support.painted_box import HALF, SIZE, K, camera, cast, on_sphere
from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig
from viewpoint100k.drawing import RGB
from viewpoint100k.geometry.points import landmarks, track
from viewpoint100k.geometry.visibility import merge, surface
from viewpoint100k.questions import KINDS
from viewpoint100k.records import Decidability, Question, Seen, SurfacePoint, View

GATES = GateConfig()
BY_NAME = {kind.type: kind for kind in KINDS}
SURE = Decidability(**dict.fromkeys(Decidability.model_fields, 1.0))


def looking(azimuth_deg, elevation_deg=20.0, distance=2.0):
    """A camera on a sphere that looks at the middle; from azimuth -90, which is south, it looks north."""
    return camera(on_sphere(azimuth_deg, elevation_deg, distance), -90 - azimuth_deg, -elevation_deg)


SOUTH = looking(-90)
EAST_OF_IT = looking(-50)
WEST_OF_IT = looking(-130)
FAR_EAST = looking(-15)
FAR_WEST = looking(-165)


def view(pose, background="plain", k=K):
    size = 2 * k[0][2]
    return View(
        intrinsics=np.asarray(k).tolist(),
        world_from_camera=pose.tolist(),
        hfov_deg=float(np.degrees(2 * np.arctan(k[0][2] / k[0][0]))),
        object_box=[0.2 * size, 0.2 * size, 0.8 * size, 0.8 * size],
        object_share=0.2,
        light="studio/world",
        background=background,
    )


SHARED = np.full((2, 2), 0.5).tolist()


def known(
    first,
    second,
    *more,
    seen=None,
    decidability=SURE,
    shared=0.5,
    lights=("studio/world", "city/world"),
    **how,
):
    views = [view(pose, **how) for pose in (first, second, *more)]
    views[:2] = [one.model_copy(update={"light": light}) for one, light in zip(views, lights, strict=False)]
    truth = make_truth(views[0], views[1], shared, None)
    return SimpleNamespace(
        views=views,
        truth=truth,
        decidability=decidability,
        seen=seen or Seen(covisible_fraction=SHARED),
        scene=None,
    )


def answer(name, what, figure=None):
    """The right option in words, None where it is not asked."""
    kind = BY_NAME[name]
    solved = kind.solve(what, figure or kind.draw(what, GATES, np.random.default_rng(0)), GATES)
    return None if solved is None else options_of(kind)[solved.fact.option]


def tracked_by(first, second, count, size=SIZE):
    captures = cast(first, size=size), cast(second, size=size)
    return track([captures], [merge(landmarks(captures, [surface(one) for one in captures], count))])[0]


def inside_box(points):
    return (np.abs(points) <= HALF - 1e-6).all(axis=-1)


def sees(pose, point):
    """Whether the line from the camera to a point meets nothing of the box before: by walking along it."""
    steps = np.linspace(0, 1, 4000)[:-12, None]
    return not inside_box(pose[:3, 3] * (1 - steps) + point * steps).any()


def question(**more):
    fields = {
        "id": "a-b-c", "type": "t", "tier": "B", "frame": "f", "images": [0, 1], "prompt": "?", "options": ["a", "b"],
        "answer_index": 0, "answer": "A", "answer_form": "letter", "template": "t", "margin": 1.0, "decidability": 1.0,
    }  # fmt: skip
    return Question(**{**fields, **more})


PLAIN = [Image.new("RGB", (256, 256), (10, 10, 10)), Image.new("RGB", (256, 256), (20, 20, 20))]


def is_colour(picture, x, y, colour):
    return np.abs(np.array(picture.getpixel((round(x), round(y))), dtype=int) - RGB[colour]).max() < 30


def seen_of_box(second=EAST_OF_IT, first=SOUTH):
    tracked = tracked_by(first, second, 16)
    words = {1: "yes", -1: "no", 0: "unclear"}
    points = [
        SurfacePoint(
            world=tracked.points[i].tolist(),
            pixels=tracked.pixels[:, i].tolist(),
            visible=[words[int(state)] for state in tracked.visible[:, i]],
            albedo=tracked.albedo[i].tolist(),
        )
        for i in range(len(tracked.points))
    ]
    return Seen(points=points, covisible_fraction=SHARED)


def few_pixels(what, count, number=1):
    """The same, with the object covering so many pixels of one picture."""
    views = list(what.views)
    views[number] = views[number].model_copy(update={"object_share": count / SIZE**2})
    return SimpleNamespace(**{**vars(what), "views": views})


def a_set(*azimuths_deg, shared=0.5, different=0.3, other=None, elevations=None):
    poses = [
        looking(-90 + a, e) for a, e in zip(azimuths_deg, elevations or [20] * len(azimuths_deg), strict=True)
    ]
    n = len(poses)
    tables = {
        "covisible_fraction": np.full((n, n), shared).tolist(),
        "difference": np.full((n, n), different).tolist(),
    }
    return known(
        *poses, seen=Seen(**tables, other_side=[0.0] + [different if other is None else other] * (n - 1))
    )
