"""viewpoint100k: render, prove, publish and train on viewpoint data."""

from typing import TYPE_CHECKING, Any

from viewpoint100k.errors import InputError, ViewpointError

if TYPE_CHECKING:
    from viewpoint100k.load import load_questions

__version__ = "0.2.0"
__all__ = ["InputError", "ViewpointError", "__version__", "load_questions"]


def __getattr__(name: str) -> Any:
    """What needs numpy comes when it is asked for: the command line wants to choose numpy's threads first."""
    if name == "load_questions":
        from viewpoint100k.load import load_questions

        return load_questions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
