"""Kinds of questions about scenes of several objects.

Which objects a question speaks of is drawn at random among those that can be told apart in the picture;
`solve` finds the answer from the scene alone. Where a look at the flat picture gives a cue, either answer is
right equally often when the cue says the other.
"""
