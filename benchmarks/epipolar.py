"""Do the pictures agree with the stated motions? Point matches vote; nothing here shares code with
viewpoint100k/geometry.

    python benchmarks/epipolar.py DATASET [--json FILE] [--split train] [--limit 300]

Two checks of every pair of a finished dataset:

1. The pictures are held against the motion that the sample states (from its stored poses and intrinsics) and
   against wrong ones, one at a time:

       mirrored   left and right exchanged: sideways move, yaw and roll have the other sign
       moved      the move alone mirrored, the turn as stated
       turned     the turn alone mirrored, the move as stated
       swapped    the second picture taken for the first

   Points: SIFT points are matched between the pictures. A match fits a motion if it lies within `--px` of its
   epipolar lines in both pictures and in front of both cameras; for a turn on the spot, if it lies within
   `--px` of where the turn takes it. Epipolar lines do not know forth from back, so without "in front" a pure
   sideways move could not be told from its mirror image. A pair decides if the matches that fit one of the
   two motions only are too lopsided for a coin (two-sided binomial test) and the shares differ. Matches on a
   background at infinity fit every move: they know of the turn only. Those that either of the two turns
   explains without any move are left out, unless there is no move.

   Outlines: on a plain background, the two epipolar planes that just touch the object are the same in both
   pictures, however little of its surface they share. A pair decides if they agree within `FITS_PX` for one
   motion and are further apart than `MISFITS_PX` for the other.

   What neither decides is counted as undecided; where the two contradict each other, as for the wrong motion.

2. The signs and values in the json (and the text of each answer) are computed once more from the stored
   poses, by other formulas than the project's. There must be no disagreement.

Needs opencv (`pip install 'viewpoint100k[audit]'`). About 1.2 s of CPU per pair of 512 px.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from viewpoint100k.photos.epipolar import (
    MAX_P_VALUE,
    MIN_MATCHES,
    MIN_SHARE_DIFFERENCE,
    ON_THE_SPOT,
    Array,
    Pair,
    Vote,
    homogeneous,
    match,
    pair_from_poses,
    vote,
    wrong_motions,
)
from viewpoint100k.records import Sample
from viewpoint100k.shards import iter_samples

WRONG = ("mirrored", "moved", "turned", "swapped")
FITS_PX, MISFITS_PX = 2.0, 5.0  # of an outline
NEAR_EPIPOLE_DEG = 15.0  # an object that lies on the line between the cameras has no planes that touch it
PLAIN = 16  # of 255: what differs less from the corners' colour is background
MOST_AGAINST = 0.02  # of the deciding pairs: false matches may deceive a few
NONE_BELOW = {"translation": 0.02, "rotation": 1.0, "azimuth": 1.0}  # "no movement" is true up to here: docs


class Outlines(NamedTuple):
    """What the outlines of one pair say: pixels between the touching planes under each motion."""

    stated_px: float
    wrong_px: float
    verdict: str  # "stated", "wrong" or "undecided"


# --- outlines against a motion --------------------------------------------------------------------------


def outline(data: bytes) -> Array | None:
    """(N, 2) pixels of the convex hull of what is not background; None if the background is not plain."""
    picture = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), dtype=np.int16)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    background = np.median(border, axis=0)
    if (np.abs(border - background).max(1) > PLAIN).any():
        return None  # an HDRI, or an object that the frame cuts
    thing = (np.abs(picture - background).max(2) > PLAIN).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(thing, connectivity=8)
    large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= 8]  # the rest is JPEG's
    rows, cols = np.nonzero(np.isin(labels, large))
    if len(rows) < 50:
        return None
    return np.asarray(
        cv2.convexHull(np.column_stack([cols, rows]).astype(np.int32))[:, 0] + 0.5, dtype=np.float64
    )


def outline_gap_px(pair: Pair, first: Array, second: Array, intrinsics: tuple[Array, Array]) -> float | None:
    """How far apart the epipolar planes that touch the object are in the two pictures: the worse of the two.

    None where there are no such planes: without a move, or with the object ahead of it.
    """
    if np.linalg.norm(pair.translation) < ON_THE_SPOT * pair.distance:
        return None
    along = -pair.rotation.T @ pair.translation  # where the camera went, in first-camera axes
    along /= np.linalg.norm(along)
    rays = [
        homogeneous(first) @ np.linalg.inv(intrinsics[0]).T,
        homogeneous(second) @ np.linalg.inv(intrinsics[1]).T @ pair.rotation,
    ]
    unit = np.concatenate([r / np.linalg.norm(r, axis=1, keepdims=True) for r in rays])
    if np.abs(unit @ along).max() > np.cos(np.radians(NEAR_EPIPOLE_DEG)):
        return None
    middle = rays[0].mean(0) - (rays[0].mean(0) @ along) * along
    across = np.cross(along, middle)  # the planes turn about `along`; both have the length of `middle`
    angles = [np.arctan2(r @ across, r @ middle) for r in rays]
    apart = max(abs(angles[0].min() - angles[1].min()), abs(angles[0].max() - angles[1].max()))
    return float(apart * intrinsics[0][0, 0])


def compare_outlines(
    stated: Pair, wrong: Pair, first: Array, second: Array, intrinsics: tuple[Array, Array]
) -> Outlines | None:
    """Which of two motions the outlines of a pair fit; None where a motion has no touching planes."""
    stated_px, wrong_px = (outline_gap_px(motion, first, second, intrinsics) for motion in (stated, wrong))
    if stated_px is None or wrong_px is None:
        return None
    clear = min(stated_px, wrong_px) <= FITS_PX and max(stated_px, wrong_px) >= MISFITS_PX
    better = "stated" if stated_px < wrong_px else "wrong"
    verdict = better if clear else "undecided"
    return Outlines(stated_px, wrong_px, verdict)


# --- the json, computed once more ---------------------------------------------------------------------


def own_truth(world_from_first: Array, world_from_second: Array) -> dict[str, float]:
    """The published numbers from the two poses, without arc tangents of headings: by cross products seen
    from above.
    """
    first, second = world_from_first, world_from_second
    away_first, away_second = first[:3, 3], second[:3, 3]
    step = (away_second - away_first) / np.linalg.norm(away_first)
    up_first, up_second = first[2, :3], second[2, :3]  # world up in camera axes
    return {
        "right": float(step @ first[:3, 0]),
        "down": float(step @ first[:3, 1]),
        "forward": float(step @ first[:3, 2]),
        "yaw_deg": -_turn_from_above_deg(first[:3, 2], second[:3, 2]),  # to the right is clockwise from above
        "pitch_deg": float(np.degrees(np.arcsin(up_second[2]) - np.arcsin(up_first[2]))),
        # a camera rolled clockwise sees the world's up lean to the left
        "roll_deg": float(
            np.degrees(np.arctan2(-up_second[0], -up_second[1]) - np.arctan2(-up_first[0], -up_first[1]))
        ),
        "azimuth_change_deg": _turn_from_above_deg(away_first, away_second),
        "elevation_change_deg": _elevation_deg(away_second) - _elevation_deg(away_first),
        "distance_ratio": float(np.linalg.norm(away_second) / np.linalg.norm(away_first)),
        "rotation_deg": float(np.degrees(np.linalg.norm(cv2.Rodrigues(second[:3, :3].T @ first[:3, :3])[0]))),
    }


def _turn_from_above_deg(a: Array, b: Array) -> float:
    """Counter-clockwise angle from a to b on the ground, in (-180, 180]."""
    return float(np.degrees(np.arctan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])))


def _elevation_deg(away: Array) -> float:
    return float(np.degrees(np.arcsin(away[2] / np.linalg.norm(away))))


def disagreements(sample: Sample) -> list[str]:
    """What the json says otherwise than its own poses; empty if nothing."""
    first, second = (np.array(view.world_from_camera) for view in sample.views[:2])
    own, truth = own_truth(first, second), sample.truth
    stated = dict(zip(("right", "down", "forward"), truth.translation, strict=True))
    stated |= {name: getattr(truth, name) for name in own if name not in stated}
    out = [
        f"{name}: stated {stated[name]:.6f}, from the poses {own[name]:.6f}"
        for name in own
        if abs(_difference(name, stated[name], own[name])) > 1e-4 * max(1.0, abs(own[name]))
    ]
    if not np.allclose(np.linalg.solve(second, first), truth.second_from_first, atol=1e-5):
        out.append("second_from_first is not what the poses give")
    for view in sample.views:
        k = np.array(view.intrinsics)
        if abs(np.degrees(2 * np.arctan(k[0, 2] / k[0, 0])) - view.hfov_deg) > 1e-3:
            out.append(f"intrinsics and hfov_deg = {view.hfov_deg} disagree")
    back = own_truth(second, first)  # some are asked from the second view to the first
    for question in sample.questions:
        mine = back if question.images == [1, 0] else own
        expected = expected_answer(question.type, question.frame, mine)
        if not question.options:
            value = question.value or 0.0  # to a tenth of a degree; the answer is that to a degree
            off = abs(value - abs(mine["azimuth_change_deg"]))
            if question.type == "angle_number" and (
                off > 0.051 or abs(float(question.answer) - value) > 0.501
            ):
                out.append(
                    f"{question.type}: answer {question.answer}, of {value}, which is off by {off:.1f} "
                    "degrees"
                )
            continue
        lettered = _written(question.answer, question.options)
        if expected and not {lettered, question.options[question.answer_index]} <= expected:
            out.append(
                f"{question.type} / {question.frame}: answer {question.answer} is {lettered!r}, expected "
                f"{sorted(expected)}"
            )
    return out


def _written(answer: str, options: Sequence[str]) -> str:
    """The option that an answer names, by its letter, number, words or JSON."""
    mark = json.loads(answer)["answer"] if answer.startswith("{") else answer
    marks = "ABCDEFGHIJ" if not mark.isdigit() else "123456789"
    return options[marks.index(mark)] if len(mark) == 1 and marks.index(mark) < len(options) else answer


def _difference(name: str, a: float, b: float) -> float:
    return (a - b + 180) % 360 - 180 if name.endswith("_deg") else a - b


def expected_answer(type_: str, frame: str, own: Mapping[str, float]) -> set[str]:
    """The text of the right option, from `own_truth`; empty for a kind that this file does not know."""
    match type_, frame:
        case "ego_translation", "camera_1":
            return {_word(own["right"], NONE_BELOW["translation"], "left", "right", "no movement sideways")}
        case "object_translation", "object_facing_camera_1":  # face to face, your left is my right
            return {_word(own["right"], NONE_BELOW["translation"], "right", "left", "no movement sideways")}
        case "object_translation", "seen_from_above":
            words = "clockwise", "counter-clockwise", "no movement around it"
            return {_word(own["azimuth_change_deg"], NONE_BELOW["azimuth"], *words)}
        case "ego_rotation", "camera_1":
            return {_word(own["yaw_deg"], NONE_BELOW["rotation"], "left", "right", "no horizontal rotation")}
        case "vertical_translation", "camera_1":
            return {_word(-own["down"], NONE_BELOW["translation"], "down", "up", "neither up nor down")}
        case "forward_translation", "camera_1":
            words = "backward", "forward", "neither forward nor backward"
            return {_word(own["forward"], NONE_BELOW["translation"], *words)}
        case "pitch", "camera_1":
            return {_word(own["pitch_deg"], NONE_BELOW["rotation"], "down", "up", "no tilt")}
        case "roll", "behind_camera_1":
            return {
                _word(own["roll_deg"], NONE_BELOW["rotation"], "counter-clockwise", "clockwise", "no roll")
            }
        case "elevation", "object":
            return {
                _word(own["elevation_change_deg"], NONE_BELOW["azimuth"], "lower", "higher", "equally high")
            }
        case "distance", "object":
            return {_word(np.log(own["distance_ratio"]), np.log(1.03), "nearer", "farther", "equally far")}
        case "relative_pose", "camera_1":
            sides = ("left", "right")
            return {f"moved {sides[own['right'] > 0]}, turned {sides[own['yaw_deg'] > 0]}"}
        case "combined_translation", "camera_1":
            return {f"{'right' if own['right'] > 0 else 'left'} and {'down' if own['down'] > 0 else 'up'}"}
    return set()


def _word(value: float, none_below: float, negative: str, positive: str, none: str) -> str:
    if abs(value) <= none_below:
        return none
    return positive if value > 0 else negative


# --- a whole dataset ------------------------------------------------------------------------------------


class Checked(NamedTuple):
    """One sample's row."""

    key: str
    family: str
    background: str
    azimuth_change_deg: float
    matches: int
    points: dict[str, Vote]  # per wrong motion
    outlines: dict[str, Outlines]
    disagreements: list[str]
    unknown_questions: int

    def verdict(self, wrong: str) -> str:
        """Of both voters; "wrong" where they contradict each other."""
        said = {voter[wrong].verdict for voter in (self.points, self.outlines) if wrong in voter} - {
            "undecided"
        }
        if "wrong" in said:
            return "wrong"
        return "stated" if said else "undecided"


def check(key: str, sample: Sample, images: list[bytes], px: float = 2.0) -> Checked:
    first, second = (np.array(view.world_from_camera) for view in sample.views[:2])
    intrinsics = np.array(sample.views[0].intrinsics), np.array(sample.views[1].intrinsics)
    stated = pair_from_poses(first, second)
    wrong = wrong_motions(stated)
    a, b = match(images[0], images[1])
    hulls = [outline(image) for image in images[:2]]
    outlines = {}
    if hulls[0] is not None and hulls[1] is not None:
        compared = {
            name: compare_outlines(stated, other, hulls[0], hulls[1], intrinsics)
            for name, other in wrong.items()
        }
        outlines = {name: one for name, one in compared.items() if one}
    own = own_truth(first, second)
    return Checked(
        key=key,
        family=sample.family,
        background=sample.views[0].background,
        azimuth_change_deg=own["azimuth_change_deg"],
        matches=len(a),
        points={name: vote(stated, other, a, b, intrinsics, px) for name, other in wrong.items()},
        outlines=outlines,
        disagreements=disagreements(sample),
        unknown_questions=sum(not expected_answer(q.type, q.frame, own) for q in sample.questions),
    )


def summarise(rows: Iterable[Checked]) -> dict[str, Any]:
    """Counts per family and per wrong motion, and the keys that a person should look at."""
    rows = list(rows)
    names = [*sorted({row.family for row in rows}), "all"]
    families = {}
    for family in names:
        mine = [row for row in rows if family in (row.family, "all")]
        families[family] = {"pairs": len(mine), **{wrong: _count(mine, wrong) for wrong in WRONG}}
    gaps = [next(iter(row.outlines.values())).stated_px for row in rows if row.outlines]
    return {
        "pairs": len(rows),
        "families": families,
        "against": {wrong: [row.key for row in rows if row.verdict(wrong) == "wrong"] for wrong in WRONG},
        "median_outline_gap_px": round(float(np.median(gaps)), 3) if gaps else None,
        "disagreements": {row.key: row.disagreements for row in rows if row.disagreements},
        "questions_not_known_here": sum(row.unknown_questions for row in rows),
    }


def _count(rows: list[Checked], wrong: str) -> dict[str, Any]:
    rows = [row for row in rows if wrong in row.points]
    out: dict[str, Any] = {"compared": len(rows)}
    verdicts = {
        "either": [row.verdict(wrong) for row in rows],
        "points": [row.points[wrong].verdict for row in rows],
        "outlines": [row.outlines[wrong].verdict for row in rows if wrong in row.outlines],
    }
    for voter, given in verdicts.items():
        stated, against = given.count("stated"), given.count("wrong")
        percent = round(100 * stated / (stated + against), 2) if stated + against else None
        out[voter] = {
            "deciding": stated + against,
            "stated": stated,
            "wrong": against,
            "percent_stated": percent,
        }
    deciding = [row.points[wrong] for row in rows if row.points[wrong].verdict != "undecided"]
    for name in ("stated_share", "wrong_share"):
        out[f"median_{name}"] = (
            round(float(np.median([getattr(one, name) for one in deciding])), 3) if deciding else None
        )
    return out


def table(summary: Mapping[str, Any]) -> Table:
    out = Table(
        title="Pairs for the stated motion / pairs that decide between it and a wrong one",
        box=box.SIMPLE,
        padding=(0, 0, 0, 1),
    )
    out.add_column("family", no_wrap=True)
    out.add_column("pairs", justify="right")
    for heading in ("mirrored", "(points)", "(outline)", "moved", "turned", "swapped"):
        out.add_column(heading, justify="right", no_wrap=True)
    for family, count in summary["families"].items():
        cells = [
            _cell(count[wrong], voter)
            for wrong, voter in (
                ("mirrored", "either"),
                ("mirrored", "points"),
                ("mirrored", "outlines"),
                ("moved", "either"),
                ("turned", "either"),
                ("swapped", "either"),
            )
        ]
        out.add_row(family, str(count["pairs"]), *cells)
    return out


def _cell(count: Mapping[str, Any], voter: str) -> str:
    return f"{count[voter]['stated']}/{count[voter]['deciding']}" if count["compared"] else "-"


def main(
    dataset: Path,
    json_file: Path | None = None,
    split: str | None = None,
    limit: int | None = None,
    px: float = 2.0,
) -> int:
    """Check a dataset, print the table, and return 1 if anything speaks against it."""
    console, rows = Console(), []
    with console.status("matching") as status:
        for number, (key, sample, images) in enumerate(iter_samples(dataset, split)):
            if limit is not None and number >= limit:
                break
            rows.append(check(key, sample, images, px))
            status.update(f"matching: {len(rows)} pairs")
    summary = summarise(rows)
    console.print(table(summary))
    mirrored = summary["families"]["all"]["mirrored"]
    console.print(
        f"{mirrored['either']['percent_stated']} % of the deciding pairs are for the stated motion against "
        "the mirrored one. "
        f"Median share of matches that fit, stated : mirrored = {mirrored['median_stated_share']} : "
        f"{mirrored['median_wrong_share']}; median gap of the outlines under the stated motion: "
        f"{summary['median_outline_gap_px']} px"
    )
    for wrong, keys in summary["against"].items():
        if keys:
            console.print(f"for {wrong!r} and against the stated motion, look at: {' '.join(keys)}")
    for key, lines in summary["disagreements"].items():
        console.print(f"{key}: {'; '.join(lines)}", markup=False)
    console.print(
        f"{len(summary['disagreements'])} of {len(rows)} samples whose json disagrees with its own poses"
    )
    if json_file:
        settings = {
            "px": px,
            "min_matches": MIN_MATCHES,
            "max_p_value": MAX_P_VALUE,
            "min_share_difference": MIN_SHARE_DIFFERENCE,
            "fits_px": FITS_PX,
            "misfits_px": MISFITS_PX,
        }
        samples = [
            {
                **row._asdict(),
                **{
                    v: {n: one._asdict() for n, one in getattr(row, v).items()}
                    for v in ("points", "outlines")
                },
            }
            for row in rows
        ]
        json_file.write_text(
            json.dumps({"settings": settings, **summary, "samples": samples}, indent=1), encoding="utf-8"
        )
    too_many = mirrored["either"]["wrong"] > MOST_AGAINST * max(mirrored["either"]["deciding"], 1)
    return int(bool(summary["disagreements"]) or too_many)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path, help="the folder that `viewpoint100k generate` wrote")
    parser.add_argument("--json", type=Path, dest="json_file", help="write every vote and the summary here")
    parser.add_argument("--split", choices=("train", "validation", "test"))
    parser.add_argument("--limit", type=int, help="only the first so many pairs")
    parser.add_argument("--px", type=float, default=2.0, help="how near to the line a match must lie")
    sys.exit(main(**vars(parser.parse_args())))
