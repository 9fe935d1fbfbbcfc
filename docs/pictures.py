"""The pictures of the documentation, rendered anew: `python docs/pictures.py [habits]`. Takes a minute.

Each strip shows one motion of the camera, with the numbers that `geometry.relations` gives for the poses read
back. `habits` makes the sheet of what files from Sketchfab are like, from files that the tests make.
"""

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from viewpoint100k import objects as sources
from viewpoint100k.config import FileBudgets, load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.geometry.cameras import aim_deg, pose, position_on_sphere
from viewpoint100k.geometry.relations import motion
from viewpoint100k.geometry.rotations import camera_rotation
from viewpoint100k.inspection import draw_sheet, inspect_objects
from viewpoint100k.records import Background, Lamp, Light, PlannedView, ViewSet, matrix

PICTURES = Path(__file__).parent / "pictures"
HFOV_DEG, DISTANCE, AZIMUTH_DEG, ELEVATION_DEG = 58.0, 2.0, -65.0, 18.0


def camera(
    azimuth_deg=AZIMUTH_DEG,
    elevation_deg=ELEVATION_DEG,
    right=0.0,
    up=0.0,
    forward=0.0,
    yaw=0.0,
    pitch=0.0,
    roll=0.0,
):
    """The base camera after an orbit, a move along its own level axes (over the distance), and a turn
    (degrees).
    """
    position = position_on_sphere(azimuth_deg, elevation_deg, DISTANCE)
    bearing, tilt = aim_deg(position, np.zeros(3))
    b = np.radians(bearing)
    ahead, aside = np.array([np.sin(b), np.cos(b), 0]), np.array([np.cos(b), -np.sin(b), 0])
    moved = position + DISTANCE * (right * aside + forward * ahead + up * np.array([0, 0, 1.0]))
    return pose(camera_rotation(bearing + yaw, tilt + pitch, roll), moved)


MOTIONS = {
    "moved right": ("translation x = {x:+.2f}", camera(right=0.25)),
    "moved up": ("translation y = {y:+.2f}", camera(up=0.2)),
    "moved forward": ("translation z = {z:+.2f}", camera(forward=0.25)),
    "turned right": ("yaw = {yaw:+.0f} deg", camera(yaw=10)),
    "turned up": ("pitch = {pitch:+.0f} deg", camera(pitch=8)),
    "rolled clockwise": ("roll = {roll:+.0f} deg", camera(roll=15)),
    "went counter-clockwise": (
        "azimuth {azimuth:+.0f} deg, x = {x:+.2f}, yaw = {yaw:+.0f}",
        camera(AZIMUTH_DEG + 45),
    ),
    "moved and turned right": (
        "x = {x:+.2f}, yaw = {yaw:+.0f} deg: no orbit does that",
        camera(right=0.25, yaw=8),
    ),
}


def habits() -> None:
    """What is made of each file of `tests/support/habits.py`, with its verdict."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from support.habits import HABITS, write_habits

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "habits"
        write_habits(folder)
        # most of them have the shape of a chair, and all are to be seen
        config = load_config(overrides=["objects.duplicates=together"], source=str(folder))
        listing = sources.list_objects(
            config.source, wanted=0, seed=0, budgets=config.files, choice=config.objects
        )
        seen = list(inspect_objects(config, listing, Path(scratch)))
    order = list(HABITS)
    seen.sort(key=lambda each: order.index(each.finding.uid))
    for each in seen:
        print(f"{each.finding.uid}: {each.finding.verdict} {each.finding.reason}")
    sheet = draw_sheet(seen, "Habits of files from Sketchfab")
    (PICTURES / "habits.jpg").write_bytes(sheet)


def main() -> None:
    config = load_config(overrides=["render.size_px=320", "render.samples=32"])
    thing = next(
        t
        for t in sources.list_objects("builtin:", wanted=40, seed=3, budgets=FileBudgets()).objects
        if t.record.category == "car"
    )
    views = [
        PlannedView(world_from_camera=one.tolist(), hfov_deg=HFOV_DEG)
        for one in (camera(), *(m[1] for m in MOTIONS.values()))
    ]
    light = Light(
        name="courtyard",
        rotation_deg=20,
        strength=0.9,
        lamps=[Lamp(direction=[0.3, -0.6, 0.74], strength=1.5)],
    )
    background = Background(kind="plain", rgb=[214, 219, 226])
    view_set = ViewSet(
        object=thing, round=0, views=views, probes=[], pairs=[], lights=[light], background=background
    )
    with tempfile.TemporaryDirectory() as folder:
        path, _ = sources.fetch_object(thing, "builtin:", Path(folder), FileBudgets())
        with Engine(config.render, Path(folder) / "engine") as engine:
            rendered = engine.render(view_set, path)
    assert isinstance(rendered, Rendered), rendered
    PICTURES.mkdir(exist_ok=True)
    base = rendered.views[0]
    for (name, (numbers, _)), view in zip(MOTIONS.items(), list(rendered.views.values())[1:], strict=True):
        found = motion(matrix(base.view.world_from_camera), matrix(view.view.world_from_camera))
        x, y, z = found.translation
        text = numbers.format(
            x=x,
            y=y,
            z=z,
            yaw=found.yaw_deg,
            pitch=found.pitch_deg,
            roll=found.roll_deg,
            azimuth=found.azimuth_change_deg,
        )
        strip(base.image, view.image, f"the camera {name}:  {text}").save(
            PICTURES / f"{name.replace(' ', '_')}.jpg", quality=88
        )


def strip(first: bytes, second: bytes, title: str) -> Image.Image:
    """Two pictures side by side under a title."""
    pictures = [Image.open(io.BytesIO(image)) for image in (first, second)]
    width, height, bar, gap = pictures[0].width, pictures[0].height, 34, 8
    out = Image.new("RGB", (2 * width + gap, height + bar), "white")
    draw = ImageDraw.Draw(out)
    draw.text((8, 7), title, fill="black", font=ImageFont.load_default(17))
    for number, picture in enumerate(pictures):
        out.paste(picture, (number * (width + gap), bar))
        draw.text(
            (number * (width + gap) + 8, bar + 6),
            f"image {number + 1}",
            fill=(60, 60, 60),
            font=ImageFont.load_default(14),
        )
        middle = number * (width + gap) + width // 2
        for y in range(
            bar, bar + height, 12
        ):  # a dashed line down the middle: what moved against the frame is seen at once
            draw.line([(middle, y), (middle, y + 4)], fill=(150, 150, 160))
    return out


if __name__ == "__main__":
    habits() if sys.argv[1:] == ["habits"] else main()
