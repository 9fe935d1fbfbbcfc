"""Scenes of several objects: which, where they stand, what they are called, what pictures show of them.

`compose` makes scenes of a source's objects; `placement` puts their objects in places, once it is known how
large they are; `labels` turns what was rendered into the published record, with the names that `naming`
finds.
"""
