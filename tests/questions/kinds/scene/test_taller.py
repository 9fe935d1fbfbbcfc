"""Which of two objects of a scene is taller."""

from support.kinds import options_of
from support.scene_answers import GATES, OF_SCENES
from support.scene_samples import placed

from viewpoint100k.questions.ask import answered
from viewpoint100k.questions.kind import Figure


def test_what_is_taller_is_so_however_tall_it_looks():
    what = placed((0.1, -0.4), (0.0, 0.45), sizes=[[0.1, 0.1, 0.14], [0.1, 0.1, 0.2]], alike=True)
    found = answered(what, OF_SCENES["taller/scene"], Figure(images=(0,), parts=(0, 1)), GATES)
    assert options_of(OF_SCENES["taller/scene"])[found.fact.option] == "{b}"
    assert found.cues["looks"] < 0  # the first one looks taller


def test_what_is_taller_is_not_asked_where_words_might_tell():
    what = placed((0.1, -0.4), (0.0, 0.45), sizes=[[0.1, 0.1, 0.14], [0.1, 0.1, 0.2]], alike=False)
    assert answered(what, OF_SCENES["taller/scene"], Figure(images=(0,), parts=(0, 1)), GATES) is None
