"""Samples and questions as they are published, from what a test has at hand; unchecked where it has only parts."""

import numpy as np

from support.audit_sets import FOCAL_PX, SIZE_PX, make_view, pose
from viewpoint100k.proof import answer, problems_of_chain
from viewpoint100k.records import Decidability, Question, Sample, Seen, SurfacePoint, Truth

CLEAR = Decidability(**dict.fromkeys(Decidability.model_fields, 0.3))
RADIUS = 0.45  # of the ball that hand-made views show


# --- views by hand -----------------------------------------------------------------------------------


def view_at(azimuth_deg, elevation_deg=0.0, distance=3.0, *, turned_deg=(0.0, 0.0, 0.0), zoom=1.0):
    """A ball about the origin, seen from there.

    Args:
        turned_deg: how far to the right, up and clockwise the camera is turned from looking at the origin.
    """
    a, e = np.radians([azimuth_deg, elevation_deg])
    place = distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    right, up, clockwise = turned_deg
    return view_from(place, (-90 - azimuth_deg + right, up - elevation_deg, clockwise), zoom)


def view_from(place, angles_deg=(0.0, 0.0, 0.0), zoom=1.0, background="plain"):
    """The same from a place, by the camera's heading (clockwise from north), tilt and roll."""
    camera = pose(np.array(place, dtype=float), *angles_deg)
    own = -camera[:3, 3] @ camera[:3, :3]
    x, y = own[:2] / own[2] * FOCAL_PX * zoom + SIZE_PX / 2
    half = RADIUS / np.linalg.norm(camera[:3, 3]) * FOCAL_PX * zoom
    share = np.pi * (half / SIZE_PX) ** 2
    box = [x - half, y - half, x + half, y + half]
    return make_view(camera, box, float(share), zoom=zoom, background=background)


# --- samples and questions ---------------------------------------------------------------------------


def sample_of(views, *, truth=None, front_azimuth_deg=None, seen=None, scene=None):
    """A sample with these views; what is not given is not known."""
    truth = truth or Truth.model_construct(front_azimuth_deg=front_azimuth_deg, covisible_fraction=0.5)
    return Sample.model_construct(
        views=list(views),
        truth=truth,
        decidability=CLEAR,
        decidability_reversed=CLEAR,
        seen=seen or Seen(),
        scene=scene,
        questions=[],
    )


def question_of(kind, options=(), right="", **fields):
    """A question with this answer: the words of an option, or a number of degrees where there are no options."""
    kind_type, frame = kind.split("/")
    options = list(options) or ([] if right.isdigit() else [right])
    drawn = {"images": [0, 1], "prompt": "", "marks": [], "mirrored": [], "map_cameras": [], "parts": []}
    return Question.model_construct(
        id=f"train-00000-00000-{kind_type}-{frame}",
        type=kind_type,
        frame=frame,
        tier="B",
        options=options,
        answer_index=options.index(right) if right in options else len(options[:1]) - 1,
        value=None if options else float(right),
        **(drawn | fields),
    )


def figure_fields(figure):
    """The fields of a question that hold a figure."""
    if figure is None:
        return {}
    names = ("images", "marks", "mirrored", "map_cameras", "parts")
    return {name: list(getattr(figure, name)) for name in names}


# --- what the proofs say -----------------------------------------------------------------------------


def proven(kind, sample, gates=None, **fields):
    """The words of the right answer, the number where one is asked for; None where the question must not be asked."""
    found = answer(sample, question_of(kind, **fields), gates)
    if isinstance(found, str) or found.label.margin < 1:
        return None
    return found.label.words if found.label.value is None else found.label.value


def refusals(text, kind, sample, right, options=(), **fields):
    """What the proof has against a chain of thought."""
    question = question_of(kind, options or [right, "something else"], right, chain_of_thought=text, **fields)
    return problems_of_chain(sample, question)


def chain_problems(
    text, kind, shown, options, right, front_azimuth_deg=None, seen=None, figure=None, prompt=""
):
    """What the proof has against a chain of thought about an object.

    Args:
        shown: the views that the question shows, in order.
    """
    images = figure.images if figure else (0, 1)
    views = [shown[0]] * (max(images) + 1)
    for number, view in zip(images, shown, strict=False):
        views[number] = view
    sample = sample_of(views, front_azimuth_deg=front_azimuth_deg, seen=seen)
    return problems_of_chain(
        sample,
        question_of(kind, options, right, chain_of_thought=text, prompt=prompt, **figure_fields(figure)),
    )


def scene_chain_problems(text, kind, sample, figure, options, right, prompt=""):
    """The same of a scene."""
    fields = figure_fields(figure) | {"prompt": prompt}
    return problems_of_chain(sample, question_of(kind, options, right, chain_of_thought=text, **fields))


# --- what is stored beside views ---------------------------------------------------------------------


def point_at(world, views, visible):
    """A point of the surface, with where both views of a pair have it."""
    pixels = []
    for view in views:
        camera = np.array(view.world_from_camera)
        own = (np.array(world) - camera[:3, 3]) @ camera[:3, :3]
        k = np.array(view.intrinsics)
        pixels.append((own[:2] / own[2] * [k[0, 0], k[1, 1]] + [k[0, 2], k[1, 2]]).tolist())
    return SurfacePoint.model_construct(
        world=list(world), pixels=pixels, visible=list(visible), albedo=[0.5] * 3
    )


def set_seen(count):
    """What is stored of a set of views which all differ, and all share surface."""
    others = 1 - np.eye(count)
    return Seen(
        covisible_fraction=(0.5 * others + np.eye(count)).tolist(),
        difference=(0.3 * others).tolist(),
        other_side=[0.3] * count,
    )
