"""Which object is taller in truth: a small one that is near looks taller than a large one far away."""

import math

from support.published import point_at, proven, refusals
from support.scene_samples import placed

from viewpoint100k.config import GateConfig
from viewpoint100k.records import Mark

SCENE = placed((0.1, -0.4), (0.0, 0.45), sizes=[[0.1, 0.1, 0.14], [0.1, 0.1, 0.2]], alike=True)
NEAR, FAR = (part.name for part in SCENE.scene.parts)


def asked():
    marks = [Mark(image=0, x=10, y=10, colour="yellow", letter=part.letter) for part in SCENE.scene.parts]
    return {"images": [0], "parts": [0, 1], "marks": marks}


def test_the_taller_one_is_so_however_tall_it_looks():
    assert proven("taller/scene", SCENE, **asked()) == FAR
    assert proven("taller/scene", SCENE, GateConfig(scene_taller=1.5), **asked()) is None


def test_a_chain_multiplies_how_tall_it_looks_with_how_far_it_is():
    seen = SCENE.scene.views[0].parts
    away = round(seen[1].depth / seen[0].depth, 1)
    looks = round(tall_px(0.0, 0.45, 0.2) / tall_px(0.1, -0.4, 0.14), 1)
    text = (
        f"In the image {FAR} spans about {looks} times the height of {NEAR}. The camera is about {away} times as far "
        f"from {FAR} as from {NEAR}. So the answer is: {FAR}."
    )
    fields = asked() | {"options": [NEAR, FAR]}
    assert refusals(text, "taller/scene", SCENE, FAR, **fields) == []
    for old, new in ((f"about {away}", f"about {away + 0.3:.1f}"), (f"about {looks}", "about 0.5")):
        assert refusals(text.replace(old, new), "taller/scene", SCENE, FAR, **fields)
    only_looks = text.partition(". The camera")[0] + f". So the answer is: {FAR}."
    assert refusals(only_looks, "taller/scene", SCENE, FAR, **fields)


def tall_px(x, y, height):
    """How long the upright axis of something on the floor is in the picture."""
    ends = (point_at((x, y, -0.1 + z), SCENE.views, ("yes",)).pixels[0] for z in (0.0, height))
    return math.dist(*ends)
