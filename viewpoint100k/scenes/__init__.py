"""Scenes of several objects: their choice, places, names and what pictures show of them.

`compose` makes scenes from a source's objects. `placement` places the objects once their sizes are known.
`labels` turns what was rendered into the published record, with the names that `naming` finds.
"""
