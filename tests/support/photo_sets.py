"""Photographs of a box with a rough pattern, ray-cast here through any lens, and the files that hold poses.

Nothing here comes from viewpoint100k: poses are written out by hand, lenses are undone by OpenCV, rotations
are scipy's.
"""

import json
import struct
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

SIZE = (400, 300)  # width, height
FOCAL = 420.0
HALF = np.array([0.34, 0.24, 0.28])
TEXTURE = 96  # cells of a face, each way


class Shot(NamedTuple):
    """A photograph: its camera in the world that the tests think in (z up, the box in the origin)."""

    name: str
    world_from_camera: np.ndarray  # OpenCV axes
    picture: np.ndarray  # (H, W, 3)


def camera_at(azimuth_deg, elevation_deg=25.0, distance=2.2, aside_deg=0.0, roll_deg=0.0):
    """A camera that looks at the origin, or past it to the right, written out by hand."""
    a, e = np.radians([azimuth_deg, elevation_deg])
    place = distance * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    ahead = -place / distance
    right = np.cross(ahead, [0, 0, 1])
    right /= np.linalg.norm(right)
    axes = np.column_stack([right, np.cross(ahead, right), ahead])
    axes = axes @ Rotation.from_euler("yz", [aside_deg, roll_deg], degrees=True).as_matrix()
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = axes, place
    return out


def matrix(size=SIZE, focal=FOCAL, centre=None):
    """Intrinsics; pixel (0, 0) covers [0, 1) x [0, 1)."""
    cx, cy = centre or (size[0] / 2, size[1] / 2)
    return np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1.0]])


def photograph(world_from_camera, k=None, size=SIZE, distortion=None):
    """What a camera sees of the box before a grey ground of noise far away."""
    k = matrix(size) if k is None else k
    columns, rows = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    pixels = np.stack([columns.ravel(), rows.ravel()], 1)[:, None]
    rays = cv2.undistortPoints(pixels, k, np.zeros(4) if distortion is None else np.array(distortion))[:, 0]
    directions = np.column_stack([rays, np.ones(len(rays))]) @ world_from_camera[:3, :3].T
    origin = world_from_camera[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        slabs = np.stack([(side * HALF - origin) / directions for side in (-1, 1)])
        enter, leave = slabs.min(0).max(-1), slabs.max(0).min(-1)
    hit = (enter < leave) & (enter > 0)
    points = (origin + directions * np.where(hit, enter, 0)[:, None]) / HALF
    face = np.argmax(np.abs(points), axis=1)
    side = (points[np.arange(len(points)), face] > 0).astype(int)
    across = np.array([[1, 2], [0, 2], [0, 1]])[face]
    u, v = (points[np.arange(len(points)), across[:, i]] * 0.5 + 0.5 for i in (0, 1))
    colour = np.full((len(points), 3), 128.0)
    for number in range(6):
        mine = hit & (face == number // 2) & (side == number % 2)
        at = np.stack([u[mine], v[mine]], 1).astype(np.float32) * TEXTURE - 0.5
        colour[mine] = _sampled(_pattern(number), at)
    return np.clip(colour, 0, 255).astype(np.uint8).reshape(size[1], size[0], 3)


def _sampled(texture, at):
    """Bilinear, in strips: OpenCV takes no picture of more than 32,767 columns."""
    parts = [
        cv2.remap(texture, part[:, None, :], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)[:, 0]
        for part in np.array_split(at, max(1, len(at) // 20_000 + 1))
        if len(part)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 3))


def _pattern(number):
    """Blots of several sizes, another pattern for each face."""
    rng = np.random.default_rng(100 + number)
    out = np.zeros((TEXTURE, TEXTURE, 3), np.float32)
    for cells, strength in ((6, 60), (16, 70), (48, 60)):
        coarse = rng.normal(0, strength, (cells, cells, 3)).astype(np.float32)
        out += cv2.resize(coarse, (TEXTURE, TEXTURE), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + out, 0, 255)


def ring(count=8, step_deg=20.0, start_deg=-80.0, **lens):
    """Photographs from around the box, not all of the same height, and not all aimed alike."""
    shots = []
    for number in range(count):
        pose = camera_at(
            start_deg + step_deg * number,
            24 + 3 * (number % 3),
            2.2 + 0.1 * (number % 2),
            (-3, 0, 4)[number % 3],
        )
        shots.append(Shot(f"shot{number:02d}.png", pose, photograph(pose, **lens)))
    return shots


def elsewhere(pose, turn=(40.0, -65.0, 110.0), scale=3.7, move=(5.0, -2.0, 8.0)):
    """The same pose in a world that is turned, scaled and moved, as structure from motion leaves it."""
    rotation = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    out = np.eye(4)
    out[:3, :3] = rotation @ pose[:3, :3]
    out[:3, 3] = scale * rotation @ pose[:3, 3] + np.array(move)
    return out


def corners(count=400):
    """Points of the box's surface, in the world that the tests think in."""
    rng = np.random.default_rng(7)
    points = rng.uniform(-1, 1, (count, 3))
    face = rng.integers(3, size=count)
    points[np.arange(count), face] = np.sign(points[np.arange(count), face])
    return points * HALF


def save(folder, shots):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for shot in shots:
        Image.fromarray(shot.picture).save(Path(folder) / shot.name)


def write_colmap(
    folder,
    shots,
    k=None,
    size=SIZE,
    model=(1, "PINHOLE"),
    numbers=None,
    points=None,
    binary=False,
    world=elsewhere,
):
    """`images` and `sparse/0`. All points are said to be seen in all pictures.

    Args:
        points: (N, 3) in the tests' world; None: those of `corners`.
        world: takes a pose to the model's own world.
    """
    folder = Path(folder)
    save(folder / "images", shots)
    sparse = folder / "sparse" / "0"
    sparse.mkdir(parents=True, exist_ok=True)
    k = matrix(size) if k is None else k
    numbers = [k[0, 0], k[1, 1], k[0, 2], k[1, 2]] if numbers is None else numbers
    points = corners() if points is None else points
    placed = []
    for point in points:
        marker = np.eye(4)
        marker[:3, 3] = point
        placed.append(world(marker)[:3, 3])
    posed = []
    for shot in shots:
        inverse = np.linalg.inv(world(shot.world_from_camera))
        x, y, z, w = Rotation.from_matrix(inverse[:3, :3]).as_quat()
        posed.append((shot.name, (w, x, y, z), inverse[:3, 3]))
    writer = _write_binary if binary else _write_text
    writer(sparse, model, numbers, size, posed, placed)
    return folder


def _write_text(sparse, model, numbers, size, posed, points):
    cells = " ".join(map(repr, map(float, numbers)))
    (sparse / "cameras.txt").write_text(f"# a comment\n1 {model[1]} {size[0]} {size[1]} {cells}\n")
    lines = ["# a comment"]
    for number, (name, quaternion, place) in enumerate(posed, 1):
        seen = " ".join(f"1 1 {i}" for i in range(1, len(points) + 1))
        lines += [f"{number} {' '.join(map(repr, map(float, (*quaternion, *place))))} 1 {name}", seen]
    (sparse / "images.txt").write_text("\n".join(lines) + "\n")
    lines = []
    for i, (x, y, z) in enumerate(_plain(points)):
        track = " ".join(f"{number} {i}" for number in range(1, len(posed) + 1))
        lines.append(f"{i + 1} {x!r} {y!r} {z!r} 1 2 3 0.4 {track}\n")
    (sparse / "points3D.txt").write_text("".join(lines))


def _plain(points):
    return [tuple(map(float, point)) for point in points]


def _write_binary(sparse, model, numbers, size, posed, points):
    head = struct.pack("<QIiQQ", 1, 1, model[0], *size)
    (sparse / "cameras.bin").write_bytes(head + struct.pack(f"<{len(numbers)}d", *numbers))
    data = struct.pack("<Q", len(posed))
    for number, (name, quaternion, place) in enumerate(posed, 1):
        data += (
            struct.pack("<I7dI", number, *quaternion, *place, 1)
            + name.encode()
            + b"\0"
            + struct.pack("<Q", len(points))
            + b"".join(struct.pack("<ddQ", 1, 1, i) for i in range(1, len(points) + 1))
        )
    (sparse / "images.bin").write_bytes(data)
    data = struct.pack("<Q", len(points))
    for number, point in enumerate(points, 1):
        track = b"".join(struct.pack("<II", image, number - 1) for image in range(1, len(posed) + 1))
        data += struct.pack("<Q3d3BdQ", number, *point, 1, 2, 3, 0.4, len(posed)) + track
    (sparse / "points3D.bin").write_bytes(data)


def write_transforms(folder, shots, k=None, size=SIZE, world=elsewhere, **more):
    """transforms.json, with OpenGL's axes, written out by hand."""
    folder = Path(folder)
    save(folder / "images", shots)
    k = matrix(size) if k is None else k
    frames = []
    for shot in shots:
        pose = world(shot.world_from_camera).copy()
        pose[:3, 1] *= -1  # up in place of down
        pose[:3, 2] *= -1  # back in place of ahead
        frames.append({"file_path": f"images/{shot.name}", "transform_matrix": pose.tolist()})
    tree = {"fl_x": k[0, 0], "fl_y": k[1, 1], "cx": k[0, 2], "cy": k[1, 2], "w": size[0], "h": size[1]}
    (folder / "transforms.json").write_text(json.dumps({**tree, **more, "frames": frames}))
    return folder
