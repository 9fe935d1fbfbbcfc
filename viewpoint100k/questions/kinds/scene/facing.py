"""Which way an object of a scene faces, for the camera or compared with another one."""

from viewpoint100k.config import GateConfig
from viewpoint100k.questions.facts.chain import UNCLEAR, Facts
from viewpoint100k.questions.facts.scene import PictureKind, off_axis, shot_of, solved
from viewpoint100k.questions.facts.scene_sentences import Told, chain_of_scene, differ, front, turn_deg
from viewpoint100k.questions.kind import Figure, Known, Solved

HALF_DEG = 45.0  # from one of four directions to the middle between two
FACES = ("away", "right", "towards", "left")  # by quarters, clockwise
FACING = ("same", "quarter_right", "opposite", "quarter_left")
SURE_DEG = 10  # from the line between two quarters


def solve_faces(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C6. Which way an object with a known front faces, for the camera."""
    shot = shot_of(known, figure, 1)
    facing = shot.front_deg(figure.parts[0]) if shot else None
    if shot is None or facing is None:
        return None
    sight = shot.bearing_deg(shot.centres[figure.parts[0]] - shot.camera[:3, 3])
    quarter, off = off_axis(facing)
    by_sight, off_sight = off_axis((facing - sight) % 360)
    if quarter != by_sight:
        return None
    return solved(shot, figure, quarter, (HALF_DEG - max(off, off_sight)) / gates.scene_facing_deg)


def solve_facing(known: Known, figure: Figure, gates: GateConfig) -> Solved | None:
    """C6. How the direction in which an object faces differs from that of another one, by their known
    fronts.
    """
    shot = shot_of(known, figure, 2)
    fronts = [shot.front_deg(part) for part in figure.parts] if shot else []
    if shot is None or fronts[0] is None or fronts[1] is None:
        return None
    quarter, off = off_axis((fronts[1] - fronts[0]) % 360)
    return solved(shot, figure, quarter, (HALF_DEG - off) / gates.scene_facing_deg)


def _own_front(told: Told) -> Facts:
    return front(told, "front_a", told.figure.parts[0])


def _both_fronts(told: Told) -> Facts:
    a, b = told.figure.parts
    first = front(told, "front_a", a)
    second = front(told, "front_b", b)
    return first | second | differ(first, second)


def _quarter(angle: int, names: tuple[str, ...]) -> str:
    quarter, off = divmod((angle + 45) % 360, 90)
    return names[quarter] if SURE_DEG <= off <= 90 - SURE_DEG else UNCLEAR


def _faces(told: Told, facts: Facts) -> set[str]:
    return {_quarter(int(facts["front_a"].args[1]), FACES)} if "front_a" in facts else set()


def _facing(told: Told, facts: Facts) -> set[str]:
    turn = turn_deg(facts)
    return set() if turn is None else {_quarter(turn, FACING)}


KINDS = (
    PictureKind(
        name="faces/camera",
        rank=34,
        options=FACES,
        solve=solve_faces,
        parts=1,
        chain=chain_of_scene(
            _own_front,
            _faces,
            (("front_a!", "=quarters"), ("=quarters", "front_a!")),
            premises={
                "quarters": (
                    "0 degrees is away from the camera, 90 to the right, 180 towards it and 270 to the left",
                    "Away from the camera is 0 degrees, to the right is 90, towards the camera is 180 and "
                    "to the left is 270",
                )
            },
        ),
    ),
    PictureKind(
        name="facing/objects",
        rank=35,
        options=FACING,
        solve=solve_facing,
        parts=2,
        chain=chain_of_scene(
            _both_fronts,
            _facing,
            (
                ("front_a!", "front_b!", "differ!"),
                ("=clockwise_right", "front_a!", "front_b!", "differ!"),
                ("front_a!", "front_b!", "differ!", "=clockwise_right"),
            ),
        ),
    ),
)
