"""The HTML pages that this package writes: one style sheet, one way to fill a template.

A page is one file that loads nothing from elsewhere; its policy forbids it. Texts of strangers are escaped.
"""

from collections.abc import Mapping
from importlib import resources
from importlib.util import find_spec
from typing import Any

from viewpoint100k.errors import MissingExtra

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def style() -> str:
    """The style sheet of all pages."""
    return (resources.files("viewpoint100k") / "style.css").read_text("utf-8")


def check_jinja() -> None:
    """Fail before a page is worked on, not after.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    if find_spec("jinja2") is None:
        raise MissingExtra("HTML pages need jinja2: pip install 'viewpoint100k[render]'")


def render(template: str, filters: Mapping[str, Any] | None = None, **values: Any) -> str:
    """A template of ours, filled in.

    Args:
        template: its text. It may use `style` and `policy`, and what `values` has; any other name is an
            error.
        filters: of the template's own.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    check_jinja()
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(filters or {})
    text: str = environment.from_string(template).render(style=style(), policy=POLICY, **values)
    return text


def asset(name: str) -> str:
    """The text of a file of this package, such as a template."""
    return (resources.files("viewpoint100k") / name).read_text("utf-8")
