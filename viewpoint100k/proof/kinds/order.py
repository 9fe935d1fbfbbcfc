"""In which order were the other three pictures taken, on one way around the object?"""

import itertools

from viewpoint100k.proof.case import ALL_VIEWS, Answer, Case, Label
from viewpoint100k.proof.facts import PREMISES
from viewpoint100k.proof.forms import of_figure
from viewpoint100k.proof.reading import Fact, Proof, Said, Say
from viewpoint100k.proof.sets import OTHERS, SAME_SIDE_DEG, around_deg, has_gone, turns_by, way_deg

REACHED = ("a third of the way", "two thirds of the way", "nearly all the way", "all the way", "out of sight")
RANKS = ("the most", "an amount in between", "the least")


def _solve(case: Case) -> Answer | str:
    turns = {view: way_deg(case, 0, view)[0] for view in (1, 2, 3)}
    along = [0, *sorted(turns, key=lambda view: abs(turns[view]))]
    legs = [way_deg(case, first, second)[0] for first, second in itertools.pairwise(along)]
    if len({leg > 0 for leg in legs}) != 1 or abs(sum(legs)) >= 180:
        return f"has no one way around its views: legs of {[round(leg) for leg in legs]} degrees"
    words = ", ".join(str(view + 1) for view in along[1:])
    difference = case.sample.seen.difference
    least = min(difference[a][b] for a, b in itertools.permutations(range(4), 2))
    label = Label(words, min(map(abs, legs)) / case.gates.min_step_deg)
    return Answer(label, least, tuple(itertools.pairwise(along)))


# --- what chains say ---------------------------------------------------------------------------------


def _all_one_way(case: Case, say: Say) -> bool:
    turns = [around_deg(case, 1, image) for image in OTHERS]
    return min(turns) > SAME_SIDE_DEG if say["way"] == "right" else max(turns) < -SAME_SIDE_DEG


def _parts(case: Case, say: Say) -> bool:
    return all(has_gone(case, 1, image, say[f"p{image}"], say["way"]) for image in OTHERS)


def _shared(case: Case, say: Say) -> bool:
    images = case.question.images
    with_first = case.sample.seen.covisible_fraction[images[0]]
    shares = {say[f"p{image}"]: with_first[images[image - 1]] for image in OTHERS}
    most, middle, least = (shares[rank] for rank in RANKS)
    return most > middle > least


def _part(image: int) -> str:
    return f"<p{image}:{'|'.join(REACHED)}>"


def _rank(image: int) -> str:
    return f"<p{image}:{'|'.join(RANKS)}>"


ALL_ONE_WAY = Fact(
    "all_one_way",
    (
        "images 2, 3 and 4 each show more of the side of the object that was on the <way:left|right> in "
        "image 1",
        "in all of images 2, 3 and 4, the object is seen more from the side that was on the "
        "<way:left|right> in image 1",
    ),
    _all_one_way,
)
PARTS = Fact(
    "parts",
    (
        "moving towards the object's <way:left|right> edge, the part that faced the camera in image 1 is "
        f"{_part(2)} in image 2, {_part(3)} in image 3 and {_part(4)} in image 4",
        "the part that faced the camera in image 1 has moved towards the <way:left|right> edge of the "
        f"object: in image 2 it is {_part(2)}, in image 3 {_part(3)}, in image 4 {_part(4)}",
    ),
    _parts,
)
TURNS = Fact(
    "turns",
    (
        "counted from image 1, the angle around the object is about <deg2:tens> degrees for image 2, about "
        "<deg3:tens> for image 3 and about <deg4:tens> for image 4",
        "around the object, image 2 is about <deg2:tens> degrees away from image 1, image 3 about "
        "<deg3:tens> and image 4 about <deg4:tens>",
    ),
    turns_by,
)
SHARED = Fact(
    "shared",
    (
        f"of the surface seen in image 1, image 2 shows {_rank(2)}, image 3 {_rank(3)} and image 4 "
        f"{_rank(4)}",
        f"image 2 has {_rank(2)} in common with image 1, image 3 {_rank(3)} and image 4 {_rank(4)}",
    ),
    _shared,
)


def _follows(said: Said) -> str:
    if "all_one_way" not in said:
        return ""
    rows: dict[str, list[int]] = {}  # by what is said, how far along the way pictures 2, 3 and 4 are
    if (turns := said.say("turns")) is not None:
        rows["turns"] = [int(turns[f"deg{image}"]) for image in OTHERS]
    if (parts := said.say("parts")) is not None:
        rows["parts"] = [REACHED.index(parts[f"p{image}"]) for image in OTHERS]
    apart = any(len(set(row)) == len(OTHERS) for row in rows.values())
    if (shared := said.say("shared")) is not None:
        rows["shared"] = [RANKS.index(shared[f"p{image}"]) for image in OTHERS]
    if not apart:
        return ""
    fits = []
    for order in itertools.permutations(OTHERS):
        in_order = ([row[OTHERS.index(image)] for image in order] for row in rows.values())
        if all(row == sorted(row) for row in in_order):
            fits.append(", ".join(map(str, order)))
    return fits[0] if len(fits) == 1 else ""


PROOFS = {
    "order/around_object": Proof(
        of_figure(_solve, images=ALL_VIEWS),
        (ALL_ONE_WAY, PARTS, TURNS, SHARED),
        PREMISES
        | {
            "the further the camera goes around, the further the part that it faced at first turns away",
            "the further along the way a picture was taken, the less it has in common with the first",
        },
        _follows,
        options={
            "images_2_3_4": "2, 3, 4",
            "images_2_4_3": "2, 4, 3",
            "images_3_2_4": "3, 2, 4",
            "images_3_4_2": "3, 4, 2",
            "images_4_2_3": "4, 2, 3",
            "images_4_3_2": "4, 3, 2",
        },
    )
}
