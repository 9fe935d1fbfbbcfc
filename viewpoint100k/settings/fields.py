"""What a setting is: a field with a default, bounds, a unit and a description; and ranges of values."""

from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from viewpoint100k.records import Record

T = TypeVar("T")


def setting(
    default: T,
    unit: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> T:
    """A field of a section. The docstring below it becomes its description: what it does, and why so.

    Args:
        unit: what the value counts or measures, for the settings page.
    """
    # not `Field` itself, which claims to be of any type: so the checker compares the default with the field's
    # own
    field: T = Field(default=default, json_schema_extra={"unit": unit}, ge=ge, gt=gt, le=le, lt=lt)
    return field


class Section(Record):
    """Settings that belong together. The docstring below a field is its description."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Range(Record):
    """An interval to draw from uniformly, or the two edges of a grey band."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low > self.high:
            raise ValueError(f"low = {self.low} is above high = {self.high}")
        return self


class Within(NamedTuple):
    """What both ends of a range must lie within."""

    least: float
    most: float

    def __call__(self, value: Range) -> Range:
        if value.low < self.least or value.high > self.most:
            raise ValueError(f"expected low and high from {self.least:g} to {self.most:g}")
        return value


Turn = Annotated[Range, AfterValidator(Within(0, 180))]  # degrees
Slope = Annotated[Range, AfterValidator(Within(-89, 89))]  # degrees against the horizontal
FieldOfView = Annotated[Range, AfterValidator(Within(1, 170))]  # degrees
HalfAngle = Annotated[Range, AfterValidator(Within(0.5, 80))]  # degrees
Share = Annotated[Range, AfterValidator(Within(0, 1))]
InnerShare = Annotated[
    Range, AfterValidator(Within(0.001, 0.999))
]  # margins divide by it, and by what it leaves
Step = Annotated[Range, AfterValidator(Within(0, 10))]  # over a distance
Ratio = Annotated[Range, AfterValidator(Within(1, 10))]


def as_list(value: Any) -> Any:
    """One name, or a list of them, as a list."""
    return [value] if isinstance(value, str) else value
