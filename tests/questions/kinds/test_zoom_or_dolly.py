"""Whether the lens zoomed or the distance changed."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from support.box_views import SOUTH, SURE, answer, looking, view
from support.egg_shots import Item, around, pixels, shoot, soundly
from support.painted_box import K

from viewpoint100k.annotate import make_truth
from viewpoint100k.questions.kind import Figure
from viewpoint100k.records import Seen


def nearer(distance, zoom=1.0):
    k = K.copy()
    k[0, 0], k[1, 1] = K[0, 0] * zoom, K[1, 1] * zoom
    return view(looking(-90, 20, distance), "hdri", k)


@pytest.mark.parametrize(
    ("distance", "zoom", "said"),
    [
        (2.0, 1.5, "only the lens zoomed"),
        (1.5, 1.0, "only the distance changed"),
        (3.0, 1.5, "the lens and the distance changed"),
        (2.0, 1.0, "the lens and the distance stayed the same"),
        (1.8, 1.0, None),  # a bit nearer
    ],
)
def test_lens_and_distance(distance, zoom, said):
    views = [view(SOUTH, "hdri"), nearer(distance, zoom)]
    truth = make_truth(*views, 0.5, None)
    what = SimpleNamespace(views=views, truth=truth, decidability=SURE, seen=Seen(), scene=None)
    assert answer("zoom_or_dolly", what, Figure()) == said
    plain = SimpleNamespace(
        views=[v.model_copy(update={"background": "plain"}) for v in views], truth=truth, decidability=SURE
    )
    assert answer("zoom_or_dolly", plain, Figure()) is None


@pytest.mark.parametrize(
    ("distance", "hfov_deg", "answer"),
    [
        (2.2, 40.0, "only the lens zoomed"),
        (1.7, 60.0, "only the distance changed"),
        (3.1, 45.0, "the lens and the distance changed"),
        (2.2, 60.0, "the lens and the distance stayed the same"),
    ],
)
def test_a_lens_enlarges_the_background_and_nearness_the_object_alone(distance, hfov_deg, answer):
    shot = shoot([around(-90), around(-90, distance=distance)], hfovs=[60.0, hfov_deg])
    texts = soundly(Item("zoom_or_dolly/camera_1", shot, Figure(), answer))
    lamp_posts = np.array([[-5.0, 100.0, 0.0], [5.0, 100.0, 0.0]])  # far behind the object
    apart = [np.ptp(pixels(lamp_posts, np.array(v.world_from_camera), v.hfov_deg)[:, 0]) for v in shot.views]
    scale = apart[1] / apart[0]
    word = "equally large|at the same scale"
    if scale > 1.1:
        word = "larger"
    elif scale < 1 / 1.1:
        word = "smaller"
    assert all(re.search(rf"(distant background looks|background appear) ({word})", text) for text in texts)
