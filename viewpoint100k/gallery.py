"""One HTML page to look at a dataset: the pictures, the questions, and where the cameras stood.

The page is one file without any request to elsewhere. Its plans are drawn from the poses alone, not from the
truth, so that a wrong sign in either can be seen. Texts of objects come from strangers: the template escapes all.
"""

import base64
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from viewpoint100k.drawing import draws, shown
from viewpoint100k.errors import InputError, MissingExtra
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.records import FAMILIES, OBJECT_RADIUS, Question, Sample, Truth, View, matrix
from viewpoint100k.scoring import LETTERS
from viewpoint100k.shards import StoredSample, iter_samples, write_atomically

if TYPE_CHECKING:
    from jinja2 import Template
    from PIL.Image import Image

IMAGE_PX = 320  # as large as a card shows it; 200 samples stay far below 20 MB
FIGURE_PX = 200  # of a question's own pictures
IMAGE_QUALITY = 85
GOLDEN = 0.6180339887498949  # its multiples, modulo 1, fill an interval evenly and follow no period
TEMPLATE = "gallery.html.j2"
OTHER = "other"  # answers that are too many for a bar of their own


def write_gallery(dataset: Path, page: Path, *, limit: int = 200) -> int:
    """Write one self-contained HTML page that shows a dataset.

    Args:
        dataset: the folder that holds the shards.
        page: the HTML file, written atomically.
        limit: show at most so many samples, spread evenly over all; the figures at the top count every one.

    Returns:
        How many samples the page shows.

    Raises:
        InputError: no dataset there, a picture that cannot be read, or the page cannot be written.
        MissingExtra: jinja2 is not installed.
    """
    if limit < 1:
        raise InputError(f"limit = {limit}: a gallery shows at least 1 sample")
    _template()  # fail before the dataset is read, not after
    summary = summarise(stored.sample for stored in iter_samples(dataset))
    places = even_spread(summary.samples, limit)
    html = render_page(dataset.resolve().name, summary, pick(iter_samples(dataset), places))
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(page, html.encode())
    except OSError as error:
        raise InputError(f"cannot write {page}: {error.strerror}; pass an HTML file you may write") from error
    return len(places)


def even_spread(total: int, limit: int) -> list[int]:
    """At most `limit` of the numbers 0..total-1: one from each of `limit` equal stretches, in order.

    Not every n-th: reversal twins lie side by side, and any even n would show one of the two directions only.
    """
    count = min(total, limit)
    edges = [i * total // count for i in range(count)] + [total] if count else []
    return [low + int((i * GOLDEN % 1) * (high - low)) for i, (low, high) in enumerate(pairwise(edges))]


def pick(samples: Iterable[StoredSample], places: Sequence[int]) -> Iterator[StoredSample]:
    """The samples at these places (ascending), reading no further than the last."""
    wanted = set(places)
    return (stored for i, stored in enumerate(islice(samples, max(places, default=-1) + 1)) if i in wanted)


def render_page(name: str, summary: "Summary", samples: Iterable[StoredSample]) -> str:
    """The page as text.

    Args:
        name: of the dataset, for the heading.
        summary: of the whole dataset.
        samples: those to show.
    """
    template = _template()
    cards = [make_card(stored) for stored in samples]
    html: str = template.render(
        name=name,
        summary=summary,
        histogram=histogram(summary.azimuth_changes_deg),
        cards=cards,
        filters={
            "family": _in_order((card["sample"].family for card in cards), list(FAMILIES)),
            "split": _in_order((card["sample"].split for card in cards), ("train", "validation", "test")),
            "type": _in_order((kind for card in cards for kind in card["types"]), ()),
        },
        families=FAMILIES,
        about={name: Question.model_fields[name].description for name in ("margin", "decidability")},
        plain=lambda text: text.replace("_", " "),
    )
    return html


# --- figures of the whole dataset ---------------------------------------------------------------


@dataclass
class Summary:
    """What the head of the page says about the whole dataset."""

    samples: int = 0
    questions: int = 0
    objects: set[str] = field(default_factory=set)
    splits: Counter[str] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    azimuth_changes_deg: list[float] = field(default_factory=list)
    answers: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)  # (type, frame) -> right options

    def shares(self) -> list[tuple[str, str, list[tuple[str, float, str]]]]:
        """(type, frame, [(answer, share, tone)]) for the bars; what says "no" comes last, in grey."""
        out = []
        for (kind, frame), counts in self.answers.items():
            named = sorted(counts.most_common(5), key=lambda item: (_is_no(item[0]), item[0]))
            if rest := counts.total() - sum(count for _, count in named):
                named.append((OTHER, rest))
            parts = [
                (answer, count / counts.total(), "none" if _is_no(answer) or answer == OTHER else str(i))
                for i, (answer, count) in enumerate(named)
            ]
            out.append((kind, frame, parts))
        return out


def _is_no(answer: str) -> bool:
    """Whether an option says that nothing happened, such as "no movement sideways"."""
    return answer.lower().partition(" ")[0] in {"no", "none", "neither", "equally"}


def summarise(samples: Iterable[Sample]) -> Summary:
    """Count everything once."""
    summary = Summary()
    for sample in samples:
        summary.samples += 1
        summary.questions += len(sample.questions)
        summary.objects.add(sample.object.uid)
        summary.splits[sample.split] += 1
        summary.families[sample.family] += 1
        summary.azimuth_changes_deg.append(sample.truth.azimuth_change_deg)
        for question in sample.questions:
            counts = summary.answers.setdefault((question.type, question.frame), Counter())
            if 0 <= question.answer_index < len(question.options):
                counts[question.options[question.answer_index]] += 1
    return summary


class Bar(NamedTuple):
    low_deg: float
    high_deg: float
    samples: int
    height: float  # over the highest


def histogram(values_deg: Sequence[float], width_deg: float = 10.0) -> list[Bar]:
    """Bars from clockwise (negative) to counter-clockwise, as many on both sides; the middle one is around zero."""
    reach = int(np.ceil(max(map(abs, values_deg), default=0) / width_deg - 0.5))
    edges = width_deg * (np.arange(-reach, reach + 2) - 0.5)
    counts = np.histogram(np.asarray(values_deg, dtype=np.float64), edges)[0]
    highest = max(int(counts.max()), 1)
    return [
        Bar(float(low), float(high), int(count), int(count) / highest)
        for (low, high), count in zip(pairwise(edges), counts, strict=True)
    ]


# --- one card -------------------------------------------------------------------------------------


def make_card(stored: StoredSample) -> dict[str, Any]:
    """What the template needs of one sample.

    Raises:
        InputError: a picture is missing or cannot be read; names the sample.
    """
    key, sample, images = stored
    if not images or len(images) != len(sample.views):
        raise InputError(f"sample {key!r} has {len(images)} pictures and {len(sample.views)} views; expected one each")
    thing = sample.object
    return {
        "key": key,
        "sample": sample,
        "title": thing.title or thing.uid,
        "link": web_link(thing.source_url),
        "images": [small_image(image, key) for image in images],
        "questions": [lettered(question, images, key) for question in sample.questions],
        "types": list(dict.fromkeys(question.type for question in sample.questions)),
        "numbers": numbers(sample.truth, sample.views),
        "top": draw_top(sample.views, sample.truth.front_azimuth_deg),
        "side": draw_side(sample.views),
        "search": " ".join([thing.title, thing.category, thing.uid, thing.author, key]).lower(),
    }


def web_link(url: str) -> str | None:
    """The address if it leads to the web and nowhere else: a stranger's `javascript:` gets no link."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in {"http", "https"} and parts.netloc else None


class SmallImage(NamedTuple):
    uri: str
    width_px: int
    height_px: int


def small_image(image: bytes, key: str) -> SmallImage:
    """A picture scaled down to `IMAGE_PX`, as a data: URI.

    Raises:
        InputError: it is not a JPEG; names the sample.
    """
    return _small(_decoded(image, key), IMAGE_PX)


def _decoded(image: bytes, key: str) -> "Image":
    from PIL import Image

    try:
        with Image.open(io.BytesIO(image), formats=["JPEG"]) as opened:
            return opened.convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise InputError(
            f"sample {key!r}: a picture is not a whole JPEG: {error}; run `viewpoint100k validate`"
        ) from error


def _small(picture: "Image", side_px: int) -> SmallImage:
    from PIL import Image

    out = io.BytesIO()
    picture = picture.copy()
    picture.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    picture.save(out, "JPEG", quality=IMAGE_QUALITY, optimize=True)
    return SmallImage("data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode(), *picture.size)


class Lettered(NamedTuple):
    """A question as a card shows it: the wording without the options, which are listed apart."""

    question: Question
    wording: str
    options: list[tuple[str, str, bool]]  # letter, number or dash, text, whether it is the right one
    figures: list[SmallImage]  # its pictures, where they are not the plain ones of the sample in their order


def lettered(question: Question, images: Sequence[bytes] = (), key: str = "") -> Lettered:
    """Take the options out of the prompt; a prompt of another form stays whole.

    Args:
        images: of all views of the sample whose `key` this is; without them its figures are left out.
    """
    figures = []
    if images and (draws(question) or question.images != list(range(len(images)))):
        figures = [_small(one, FIGURE_PX) for one in shown(question, [_decoded(image, key) for image in images])]
    marks = [LETTERS[i : i + 1] or str(i + 1) for i in range(len(question.options))]
    if question.answer_form in {"digit", "word"}:
        marks = [str(i + 1) if question.answer_form == "digit" else "-" for i in range(len(marks))]
    options = [(marks[i], text, i == question.answer_index) for i, text in enumerate(question.options)]
    listed = "\n" + "\n".join(f"{mark if mark == '-' else f'{mark}.'} {text}" for mark, text, _ in options)
    wording = question.prompt.partition(listed)[0] if options else question.prompt
    return Lettered(question, wording, options, figures)


class Number(NamedTuple):
    name: str
    figure: str
    words: str


def numbers(truth: Truth, views: Sequence[View]) -> dict[str, list[Number]]:
    """The truth in figures and words. Signs: docs/conventions.md."""
    right, down, forward = truth.translation
    ratio = f"{truth.distance_ratio:.2f}"
    nearer = "same" if ratio == "1.00" else "farther" if truth.distance_ratio > 1 else "nearer"
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


def _in_order(names: Iterable[str], first: Sequence[str]) -> dict[str, int]:
    """How often each name occurs: known names in their order, then the others as they come."""
    counts = Counter(names)
    order = [name for name in first if name in counts] + [name for name in counts if name not in first]
    return {name: counts[name] for name in order}


# --- plans: world -> page --------------------------------------------------------------------------

# A plan is a parallel projection. `page_from_world` is (2, 3): its rows are the world directions that point right and
# up on the page. Only `Plan` is in SVG pixels, where y grows downwards: one flip, in `_fit`.

PLAN_PX = 260.0
SIDE_HEIGHT_PX = 120.0
MARGIN_PX = 30.0  # room for the letters behind the cameras
GLYPH_PX = 15.0
LABEL_PX = 16.0  # from a camera to its number


class PlanCamera(NamedTuple):
    """One camera in SVG pixels."""

    position: Array  # (2,)
    edges: Array  # (2, 2) ends of the rays along the picture's left and right border; from the side, top and bottom
    glyph: Array  # (2, 2) ends of the little frustum; it starts at `position`
    label: Array  # (2,)


class Plan(NamedTuple):
    """A drawing in SVG pixels."""

    width: float
    height: float
    object: Array  # (2,)
    object_radius: float
    ring_radius: float  # of the circle about the object through camera 1
    front: Array | None  # (2,) unit direction on the page from the object to where its front looks
    cameras: list[PlanCamera]
    travel: Array | None  # (2, 2) from camera 1 to camera 2; None if they stand in one place


def top_axes(world_from_camera: Array) -> Array:
    """Seen from above, turned so that the camera looks up the page: what is on the page's right is on its right.

    Args:
        world_from_camera: (4, 4), OpenCV camera axes. Its roll does not matter; a camera that is upside down has its
            right on the page's left.

    Returns:
        (2, 3) page_from_world: rows are the world directions of the page's right and up, both level.
    """
    down, forward = world_from_camera[:3, 1], world_from_camera[:3, 2]
    level = np.array([forward[0], forward[1], 0.0])
    if np.linalg.norm(level) < 1e-6:  # straight down: the image's top is ahead; straight up: its bottom is
        level = np.array([down[0], down[1], 0.0]) * np.sign(forward[2])
    ahead = level / np.linalg.norm(level)
    return np.stack([[ahead[1], -ahead[0], 0.0], ahead])


def side_axes(world_from_camera: Array) -> Array:
    """Seen from the camera's right: it looks to the right of the page, and up is up. (2, 3) page_from_world."""
    return np.stack([top_axes(world_from_camera)[1], [0.0, 0.0, 1.0]])


def draw_top(views: Sequence[View], front_azimuth_deg: float | None) -> Plan:
    """The plan from above, camera 1 looking up the page."""
    poses = [matrix(view.world_from_camera) for view in views]
    slopes = [np.tan(np.radians(0.5 * view.hfov_deg)) for view in views]
    rays = [np.array([[-slope, 0.0, 1.0], [slope, 0.0, 1.0]]) for slope in slopes]
    front = None
    if front_azimuth_deg is not None:
        azimuth = np.radians(front_azimuth_deg)
        front = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    return _draw(poses, rays, top_axes(poses[0]), front, PLAN_PX)


def draw_side(views: Sequence[View]) -> Plan:
    """The plan from camera 1's right."""
    poses = [matrix(view.world_from_camera) for view in views]
    slopes = [view.intrinsics[1][2] / view.intrinsics[1][1] for view in views]
    rays = [np.array([[0.0, -slope, 1.0], [0.0, slope, 1.0]]) for slope in slopes]
    return _draw(poses, rays, side_axes(poses[0]), None, SIDE_HEIGHT_PX)


def _draw(poses: list[Array], rays: list[Array], page_from_world: Array, front: Array | None, height: float) -> Plan:
    """Rays are (2, 3) in camera axes with z = 1, so that their multiples by a depth end on one plane of the picture."""
    places = np.stack([pose[:3, 3] for pose in poses]) @ page_from_world.T
    scale, origin = _fit(places, PLAN_PX, height)
    flip = np.array([scale, -scale])
    positions = origin + places * flip
    arrow = np.linspace(positions[0], positions[min(1, len(positions) - 1)], 24)  # no number may cover it
    cameras: list[PlanCamera] = []
    for pose, two_rays, position in zip(poses, rays, positions, strict=True):
        reach = np.linalg.norm(pose[:3, 3]) + OBJECT_RADIUS  # just past the object
        directions = (two_rays @ pose[:3, :3].T @ page_from_world.T) * flip
        glyph = position + GLYPH_PX * directions / max(np.linalg.norm(directions, axis=1).max(), 1e-9)
        label = _label(position, directions.mean(axis=0), np.stack([*arrow, *(other.label for other in cameras)]))
        cameras.append(PlanCamera(position, position + reach * directions, glyph, label))
    return Plan(
        width=PLAN_PX,
        height=height,
        object=origin,
        object_radius=OBJECT_RADIUS * scale,
        ring_radius=float(np.linalg.norm(places[0])) * scale,
        front=None if front is None else (page_from_world @ front) * [1, -1],
        cameras=cameras,
        travel=_travel(positions[0], positions[1]) if len(positions) > 1 else None,
    )


def _fit(places: Array, width: float, height: float) -> tuple[float, Array]:
    """(scale, where the world's origin lies) so that the object and the places (N, 2) are centred and fill the plan."""
    low = np.minimum(places.min(axis=0), -OBJECT_RADIUS)
    high = np.maximum(places.max(axis=0), OBJECT_RADIUS)
    room = np.array([width, height]) - 2 * MARGIN_PX
    scale = float((room / (high - low)).min())
    middle = 0.5 * (low + high)
    return scale, np.array([0.5 * width, 0.5 * height]) + middle * [-scale, scale]


def _label(camera: Array, ahead: Array, obstacles: Array) -> Array:
    """Where a camera's number goes: behind it, or as far aside as it takes to keep clear of the obstacles (N, 2)."""
    length = np.linalg.norm(ahead)
    back = -ahead / length if length > 1e-6 else np.array([0.0, 1.0])
    places: list[Array] = []
    for turn_deg in (0, 55, -55, 100, -100):
        cosine, sine = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
        places.append(camera + LABEL_PX * np.array([[cosine, -sine], [sine, cosine]]) @ back)
    clear = [place for place in places if np.linalg.norm(obstacles - place, axis=1).min(initial=np.inf) >= 10]
    return clear[0] if clear else places[0]


def _travel(start: Array, end: Array) -> Array | None:
    """The arrow between two cameras, clear of both dots; None if there is no room for one."""
    way = end - start
    length = float(np.linalg.norm(way))
    if length < 20:
        return None
    return np.stack([start + way * 8 / length, end - way * 9 / length])


def _template() -> "Template":
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise MissingExtra("the gallery needs jinja2: pip install 'viewpoint100k[render]'") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["px"] = lambda value: f"{value:.1f}"
    return environment.from_string((resources.files("viewpoint100k") / TEMPLATE).read_text("utf-8"))
