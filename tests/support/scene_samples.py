"""Samples of scenes without a renderer: upright boxes on the ground, seen by cameras, one hiding the other, exactly.

What a picture shows is found by meeting each pixel's ray with each box in the box's own axes; no code of ours
is used but the records, the pose of a camera and `make_truth`.
"""

import io

import numpy as np
from PIL import Image

from viewpoint100k.annotate import make_truth
from viewpoint100k.geometry.cameras import look_at
from viewpoint100k.records import (
    OBJECT_RADIUS,
    Decidability,
    ObjectRecord,
    PartSeen,
    Provenance,
    Sample,
    Scene,
    SceneChange,
    ScenePart,
    SceneView,
    View,
)
from viewpoint100k.shards import StoredSample

NOUNS = ("chair", "car", "house", "dog", "tree", "lamp", "mug", "boat", "sofa")
COLOURS = {
    "red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 70, 200), "yellow": (220, 200, 40), "white": (235, 235, 235),
}  # fmt: skip
STEP = 4  # rays go through every so many-th pixel; areas are scaled up
RADIUS = OBJECT_RADIUS
EVENTS = ("moved", "turned", "appeared", "vanished")


def standing(x, y, z, turn_deg):
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])


def camera(rng, hfov_deg, size_px, near=None):
    """A camera about the scene, or one beside another."""
    azimuth, elevation, distance = (
        rng.uniform(-np.pi, np.pi),
        np.radians(rng.uniform(15, 40)),
        rng.uniform(1.4, 1.9),
    )
    if near is not None:
        place = np.array(near.world_from_camera)[:3, 3]
        azimuth = np.arctan2(place[1], place[0]) + np.radians(rng.choice([-1, 1]) * rng.uniform(20, 70))
    place = distance * np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
    focal = 0.5 * size_px / np.tan(np.radians(0.5 * hfov_deg))
    return View(
        intrinsics=[[focal, 0, size_px / 2], [0, focal, size_px / 2], [0, 0, 1]],
        world_from_camera=look_at(place, rng.uniform(-0.05, 0.05, 3)).tolist(),
        hfov_deg=hfov_deg,
        object_box=[0, 0, size_px, size_px],
        object_share=0.2,
        light="studio/world",
        background="ground",
    )


def depths(view, world_from_object, size, size_px):
    """(n, n) camera z at which the rays of the pixels meet a box; infinite where they miss it."""
    at = np.arange(STEP // 2, size_px, STEP) + 0.5
    k, pose = np.array(view.intrinsics), np.array(view.world_from_camera)
    u, v = np.meshgrid((at - k[0, 2]) / k[0, 0], (at - k[1, 2]) / k[1, 1])
    rays = np.stack([u, v, np.ones_like(u)], axis=-1) @ pose[:3, :3].T  # of unit camera z
    own = rays @ world_from_object[:3, :3]
    start = (pose[:3, 3] - world_from_object[:3, 3]) @ world_from_object[:3, :3]
    low = np.array([-size[0] / 2, -size[1] / 2, 0.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (low - start) / own, (low + size - start) / own
    enter, leave = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
    return np.where((enter <= leave) & (enter > 0), enter, np.inf)


def look(view, poses, sizes, present, state, size_px):
    """What a picture shows of boxes, with its index (n, n), -1 where there is none."""
    every = np.stack(
        [
            depths(view, pose, size, size_px) if there else np.full((size_px // STEP,) * 2, np.inf)
            for pose, size, there in zip(poses, sizes, present, strict=True)
        ]
    )
    nearest = np.where(np.isfinite(every.min(axis=0)), every.argmin(axis=0), -1)
    k, pose = np.array(view.intrinsics), np.array(view.world_from_camera)

    def pixel(points):
        own = (np.asarray(points) - pose[:3, 3]) @ pose[:3, :3]
        return np.stack(
            [k[0, 0] * own[:, 0] / own[:, 2] + k[0, 2], k[1, 1] * own[:, 1] / own[:, 2] + k[1, 2]], 1
        ), own

    parts = []
    for number, (placed, size) in enumerate(zip(poses, sizes, strict=True)):
        mine, alone = nearest == number, np.isfinite(every[number])
        rows, cols = np.nonzero(mine)
        pixels, solo = int(mine.sum()) * STEP**2, int(alone.sum()) * STEP**2
        corners = [
            placed[:3, :3] @ [size[0] * x, size[1] * y, size[2] * z] + placed[:3, 3]
            for x in (-0.5, 0.5)
            for y in (-0.5, 0.5)
            for z in (0, 1)
        ]
        flat, own = pixel([*corners, np.mean(corners, axis=0), placed[:3, 3]])
        hidden_by = [
            other for other in range(len(sizes)) if other != number and (alone & (nearest == other)).sum() >= 0.05 * max(alone.sum(), 1)
        ]  # fmt: skip
        edge = np.concatenate([mine[0], mine[-1], mine[:, 0], mine[:, -1]])
        fraction = pixels / solo if solo else 0.0
        parts.append(
            PartSeen(
                pixels=pixels,
                solo_pixels=solo,
                visible_fraction=fraction,
                box=[cols.min() * STEP, rows.min() * STEP, (cols.max() + 1) * STEP, (rows.max() + 1) * STEP]
                if pixels
                else None,
                full_box=[*flat[:8].min(axis=0), *flat[:8].max(axis=0)],
                centre_pixel=flat[8].tolist(),
                base_pixel=flat[9].tolist(),
                depth=float(own[8, 2]),
                depth_range=[float(every[number][mine].min()), float(every[number][mine].max())]
                if pixels
                else None,
                hidden_by=hidden_by,
                cut=bool(edge.any()),
                referable=pixels >= 400 * (size_px / 512) ** 2 and fraction >= 0.4 and not edge.any(),
            )
        )
    return SceneView(state=state, parts=parts), nearest


def layout(rng, count, sizes):
    """Places whose circles do not meet, about the origin."""
    reach = np.hypot(sizes[:, 0], sizes[:, 1]) / 2
    places = []
    for number in range(count):
        for attempt in range(10000):
            spot = rng.uniform(-1, 1, 2) * (0.32 + attempt / 10000)
            if all(np.hypot(*(spot - p)) > reach[number] + reach[i] + 0.03 for i, p in enumerate(places)):
                places.append(spot)
                break
    return np.array(places)


def synthetic_scene(
    seed, count=None, event=None, *, views=2, camera_still=False, size_px=512, nouns=None, split="train"
):
    """A sample of a scene of boxes, without questions.

    Args:
        count: of objects; None: 3 to 6.
        event: None, "moved", "turned", "appeared" or "vanished": what happens to one object between views 0
            and 1.
        camera_still: all views are from the same place.
        nouns: of the objects; two that share one are told apart by colour, or by letters where that fails.
    """
    return synthetic(seed, count, event, views=views, camera_still=camera_still, size_px=size_px, nouns=nouns, split=split).sample  # fmt: skip


def synthetic(
    seed, count=None, event=None, *, views=2, camera_still=False, size_px=512, nouns=None, split="train"
):
    """The same with pictures, flat colours on grey; key `scene-SEED`."""
    assert event is None or event in EVENTS, event
    rng = np.random.default_rng(seed)
    count = count or int(rng.integers(3, 7))
    sizes = rng.uniform(0.08, 0.2, (count, 3))
    places, turns = layout(rng, count, sizes), rng.uniform(-180, 180, count)
    colours = [str(one) for one in rng.choice(list(COLOURS), count)]
    nouns = list(nouns or rng.permutation(NOUNS)[:count])
    ground = -0.1
    poses = [[standing(*places[i], ground, turns[i]) for i in range(count)]]
    present, change, chosen = [[True] * count], None, int(rng.integers(count))
    if event:
        after, there = list(poses[0]), [True] * count
        distance = turn = 0.0
        if event == "moved":
            angle, distance = rng.uniform(-np.pi, np.pi), rng.uniform(0.2, 0.6)
            step = distance * RADIUS * np.array([np.cos(angle), np.sin(angle)])
            after[chosen] = standing(*(places[chosen] + step), ground, turns[chosen])
        elif event == "turned":
            turn = float(rng.choice([-1, 1]) * rng.uniform(40, 120))
            after[chosen] = standing(*places[chosen], ground, turns[chosen] + turn)
        there[chosen] = event != "vanished"
        present[0][chosen] = event != "appeared"
        poses.append(after)
        present.append(there)
        change = SceneChange(part=chosen, kind=event, distance=distance, turn_deg=turn, difference=0.3)
    parts = []
    for i in range(count):
        twins = [j for j in range(count) if j != i and nouns[j] == nouns[i]]
        named_by = "noun"
        if twins:
            named_by = "colour" if all(colours[j] != colours[i] for j in twins) else "letter"
        letter = "ABCDEFG"[i]
        name = {
            "noun": f"the {nouns[i]}",
            "colour": f"the {colours[i]} {nouns[i]}",
            "letter": f"the object marked {letter}",
        }
        parts.append(
            ScenePart(
                object=ObjectRecord(uid=f"box_{seed}_{i}", sha256=f"{seed:032x}{i:032x}", category=nouns[i], author="us", licence="CC0-1.0"),
                letter=letter,
                name=name[named_by],
                named_by=named_by,
                noun=nouns[i],
                colour=colours[i],
                size=sizes[i].tolist(),
                front_azimuth_deg=float(rng.choice([0, 90, -90, 180])),
                present=[there[i] for there in present],
                world_from_object=[pose[i].tolist() for pose in poses],
            )
        )  # fmt: skip
    hfov_deg = float(rng.uniform(45, 55))
    cameras = [camera(rng, hfov_deg, size_px)]
    while len(cameras) < views:
        cameras.append(cameras[0] if camera_still else camera(rng, hfov_deg, size_px, near=cameras[0]))
    state_of = [0 if number == 0 or not event else 1 for number in range(views)]
    seen, images = [], []
    for view, state in zip(cameras, state_of, strict=True):
        found, nearest = look(view, poses[state], sizes, present[state], state, size_px)
        seen.append(found)
        palette = np.array([COLOURS[colour] for colour in colours] + [(128, 128, 128)], np.uint8)
        out = io.BytesIO()
        Image.fromarray(palette[nearest].repeat(STEP, 0).repeat(STEP, 1)).save(out, "JPEG")
        images.append(out.getvalue())
    truth = make_truth(cameras[0], cameras[min(1, views - 1)], 0.6, None)
    sample = Sample(
        object=ObjectRecord(
            uid=f"scene-{seed}", sha256=f"{seed:064x}", category="scene", author="us", licence="CC0-1.0"
        ),
        preset="scenes",
        family="event" if event else "orbit",
        split=split,
        views=cameras,
        truth=truth,
        decidability=Decidability(**dict.fromkeys(Decidability.model_fields, 0.3)),
        scene=Scene(ground=ground, parts=parts, views=seen, change=change),
        questions=[],
        provenance=Provenance(
            seed=seed, config_hash="0" * 12, code_version="0", renderer="none", device="cpu"
        ),
    )
    return StoredSample(f"scene-{seed}", sample, images)


def placed(*spots, turns=None, sizes=None, fronts=None, alike=False):
    """A scene with objects at hand-made places, seen from the south: +x is right and +y is away.

    All can be told.
    """
    nouns = ["chair"] * len(spots) if alike else None
    sample = synthetic_scene(1, count=len(spots), views=1, size_px=256, nouns=nouns)
    turns, sizes = turns or [0.0] * len(spots), sizes or [[0.1, 0.1, 0.1]] * len(spots)
    south = np.array([[1, 0, 0, 0], [0, -0.5, 0.866025, -1.6], [0, -0.866025, -0.5, 0.9], [0, 0, 0, 1.0]])
    view = sample.views[0].model_copy(update={"world_from_camera": south.tolist()})
    parts, seen = [], []
    for i, (x, y) in enumerate(spots):
        pose = standing(x, y, -0.1, turns[i])
        front = fronts[i] if fronts else 0.0
        parts.append(
            sample.scene.parts[i].model_copy(
                update={"world_from_object": [pose.tolist()], "size": sizes[i], "front_azimuth_deg": front}
            )
        )
        own = south[:3, :3].T @ ([x, y, -0.1 + sizes[i][2] / 2] - south[:3, 3])
        k = np.array(view.intrinsics)
        u, v = k[0, 0] * own[0] / own[2] + k[0, 2], k[1, 1] * own[1] / own[2] + k[1, 2]
        tall = 0.9 * k[0, 0] * sizes[i][2] / own[2]
        box = [u - 5, v - tall / 2, u + 5, v + tall / 2]
        seen.append(
            sample.scene.views[0].parts[i].model_copy(
                update={
                    "box": box, "full_box": box, "centre_pixel": [u, v], "base_pixel": [u, v + 5], "depth": own[2],
                    "visible_fraction": 1.0, "hidden_by": [], "cut": False, "referable": True, "pixels": 900, "solo_pixels": 900,
                }
            )
        )  # fmt: skip
    shot = sample.scene.views[0].model_copy(update={"parts": seen})
    scene = sample.scene.model_copy(update={"parts": parts, "views": [shot]})
    return sample.model_copy(update={"views": [view], "scene": scene})


def between(sample, camera, moved):
    """Two pictures of a hand-made scene with one: the camera goes so far to the east and north, objects to new places.

    All can be told in both.

    Args:
        moved: where objects stand in the second picture, by their numbers.
    """
    scene, view = sample.scene, sample.views[0]
    pose = np.array(view.world_from_camera)
    pose[:2, 3] += camera
    parts = []
    for number, part in enumerate(scene.parts):
        before = np.array(part.world_from_object[0])
        after = before.copy()
        after[:2, 3] = moved.get(number, before[:2, 3])
        update = {"world_from_object": [before.tolist(), after.tolist()], "present": [True, True]}
        parts.append(part.model_copy(update=update))
    change = None
    if moved:
        number = min(moved)
        way = np.array(moved[number]) - np.array(scene.parts[number].world_from_object[0])[:2, 3]
        distance = float(np.linalg.norm(way)) / OBJECT_RADIUS
        change = SceneChange(part=number, kind="moved", distance=distance, turn_deg=0.0, difference=0.3)
    state = 1 if moved else 0
    shots = [scene.views[0], scene.views[0].model_copy(update={"state": state})]
    after_all = scene.model_copy(update={"parts": parts, "views": shots, "change": change})
    views = [view, view.model_copy(update={"world_from_camera": pose.tolist()})]
    return sample.model_copy(update={"views": views, "scene": after_all})
