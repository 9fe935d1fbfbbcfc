"""Kinds of questions about scenes of several objects."""
