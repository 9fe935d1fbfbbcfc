"""The proof of each kind of question, by the kind's name."""

from viewpoint100k.proof.kinds import (
    around,
    camera_on_map,
    composed_angle,
    covisible_point,
    from_the_object,
    marked_point,
    mirrored,
    moved,
    nearer_or_higher,
    of_three,
    order,
    revealed_side,
    several_motions,
    turned,
    which_view,
    zoom_or_dolly,
)
from viewpoint100k.proof.kinds.scene import (
    after_a_move,
    changed_object,
    count,
    facing,
    hides,
    nearer_to,
    places,
    seen_in,
    standing_at,
    taller,
    what_moved,
)
from viewpoint100k.proof.reading import Proof

FILES = (
    moved, turned, around, nearer_or_higher, from_the_object, several_motions, marked_point, covisible_point,
    camera_on_map, revealed_side, mirrored, zoom_or_dolly, which_view, order, composed_angle,
    places, taller, count, nearer_to, facing, standing_at, after_a_move, hides, what_moved, changed_object,
    seen_in, of_three,
)  # fmt: skip
PROOFS: dict[str, Proof] = {kind: proof for file in FILES for kind, proof in file.PROOFS.items()}
