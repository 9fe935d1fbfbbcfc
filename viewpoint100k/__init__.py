"""viewpoint100k: render, prove, publish and train on viewpoint data."""

from viewpoint100k.errors import InputError, ViewpointError
from viewpoint100k.load import load_questions

__version__ = "0.1.0"
__all__ = ["InputError", "ViewpointError", "__version__", "load_questions"]
