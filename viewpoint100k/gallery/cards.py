"""One sample as the page shows it: plain data that becomes JSON.

The page makes elements of it, and texts stay texts.
"""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from viewpoint100k.drawing import draws, shown
from viewpoint100k.errors import InputError
from viewpoint100k.gallery.plans import Plan, draw_side, draw_top
from viewpoint100k.geometry.cameras import project
from viewpoint100k.records import Question, Sample, Scene, Truth, View, matrix
from viewpoint100k.scoring import LETTERS
from viewpoint100k.shards import StoredSample, decode

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_PX = 320  # as large as a card shows it
FIGURE_PX = 200  # of a question's own pictures
IMAGE_QUALITY = 80  # a picture of 320 px takes about 10 kB


def make_card(stored: StoredSample) -> dict[str, Any]:
    """What the page needs of one sample, ready for JSON. Places in pictures are shares of their width and
    height.

    Raises:
        InputError: a picture is missing or cannot be read; names the sample.
    """
    key, sample, images = stored
    if not images or len(images) != len(sample.views):
        raise InputError(
            f"sample {key!r} has {len(images)} pictures and {len(sample.views)} views; expected one each"
        )
    pictures = [_decoded(image, key, number) for number, image in enumerate(images)]
    sizes = [picture.size for picture in pictures]
    thing = sample.object
    return {
        "key": key,
        "title": thing.title or thing.uid,
        "link": web_link(thing.source_url),
        "credit": f"{thing.category} · by {thing.author} · {thing.licence}",
        "uid": thing.uid,
        "family": sample.family,
        "split": sample.split,
        "pictures": [_small(picture, IMAGE_PX)._asdict() for picture in pictures],
        "boxes": [_shares(view.object_box, size) for view, size in zip(sample.views, sizes, strict=True)],
        "parts": parts(sample, sizes),
        "points": points(sample, sizes),
        "covisible": sample.truth.covisible_fraction,
        "cameras": [_camera(view) for view in sample.views],
        "front_azimuth_deg": sample.truth.front_azimuth_deg,
        "plans": {
            "top": _plan(draw_top(sample.views, sample.truth.front_azimuth_deg)),
            "side": _plan(draw_side(sample.views)),
        },
        "numbers": {
            name: [list(row) for row in rows]
            for name, rows in (numbers(sample.truth, sample.views) | of_scene(sample.scene)).items()
        },
        "questions": [_question(question, pictures) for question in sample.questions],
    }


def web_link(url: str) -> str | None:
    """The address if it leads to the web and nowhere else: a stranger's `javascript:` gets no link."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in {"http", "https"} and parts.netloc else None


# --- pictures --------------------------------------------------------------------------------------


class SmallImage(NamedTuple):
    jpeg: str  # base64
    width: int
    height: int


def _decoded(image: bytes, key: str, number: int) -> "Image":
    try:
        return decode(image, f"view_{number}.jpg")
    except InputError as error:
        raise InputError(f"sample {key!r}: {error}; run `viewpoint100k validate`") from error


def _small(picture: "Image", side_px: int) -> SmallImage:
    from PIL import Image

    out = io.BytesIO()
    picture = picture.copy()
    picture.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    picture.save(out, "JPEG", quality=IMAGE_QUALITY, optimize=True)
    return SmallImage(base64.b64encode(out.getvalue()).decode(), *picture.size)


def _shares(pixels: Sequence[float], size: tuple[int, int]) -> list[float]:
    """x, y, x, y, ... over the width and the height."""
    return [round(value / size[i % 2], 4) for i, value in enumerate(pixels)]


def points(sample: Sample, sizes: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """The stored points of the surface with their depth (planar: along the optical axis) in the first two
    views.

    Shards keep no depth; a point's place and a pose give it exactly.
    """
    stored = sample.seen.points
    if not stored:
        return []
    world = np.array([point.world for point in stored])
    depths = [
        project(world, matrix(view.world_from_camera), matrix(view.intrinsics))[1]
        for view in sample.views[:2]
    ]
    return [
        {
            "world": [round(value, 3) for value in point.world],
            "at": [_shares(pixel, size) for pixel, size in zip(point.pixels, sizes, strict=False)],
            "depth": [round(float(depth[i]), 3) for depth in depths],
            "visible": list(point.visible),
            "rgb": [_displayed(value) for value in point.albedo],
        }
        for i, point in enumerate(stored)
    ]


def _displayed(linear: float) -> int:
    """0..255 as a screen shows it; 2.2 is near enough for a dot."""
    return round(255 * float(min(max(linear, 0.0), 1.0) ** (1 / 2.2)))


# --- cameras -----------------------------------------------------------------------------------


def _camera(view: View) -> dict[str, Any]:
    """Rows of world_from_camera (3x4), and how far the picture's borders are aside and up at depth 1."""
    slope_y = view.intrinsics[1][2] / view.intrinsics[1][1]
    return {
        "pose": [[round(value, 4) for value in row] for row in view.world_from_camera[:3]],
        "slopes": [round(float(np.tan(np.radians(0.5 * view.hfov_deg))), 4), round(slope_y, 4)],
    }


def _plan(plan: Plan) -> dict[str, Any]:
    """A plan's numbers as lists, to a tenth of a pixel."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return np.round(value, 2 if value.size == 2 and np.abs(value).max() <= 1 else 1).tolist()
        return round(value, 1) if isinstance(value, float) else value

    out = {name: plain(value) for name, value in plan._asdict().items() if name != "cameras"}
    out["cameras"] = [{name: plain(value) for name, value in one._asdict().items()} for one in plan.cameras]
    return out


# --- questions and figures ----------------------------------------------------------------------


class Lettered(NamedTuple):
    """A question as a card shows it: the wording without the options, which are listed apart."""

    wording: str
    options: list[tuple[str, str]]  # letter, number or dash, and text


def lettered(question: Question) -> Lettered:
    """Take the options out of the prompt; a prompt of another form stays whole."""
    marks = [LETTERS[i : i + 1] or str(i + 1) for i in range(len(question.options))]
    if question.answer_form in {"digit", "word"}:
        marks = [str(i + 1) if question.answer_form == "digit" else "-" for i in range(len(marks))]
    options = list(zip(marks, question.options, strict=True))
    listed = "\n" + "\n".join(f"{mark if mark == '-' else f'{mark}.'} {text}" for mark, text in options)
    return Lettered(question.prompt.partition(listed)[0] if options else question.prompt, options)


def _question(question: Question, pictures: Sequence["Image"]) -> dict[str, Any]:
    wording, options = lettered(question)
    return {
        "id": question.id,
        "type": question.type,
        "frame": question.frame,
        "wording": wording,
        "options": [list(option) for option in options],
        "right": question.answer_index,
        "answer": question.answer,
        "margin": round(question.margin, 2),
        "decidability": round(question.decidability, 3),
        "thought": question.chain_of_thought,
        "fair": question.fair,
        "figures": figures(question, pictures),
    }


def figures(question: Question, pictures: Sequence["Image"]) -> list[Any]:
    """A question's own pictures, exactly as they are shown to a model: a drawn one, or the number of a
    plain view.

    Empty where they are the sample's pictures in their order.
    """
    if not draws(question) and question.images == list(range(len(pictures))):
        return []
    plain = {id(picture): view for view, picture in enumerate(pictures)}
    return [
        plain[id(one)] if id(one) in plain else _small(one, FIGURE_PX)._asdict()
        for one in shown(question, pictures)
    ]


def parts(sample: Sample, sizes: Sequence[tuple[int, int]]) -> list[list[dict[str, Any]]]:
    """Per picture, the objects of a scene that are seen in it: what they are called and where they are."""
    if sample.scene is None:
        return [[] for _ in sizes]
    return [
        [
            {
                "letter": part.letter,
                "says": f"{part.name}: {100 * found.visible_fraction:.0f} % of it is seen",
                "box": _shares(found.box, size),
            }
            for part, found in zip(sample.scene.parts, view.parts, strict=True)
            if found.box is not None
        ]
        for view, size in zip(sample.scene.views, sizes, strict=True)
    ]


# --- the truth in words ---------------------------------------------------------------------------


class Number(NamedTuple):
    name: str
    figure: str
    words: str


def of_scene(scene: Scene | None) -> dict[str, list[Number]]:
    """The objects of a scene: what they are called, how much of each is seen in the pictures, whom to
    thank; what changes.
    """
    if scene is None:
        return {}
    rows = []
    for number, part in enumerate(scene.parts):
        seen = " → ".join(f"{100 * view.parts[number].visible_fraction:.0f}" for view in scene.views)
        thing = part.object
        credit = f"{part.name.removeprefix('the ')}, by {thing.author}, {thing.licence}"
        rows.append(Number(part.letter, f"{seen} %", credit))
    if scene.change is not None:
        amount = {"moved": f"{scene.change.distance:.2f} Rs", "turned": f"{scene.change.turn_deg:+.0f}°"}
        kind = scene.change.kind
        rows.append(Number("change", amount.get(kind, ""), f"{scene.parts[scene.change.part].letter} {kind}"))
    return {"Objects, seen": rows}


def numbers(truth: Truth, views: Sequence[View]) -> dict[str, list[Number]]:
    """The truth in figures and words. Signs: docs/conventions.md."""
    right, down, forward = truth.translation
    ratio = f"{truth.distance_ratio:.2f}"
    farther_or_nearer = "farther" if truth.distance_ratio > 1 else "nearer"
    nearer = "same" if ratio == "1.00" else farther_or_nearer
    fields = dict.fromkeys(f"{view.hfov_deg:.1f}°" for view in views)
    return {
        "Camera moved, over the distance": [
            _signed("x", right, "", "left", "right"),
            _signed("y", down, "", "up", "down"),
            _signed("z", forward, "", "back", "forward"),
        ],
        "Camera turned": [
            _signed("yaw", truth.yaw_deg, "°", "left", "right"),
            _signed("pitch", truth.pitch_deg, "°", "down", "up"),
            _signed("roll", truth.roll_deg, "°", "counter-clockwise", "clockwise"),
        ],
        "Around the object": [
            _signed("azimuth", truth.azimuth_change_deg, "°", "clockwise", "counter-clockwise"),
            _signed("elevation", truth.elevation_change_deg, "°", "lower", "higher"),
            Number("distance", f"\N{MULTIPLICATION SIGN} {ratio}", nearer),
        ],
        "Pictures": [
            Number("co-visible", f"{100 * truth.covisible_fraction:.0f} %", "of the surface"),
            Number("field of view", " → ".join(fields), "horizontal"),
            Number("light", "", " → ".join(dict.fromkeys(view.light for view in views))),
            Number("background", "", " → ".join(dict.fromkeys(view.background for view in views))),
        ],
    }


def _signed(name: str, value: float, unit: str, negative: str, positive: str) -> Number:
    decimals = 1 if unit else 2
    shown = round(value, decimals)
    if shown == 0:
        return Number(name, f"{0:.{decimals}f}{unit}", "none")
    sign = "\N{MINUS SIGN}" if shown < 0 else "+"
    return Number(name, f"{sign}{abs(shown):.{decimals}f}{unit}", negative if shown < 0 else positive)
