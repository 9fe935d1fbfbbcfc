"""Turns one set of photographs into samples without questions, and records what was left out and why."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewpoint100k.annotate import make_truth
from viewpoint100k.config import GateConfig, PhotosConfig, RunConfig
from viewpoint100k.errors import InputError, ObjectRefused
from viewpoint100k.geometry.cameras import pose, project
from viewpoint100k.geometry.rotations import Array
from viewpoint100k.motions import family_of
from viewpoint100k.photos.epipolar import NO_FEATURES, Features, features_of
from viewpoint100k.photos.pairs import (
    MATCHED_PX,
    Support,
    candidate_pairs,
    errors_of,
    shared_share,
    support,
)
from viewpoint100k.photos.picture import (
    Camera,
    as_jpeg,
    decoded,
    mask_box,
    mask_taken,
    square_camera,
    taken,
)
from viewpoint100k.photos.posed import PhotoSet, Points
from viewpoint100k.photos.subject import Subject, find_subject
from viewpoint100k.photos.tracks import found_points
from viewpoint100k.photos.up import AGREE_DEG, Vertical, find_vertical, quarter_turns
from viewpoint100k.records import (
    OBJECT_RADIUS,
    Decidability,
    Family,
    Photographed,
    Reject,
    Truth,
    View,
    matrix,
)

NOT_MEASURED = Decidability(**dict.fromkeys(Decidability.model_fields, 0.0))
PHOTOGRAPH = "photograph"  # stored in place of the names of light and background
FEWEST_BOX_POINTS = 20
SHARP = 6  # digits of stored numbers
MOST_FEATURES = 4000  # per picture
MOST_IN_VAIN = 12  # failed pairs of one bin in a row, after which no more of that bin are tried
KEPT = 48  # pictures whose features are in memory: 2 MB each
STEEPEST = 0.98  # sine of the elevation of a line of sight: steeper ones have no meaningful roll and bearing


class PhotoPair(NamedTuple):
    """A pair that may be asked about."""

    views: list[View]
    truth: Truth
    photographed: Photographed
    family: Family
    jpegs: list[bytes]


class SetResult(NamedTuple):
    """The result of one set."""

    pairs: list[PhotoPair]
    rejects: list[Reject]
    dropped: Counter[str]
    looked_at: int  # number of photographs that were decoded
    vertical: str
    licence: str


class _Shown(NamedTuple):
    """The square view of a photograph."""

    view: View
    jpeg: bytes
    features: Features
    lens: Array  # (3, 3) of the square in which the features were found


def pairs_of_set(photos: PhotoSet, config: RunConfig, wanted: int, rng: np.random.Generator) -> SetResult:
    """At most `wanted` pairs of one set that its own pictures support."""
    assert config.photos is not None, "the command photos sets it"
    try:
        desk = Desk(photos, config)
    except ObjectRefused as refusal:
        rejects = _problems(photos)
        rejects.append(Reject(uid=photos.name, stage="gate", reason=str(refusal)))
        return SetResult([], rejects, Counter({"sets that show no object": 1}), 0, "unknown", photos.licence)
    rejects = _problems(desk.photos)
    if desk.vertical.up is None:
        rejects.append(Reject(uid=photos.name, stage="annotate", reason=desk.vertical.why))
    pairs, more, dropped = _chosen(desk, wanted, rng)
    rejects += more
    if not pairs and not dropped:
        low = config.photos.apart_deg.low
        high = config.photos.apart_deg.high
        why = (
            f"no two of its {len(photos.photographs)} pictures are {low:g} to {high:g} degrees apart, seen "
            f"from "
            "the object"
        )
        rejects.append(Reject(uid=photos.name, stage="gate", reason=why))
    return SetResult(pairs, rejects, dropped, desk.decoded, desk.vertical.source, photos.licence)


def _problems(photos: PhotoSet) -> list[Reject]:
    """A row for each photograph, or group of photographs, that was left out."""
    return [Reject(uid=photos.name, stage="import", reason=problem[:2000]) for problem in photos.problems]


def _chosen(
    desk: "Desk", wanted: int, rng: np.random.Generator
) -> tuple[list[PhotoPair], list[Reject], Counter[str]]:
    """Try candidates until enough are good or too many have failed."""
    pairs = list[PhotoPair]()
    rejects = list[Reject]()
    dropped = Counter[str]()
    used = Counter[int]()
    in_vain = Counter[int]()  # failures since the last good pair of each bin
    closed = set[int]()
    tries = desk.settings.tries_per_pair * wanted
    for first, second, place in candidate_pairs(desk.poses, desk.settings, rng, closed):
        if len(pairs) >= wanted or tries <= 0:
            break
        if max(used[first], used[second]) >= desk.config.plan.pairs_per_view:
            continue
        tries -= 1
        try:
            pairs.append(desk.pair(first, second))
            in_vain[place] = 0
        except ObjectRefused as refusal:
            names = " and ".join(desk.photos.photographs[i].name for i in (first, second))
            rejects.append(Reject(uid=desk.photos.name, stage="gate", reason=f"pair {names}: {refusal}"))
            dropped["pairs that their own pictures do not support, or that cannot be shown"] += 1
            in_vain[place] += 1
            if in_vain[place] >= MOST_IN_VAIN:
                closed.add(place)
            continue
        used.update((first, second))
    return pairs, rejects, dropped


class Desk:
    """A set with its object at the origin and up along +z, and those of its photographs that were needed."""

    def __init__(self, photos: PhotoSet, config: RunConfig, vertical: Vertical | None = None) -> None:
        """
        Args:
            vertical: the vertical, if it is known for sure; None: it is estimated from cues.

        Raises:
            ObjectRefused: the set was not taken around an object, or the object's position cannot be
                determined.
        """
        if len(photos.photographs) < 2:
            raise ObjectRefused(f"{len(photos.photographs)} pictures with poses; expected two or more")
        assert config.photos is not None
        self.config = config
        self.settings: PhotosConfig = config.photos
        self.photos = _with_mask_boxes(photos)
        given = None if self.settings.subject is None else tuple(self.settings.subject)
        points = photos.points
        masked = any(one.mask_box is not None for one in self.photos.photographs)
        if points is None and given is None and not masked:
            points = found_points(photos)
        self.subject: Subject = find_subject(self.photos, points, given)
        up = None if self.settings.up is None else np.array(self.settings.up)
        self.vertical = vertical or find_vertical(self.photos, self.subject, points, up)
        self.frame = _frame_of(self.vertical.up, self.photos)
        self.points = _near(points, self.subject, self.frame)
        self.tracked = photos.points is not None
        self.poses = [self.to_world(one.world_from_camera) for one in self.photos.photographs]
        self.decoded = 0
        self._shown = dict[int, _Shown | str]()

    def to_world(self, set_from_camera: Array) -> Array:
        """Convert a pose from the set's own world to that of the samples.

        The result is rigid, with lengths scaled by the object's radius.
        """
        place = self.frame @ (set_from_camera[:3, 3] - self.subject.centre)
        return pose(self.frame @ set_from_camera[:3, :3], place * OBJECT_RADIUS / self.subject.radius)

    def shown(self, number: int) -> _Shown:
        """The square view of one photograph, cached.

        Raises:
            ObjectRefused: it cannot be shown; the message says why.
        """
        if number not in self._shown:
            if len(self._shown) >= KEPT:
                self._shown.pop(next(iter(self._shown)))
            try:
                self._shown[number] = self.look(number)
            except (InputError, ObjectRefused) as error:
                self._shown[number] = str(error)
        view = self._shown[number]
        if isinstance(view, str):
            raise ObjectRefused(view)
        return view

    def look(self, number: int, *, matched: bool = True) -> _Shown:
        """The square view of one photograph, decoded anew.

        Args:
            matched: whether to compute its features, which takes most of the time.

        Raises:
            InputError: it cannot be decoded.
            ObjectRefused: it has no square that shows the object.
        """
        photo = self.photos.photographs[number]
        turns = 0
        if self.vertical.up is not None:
            turns = quarter_turns(photo.world_from_camera[:3, :3], self.vertical.up)
        pixels = decoded(photo)
        self.decoded += 1
        # the picture may be smaller than the one for which its camera was estimated
        photo = photo._replace(lens=pixels.lens)
        camera = square_camera(photo, self.subject, turns)
        if camera is None:
            raise ObjectRefused(f"{photo.name} has no square with the object in it")
        size_px = self.config.render.size_px
        view = self._view(number, camera, size_px)
        if abs(view.world_from_camera[2][2]) > STEEPEST and self.vertical.up is not None:
            raise ObjectRefused(f"{photo.name} looks straight up or down")
        mask = mask_taken(photo, pixels, camera, size_px)
        if mask is not None:
            box = mask_box(mask)
            view = view.model_copy(
                update={"object_box": list(box), "object_share": round(float(mask.mean()), SHARP)}
            )
        jpeg = as_jpeg(taken(photo, pixels, camera, size_px))
        features = NO_FEATURES
        if matched:
            large = taken(photo, pixels, camera, MATCHED_PX)
            features = features_of(_grey(large), most=MOST_FEATURES)
        return _Shown(view, jpeg, features, _lens(camera, MATCHED_PX))

    def _view(self, number: int, camera: Camera, size_px: int) -> View:
        lens = _lens(camera, size_px)
        world = np.round(self.to_world(camera.world_from_camera), 9)
        box = self._box(number, world, lens, size_px)
        width = box[2] - box[0]
        height = box[3] - box[1]
        if width < 2 or height < 2:
            raise ObjectRefused(f"{self.photos.photographs[number].name} does not show the object")
        return View(
            intrinsics=lens.tolist(),
            world_from_camera=world.tolist(),
            hfov_deg=math.degrees(2 * math.atan(lens[0, 2] / lens[0, 0])),
            object_box=list(box),
            # the area of an ellipse in the box, because without a mask the object's area is unknown
            object_share=round(math.pi / 4 * width * height / size_px**2, SHARP),
            light=PHOTOGRAPH,
            background=PHOTOGRAPH,
        )

    def _box(self, number: int, world: Array, lens: Array, size_px: int) -> tuple[float, float, float, float]:
        """The object's box in a square, without a mask.

        It is the box of the object's points if there are enough, else that of its sphere.
        """
        seen = self.points
        if seen is not None and len(seen) >= FEWEST_BOX_POINTS:
            pixels, depth = project(seen, world, lens)
            low, high = np.percentile(pixels[depth > 0], (2, 98), axis=0)
        else:
            middle, depth = project(np.zeros((1, 3)), world, lens)
            distance = float(np.linalg.norm(world[:3, 3]))
            reach = lens[0, 0] * math.tan(math.asin(min(OBJECT_RADIUS / distance, 0.99)))
            low = middle[0] - reach
            high = middle[0] + reach
        left, top = (round(float(min(max(value, 0.0), size_px)), 2) for value in low)
        right, bottom = (round(float(min(max(value, 0.0), size_px)), 2) for value in high)
        return left, top, right, bottom

    def pair(self, first: int, second: int) -> PhotoPair:
        """The pair of two photographs in this order.

        Raises:
            ObjectRefused: its pictures do not support it; the message says why.
        """
        shown = [self.shown(first), self.shown(second)]
        views = [photo.view for photo in shown]
        poses = matrix(views[0].world_from_camera), matrix(views[1].world_from_camera)
        names = [self.photos.photographs[i].name for i in (first, second)]
        shared = None
        if self.tracked and self.photos.points is not None:
            shared = shared_share(self.photos.points, names[0], names[1])
            if not shared:
                raise ObjectRefused("its pictures have no point of the poses' own model in common")
        measured = support(
            poses,
            (shown[0].lens, shown[1].lens),
            (shown[0].features, shown[1].features),
            self.settings,
        )
        if measured.problem:
            raise ObjectRefused(measured.problem)
        if shared is None:
            fewer = min(len(photo.features.px) for photo in shown)
            shared = min(1.0, measured.matches / max(fewer, 1))
        truth = make_truth(views[0], views[1], shared, None)
        photographed = self._photographed(names, measured, poses, shown[0].lens[0, 0])
        family = family_of(_code(truth, self.config.gates))
        return PhotoPair(views, truth, photographed, family, [photo.jpeg for photo in shown])

    def _photographed(
        self, names: list[str], measured: Support, poses: tuple[Array, Array], focal_px: float
    ) -> Photographed:
        away = [pose[:3, 3] / np.linalg.norm(pose[:3, 3]) for pose in poses]
        apart_deg = math.degrees(math.acos(float(np.clip(away[0] @ away[1], -1, 1))))
        turn_deg, move = errors_of(measured.error_px, focal_px, apart_deg, self._vertical_error_deg())
        return Photographed.model_validate(
            {
                "names": [name[:200] for name in names],
                "form": self.photos.form,
                "vertical": self.vertical.source,
                "subject": self.subject.source,
                "matches": measured.matches,
                "stated_share": round(measured.stated_share, SHARP),
                "mirrored_share": round(measured.mirrored_share, SHARP),
                "turn_error_deg": round(turn_deg, SHARP),
                "move_error": round(move, SHARP),
            }
        )

    def _vertical_error_deg(self) -> float:
        """The angle between the cues that agree; for a single cue, the largest angle allowed."""
        if self.vertical.up is None:
            return 0.0
        return self.vertical.apart_deg if self.vertical.apart_deg is not None else AGREE_DEG


def _with_mask_boxes(photos: PhotoSet) -> PhotoSet:
    """The set with the box of each mask added, and without the masks that cannot be read."""
    out = []
    problems = list(photos.problems)
    for photo in photos.photographs:
        if photo.mask is not None and photo.mask_box is None:
            try:
                mask = decoded(photo._replace(path=photo.mask, mask=None, second=None))
                white = mask.rgb.max(axis=2) > 127
                photo = photo._replace(mask_box=mask_box(white, photo.lens.width) if white.any() else None)
            except InputError as error:
                problems.append(f"the mask is left out: {error}")
                photo = photo._replace(mask=None)
        out.append(photo)
    return photos._replace(photographs=tuple(out), problems=tuple(problems))


def _frame_of(up: Array | None, photos: PhotoSet) -> Array:
    """(3, 3) rotation that takes up to +z.

    The first photograph's camera is roughly at azimuth 0.
    """
    ahead = photos.photographs[0].world_from_camera[:3, 2]
    if up is None:  # any frame will do; in this one, no camera looks straight up or down
        up = -np.mean([photo.world_from_camera[:3, 1] for photo in photos.photographs], axis=0)
        if np.linalg.norm(up) < 0.1:
            up = -photos.photographs[0].world_from_camera[:3, 1]
        up = up / np.linalg.norm(up)
    level = ahead - (ahead @ up) * up
    if np.linalg.norm(level) < 1e-3:
        level = photos.photographs[0].world_from_camera[:3, 0]
        level = level - (level @ up) * up
    y = level / np.linalg.norm(level)
    return np.array([np.cross(y, up), y, up])


def _near(points: Points | None, subject: Subject, frame: Array) -> Array | None:
    """(N, 3) the object's own points in the world of the samples."""
    if points is None:
        return None
    away = points.world - subject.centre
    near = away[np.linalg.norm(away, axis=1) <= subject.radius]
    return np.asarray(near @ frame.T * OBJECT_RADIUS / subject.radius)


def _lens(camera: Camera, size_px: int) -> Array:
    focal = round(0.5 * size_px / camera.half, SHARP)
    return np.array([[focal, 0.0, 0.5 * size_px], [0.0, focal, 0.5 * size_px], [0.0, 0.0, 1.0]])


def _grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _code(truth: Truth, gates: GateConfig) -> str:
    """The signs of a motion as plans write them: right, up, forward, yaw, pitch, roll, zoom."""
    right, down, ahead = truth.translation
    amounts: Sequence[tuple[float, float]] = (
        (right, gates.truck_grey.high),
        (-down, gates.truck_grey.high),
        (ahead, gates.dolly_grey.high),
        (truth.yaw_deg, gates.yaw_grey_deg.high),
        (truth.pitch_deg, gates.tilt_grey_deg.high),
        (truth.roll_deg, gates.tilt_grey_deg.high),
        (math.log(truth.focal_ratio), math.log(gates.size_grey.high)),
    )
    return "".join(_sign(value, least) for value, least in amounts)


def _sign(value: float, least: float) -> str:
    if abs(value) < least:
        return "0"
    return "+" if value > 0 else "-"
