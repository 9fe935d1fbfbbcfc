"""Probes whether every pair is within the run's own bounds, and every picture shows its object."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from viewpoint100k.audit.report import Probe, all_of
from viewpoint100k.audit.samples import Item, Samples
from viewpoint100k.config import GateConfig
from viewpoint100k.proof import answer, known
from viewpoint100k.proof.judging import apart, undecidable
from viewpoint100k.proof.measure import Pair
from viewpoint100k.records import OBJECT_RADIUS, Photographed, View

BLACK = 0.01  # mean luminance of an object's box, 0..1
WHITE = 0.99
FLAT = 0.006  # standard deviation in the box: less than this counts as a single colour
SLACK_PX = 3.0  # tolerance of a box, for antialiased edges and JPEG
SIZE_KINDS = ("angle", "angle_number", "signed_angle", "mirrored")


def covisibility(samples: Samples) -> Probe:
    """The two pictures of a pair share enough of the object: with too little, the answer is a guess."""
    gates = samples.gates
    problems = []
    n = 0
    for item in samples.items:
        n += 1
        if len(item.sample.views) > 2:
            problems += [(item.key, what) for what in _pairs_without_shared_surface(item, gates)]
            continue
        shared = item.sample.truth.covisible_fraction
        if item.sample.photographed is not None:  # only matched points are known, so this is a lower bound
            problems += [(item.key, what) for what in _unsupported(item.sample.photographed)]
        elif not shared >= gates.min_covisible_fraction:
            problems.append(
                (
                    item.key,
                    f"the views share {shared:.3f} of the surface, less than {gates.min_covisible_fraction}",
                )
            )
        if shared < gates.min_covisible_for_size:
            asked = [question.type for question in item.sample.questions if question.type in SIZE_KINDS]
            if asked:
                problems.append((item.key, f"{asked[0]} is asked, and the views share only {shared:.3f}"))
    return all_of("covisibility", "surface seen in both views, against the run's own gates", n, problems)


def _unsupported(photographed: Photographed) -> Iterator[str]:
    """Two photographs must have matches, more of which fit the stated motion than its mirror image."""
    if not (photographed.matches and photographed.stated_share > photographed.mirrored_share):
        yield (
            f"{photographed.matches} matches; {photographed.stated_share:.2f} of them fit the stated motion, "
            f"{photographed.mirrored_share:.2f} its mirror image"
        )


def _pairs_without_shared_surface(item: Item, gates: GateConfig) -> Iterator[str]:
    """In a set, two views must share surface if a question is about the way from one to the other."""
    for question in item.sample.questions:
        kind = f"{question.type}/{question.frame}"
        proven = answer(item.sample, question, gates) if known(kind) else ""
        if not isinstance(proven, str):  # other faults are for other probes
            yield from (f"{kind}: {what}" for what in apart(item.sample, proven, gates))


def decidability(samples: Samples) -> Probe:
    """Every wrong answer must imply a visibly different picture."""
    problems = []
    values = []
    for every in samples.asked().values():
        for asked in every:
            measured = asked.item.sample.proof == "depth"
            if measured:
                values.append(asked.question.decidability)
            proven = answer(asked.item.sample, asked.question, samples.gates) if known(asked.kind) else None
            if what := undecidable(asked.question, proven, samples.gates, measured=measured):
                problems.append((asked.item.key, f"{asked.kind}: {what}"))
    detail = {"lowest": min(values), "median": float(np.median(values))} if values else None
    what = "how different the picture would be under a wrong answer, against the run's own gate"
    return all_of("decidability", what, len(values) or len(problems), problems, detail=detail)


def pictures(samples: Samples) -> Probe:
    """No picture is empty, black, white or flat, and no object too small to see."""
    problems = []
    n = 0
    for item in samples.items:
        for number, (look, view) in enumerate(zip(item.looks, item.sample.views, strict=False)):
            n += 1
            wanted = (round(2 * view.intrinsics[0][2]), round(2 * view.intrinsics[1][2]))
            what = look.problem
            if not what and look.size != wanted:
                what = f"is {look.size} pixels; its intrinsics say {wanted}"
            if not what and look.box_contrast < FLAT:
                what = f"is {_one_colour(look.box_luminance)} where the object is"
            if not what and not BLACK <= look.box_luminance <= WHITE:
                what = f"has luminance {look.box_luminance:.3f} where the object is"
            if not what and view.object_share < samples.gates.min_object_share:
                what = f"shows an object that covers {view.object_share:.4f} of it"
            if what:
                problems.append((item.key, f"view {number} {what}"))
    return all_of(
        "pictures",
        "every picture decodes, is neither black, white nor flat, and shows the object",
        n,
        problems,
    )


def boxes(samples: Samples) -> Probe:
    """The object's box must lie within the projected bounding sphere: else pose and picture disagree."""
    problems = []
    n = 0
    for item in samples.items:
        for number, view in enumerate(item.sample.views):
            n += 1
            if what := _box_problem(view):
                problems.append((item.key, f"view {number}: {what}"))
    what = "each object's box lies inside the picture and inside its sphere as the pose projects it"
    return all_of("boxes", what, n, problems)


def _box_problem(view: View) -> str:
    pose = np.array(view.world_from_camera)
    intrinsics = np.array(view.intrinsics)
    width = 2 * intrinsics[0, 2]
    height = 2 * intrinsics[1, 2]
    left, top, right, bottom = view.object_box
    if not (-1 <= left < right <= width + 1 and -1 <= top < bottom <= height + 1):
        return f"the box {view.object_box} is not inside {width:.0f} x {height:.0f} pixels"
    if view.object_share > (right - left) * (bottom - top) / (width * height) * 1.02 + 1e-4:
        return f"the object covers {view.object_share:.3f} of the picture, more than its box"
    centre = -pose[:3, 3] @ pose[:3, :3]  # the world's origin, in camera axes
    for axis, (low, high) in enumerate(((left, right), (top, bottom))):
        across = centre[axis]
        along = centre[2]
        away = np.hypot(across, along)
        if away <= OBJECT_RADIUS:
            continue
        middle = np.arctan2(across, along)
        half = np.arcsin(OBJECT_RADIUS / away)
        if abs(middle) + half >= np.pi / 2:
            continue  # the projection of a sphere that reaches beside the camera is unbounded
        edges = intrinsics[axis, axis] * np.tan([middle - half, middle + half]) + intrinsics[axis, 2]
        if low < edges[0] - SLACK_PX or high > edges[1] + SLACK_PX:
            name = ("columns", "rows")[axis]
            within = f"{edges[0]:.0f} to {edges[1]:.0f}"
            return f"the box covers {name} {low:.0f} to {high:.0f}; the pose has the object within {within}"
    return ""


def same_picture(samples: Samples) -> Probe:
    """Two views must not be the same picture if the camera moved between them."""
    problems = []
    n = 0
    for item in samples.items:
        for first, second in combinations(range(len(item.sample.views)), 2):
            n += 1
            if _is_one(item, first, second):
                problems.append((item.key, f"its views {first} and {second} are one and the same picture"))
    return all_of("same_picture", "two pictures of an object differ where the camera moved", n, problems)


def _is_one(item: Item, first: int, second: int) -> bool:
    looks = item.looks[first], item.looks[second]
    if looks[0].problem or looks[1].problem:
        return False
    moved = Pair(item.sample.views[first], item.sample.views[second])
    steps = (moved.right, moved.up, moved.forward)
    still = max(map(abs, steps)) < 0.02 and moved.rotation_deg < 1 and abs(moved.focal_ratio - 1) < 0.02
    return not still and bool((looks[0].small == looks[1].small).all())


def _one_colour(luminance: float) -> str:
    """Words for a picture without contrast."""
    if luminance < BLACK:
        return "black"
    return "white" if luminance > WHITE else "one colour"
