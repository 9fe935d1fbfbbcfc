"""The picture at the head of README.md, made anew: `python docs/strip.py`. Takes a minute.

A small dataset is generated as a user would do it. One of its pairs is shown with its question and answer,
beside a third render of the same object with both cameras drawn where the renderer reported them.
"""

import io
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from viewpoint100k import objects as sources
from viewpoint100k.config import FileBudgets, load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.geometry.cameras import look_at, project
from viewpoint100k.records import Background, Lamp, Light, PlannedView, Question, Sample, ViewSet, matrix
from viewpoint100k.shards import StoredSample, iter_samples

STRIP = Path(__file__).parent / "pictures" / "strip.jpg"
SEED = 3
SETTINGS = (
    "render.size_px=400",
    "plan.pairs_per_object=2",
    "plan.validation_share=0",
    "plan.test_share=0",
)
CATEGORY = "lamp"
KIND = "relative_pose"
PANEL_PX = 480  # side of each of the three pictures
GAP_PX = 12
TEXT_PX = 176  # height of the question below them
COLOURS = ((38, 110, 220), (224, 92, 30))  # of image 1 and image 2
RIGHT = (16, 128, 72)
BACKDROP = Background(kind="plain", rgb=[236, 239, 243], rgb_below=[236, 239, 243])
DAYLIGHT = Light(
    name="courtyard",
    rotation_deg=20,
    strength=0.9,
    lamps=[Lamp(direction=[0.3, 0.6, 0.74], strength=1.5)],
)
REACH = 0.5  # how far a drawn camera's picture stands before its centre, in world units


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        stored = example(Path(folder) / "data")
        aside = look_at(*director(stored.sample))
        hfov_deg = 31.0
        picture = render_aside(stored.sample, aside, hfov_deg, Path(folder))
    draw_cameras(picture, stored, aside, hfov_deg)
    draw_strip(stored, picture).save(STRIP, quality=90)
    print(STRIP)


def example(out: Path) -> StoredSample:
    """A pair of `CATEGORY` that has a question of `KIND`, from a dataset generated into `out`."""
    command = [sys.executable, "-m", "viewpoint100k", "generate", str(out), "--preset", "viewpoint-6dof"]
    command += ["--source", "builtin:", "--pairs", "40", "--seed", str(SEED)]
    command += [part for setting in SETTINGS for part in ("--set", setting)]
    subprocess.run(command, check=True)
    fitting = (stored for stored in iter_samples(out) if stored.sample.object.category == CATEGORY)
    with_kind = [s for s in fitting if any(question.type == KIND for question in s.sample.questions)]
    return max(with_kind, key=lambda stored: abs(stored.sample.truth.yaw_deg))


def director(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Where the third camera stands, and what it looks at: (3,) and (3,) in the world."""
    places = np.array([matrix(view.world_from_camera)[:3, 3] for view in sample.views])
    middle = places.mean(axis=0)
    target = 0.5 * middle
    ahead = middle / np.linalg.norm(middle)
    aside = np.cross(ahead, [0.0, 0.0, 1.0])
    aside /= np.linalg.norm(aside)
    return target + 2.6 * (0.2 * aside + 0.7 * ahead + np.array([0.0, 0.0, 1.0])), target


def render_aside(sample: Sample, world_from_camera: np.ndarray, hfov_deg: float, folder: Path) -> Image.Image:
    """The object of a sample, seen from the third camera."""
    listing = sources.list_objects("builtin:", wanted=200, seed=SEED, budgets=FileBudgets())
    thing = next(each for each in listing.objects if each.record.uid == sample.object.uid)
    view = PlannedView(world_from_camera=world_from_camera.tolist(), hfov_deg=hfov_deg)
    view_set = ViewSet(
        object=thing, round=0, views=[view], probes=[], pairs=[], lights=[DAYLIGHT], background=BACKDROP
    )
    render = load_config(overrides=[f"render.size_px={2 * PANEL_PX}", "render.samples=64"]).render
    path, _ = sources.fetch_object(thing, "builtin:", folder, FileBudgets())
    with Engine(render, folder / "engine") as engine:
        rendered = engine.render(view_set, path)
    assert isinstance(rendered, Rendered), rendered
    return Image.open(io.BytesIO(rendered.views[0].image)).convert("RGB")


def draw_cameras(picture: Image.Image, stored: StoredSample, aside: np.ndarray, hfov_deg: float) -> None:
    """Draw both cameras into the third picture: a pyramid each, with what it sees on its base."""
    focal = 0.5 * picture.width / np.tan(np.radians(0.5 * hfov_deg))
    intrinsics = np.array([[focal, 0, picture.width / 2], [0, focal, picture.height / 2], [0, 0, 1]])
    numbered = list(enumerate(stored.sample.views))
    numbered.sort(key=lambda each: -np.linalg.norm(matrix(each[1].world_from_camera)[:3, 3] - aside[:3, 3]))
    for number, view in numbered:
        half = REACH * np.tan(np.radians(0.5 * view.hfov_deg)) * 0.8
        corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
        in_camera = np.vstack([np.zeros(3), np.column_stack([corners, np.full(4, REACH)])])
        pose = matrix(view.world_from_camera)
        pixels, _ = project(in_camera @ pose[:3, :3].T + pose[:3, 3], aside, intrinsics)
        apex, base = tuple(pixels[0]), [tuple(pixel) for pixel in pixels[1:]]
        paste_onto(picture, Image.open(io.BytesIO(stored.images[number])).convert("RGB"), base)
        draw = ImageDraw.Draw(picture)
        for corner in base:
            draw.line([apex, corner], fill=COLOURS[number], width=4)
        draw.line([*base, base[0]], fill=COLOURS[number], width=6, joint="curve")
        radius = 24
        x, y = apex
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=COLOURS[number])
        draw.text((x, y), str(number + 1), fill="white", anchor="mm", font=ImageFont.load_default(32))


def paste_onto(picture: Image.Image, small: Image.Image, base: list[tuple[float, float]]) -> None:
    """Paste a picture onto the quadrilateral `base`: its corners clockwise from the top left, in pixels."""
    width, height = small.size
    source = [(0, 0), (width, 0), (width, height), (0, height)]
    rows, right = [], []
    for (x, y), (u, v) in zip(base, source, strict=True):  # the homography that takes base to source
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    coefficients = np.linalg.solve(np.array(rows), np.array(right, dtype=float))
    warped = small.transform(picture.size, Image.Transform.PERSPECTIVE, coefficients.tolist())
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).polygon(base, fill=255)
    picture.paste(warped, (0, 0), mask)


def draw_strip(stored: StoredSample, aside: Image.Image) -> Image.Image:
    """Three pictures in a row, the question and its options below."""
    width = 3 * PANEL_PX + 2 * GAP_PX
    strip = Image.new("RGB", (width, PANEL_PX + TEXT_PX), "white")
    draw = ImageDraw.Draw(strip)
    panels = [Image.open(io.BytesIO(image)).convert("RGB") for image in stored.images]
    for number, panel in enumerate([*panels, aside]):
        left = number * (PANEL_PX + GAP_PX)
        strip.paste(panel.resize((PANEL_PX, PANEL_PX), Image.Resampling.LANCZOS), (left, 0))
        caption = f"image {number + 1}" if number < 2 else "where the cameras were"
        colour = COLOURS[number] if number < 2 else (70, 76, 88)
        font = ImageFont.load_default(20)
        end = draw.textlength(caption, font=font)
        draw.rounded_rectangle([left + 10, 10, left + 30 + end, 42], radius=8, fill=colour)
        draw.text((left + 20, 26), caption, fill="white", anchor="lm", font=font)
    question = next(each for each in stored.sample.questions if each.type == KIND)
    draw_question(draw, question, PANEL_PX + 18, width)
    return strip


def draw_question(draw: ImageDraw.ImageDraw, question: Question, top: int, width: int) -> None:
    """The sentence of a question, then its options in a row; the right one is green."""
    sentence = question.prompt.split("\n")[0]
    for line in textwrap.wrap(sentence, 120):
        draw.text((4, top), line, fill=(24, 28, 36), font=ImageFont.load_default(25))
        top += 36
    top += 10
    column = width // len(question.options)
    for number, option in enumerate(question.options):
        right = number == question.answer_index
        left = number * column
        box = [left, top, left + column - 12, top + 46]
        outline = RIGHT if right else (205, 210, 218)
        draw.rounded_rectangle(box, radius=10, fill=RIGHT if right else "white", outline=outline, width=2)
        text = f"{'ABCD'[number]}.  {option}"
        middle = (left + (column - 12) / 2, top + 23)
        colour = "white" if right else (70, 76, 88)
        draw.text(middle, text, fill=colour, anchor="mm", font=ImageFont.load_default(21))


if __name__ == "__main__":
    main()
