"""Posed photographs as a source: the questions that renders teach, asked about real pictures.

A set of photographs of one object, whose poses somebody else has estimated, becomes samples of the same form
as rendered ones. Nothing is rendered and no depth is known, so the truth rests on the poses alone (`proof:
poses`). Questions are asked only if the uncertainty of the poses allows it, and only if the pictures of a
pair support their motion.

sources -> a set (posed.py) -> up.py and subject.py -> picture.py -> pairs.py with epipolar.py -> samples.py
-> run.py
"""
