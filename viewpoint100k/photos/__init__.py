"""Posed photographs as a source: what renders teach, asked of real pictures.

A set of photographs of one object, whose poses somebody else has found, becomes samples of the same form as
rendered ones. Nothing is rendered and no depth is known, so the truth rests on the poses alone (`proof:
poses`): they are asked only as far as their own uncertainty lets them, and only where the pictures of a pair
support them.

sources -> a set (posed.py) -> up.py and subject.py -> picture.py -> pairs.py with epipolar.py -> samples.py
-> run.py
"""
