"""Objects: who made them, where their files are, and why one was not used."""

from typing import Literal

from pydantic import Field

from viewpoint100k.records.base import Record

SHAPE = r"^([0-9a-f]{76})?$"  # 19 numbers of 16 bits


class ObjectRecord(Record):
    """Who an object is and whom to thank for it. Published with every sample."""

    uid: str = Field(
        pattern=r"^[A-Za-z0-9_\-]+$", description="unique in its source; names files, so no dots"
    )
    sha256: str = Field(
        default="", pattern=r"^([0-9a-f]{64})?$", description="of the file; empty until it is fetched"
    )
    category: str = "unknown"
    title: str = ""
    author: str = "unknown"
    licence: str = Field(default="unknown", description="SPDX identifier where the source gives one")
    source_url: str = ""
    pose: str = Field(
        default="",
        description="in which it was rendered: rest, or animation NAME at SECONDS s; empty before that",
    )
    shape: str = Field(
        default="",
        pattern=SHAPE,
        description="moments of its surface, nearly the same for copies however named, textured, turned "
        "about "
        "the vertical or exported: see kinship.py; empty where it cannot be measured",
    )


class SourceObject(Record):
    """An object as its source lists it: the record, where its file is, and what is known of its pose."""

    record: ObjectRecord
    path: str = Field(
        default="", description="the .glb or .gltf file; empty if it is made or fetched when needed"
    )
    front_azimuth_deg: float | None = Field(
        default=None,
        description="azimuth of a camera that looks at the front, counter-clockwise from +X; None: unknown",
    )
    parts: list["SourceObject"] = Field(
        default=[], description="of a scene, which is composed of other objects"
    )
    kin: list[str] = Field(
        default=[], description="names of groups; objects that share one may be the same thing: one split"
    )


class Reject(Record):
    """One object or view set that was not used, and why. A row of rejects.jsonl."""

    uid: str
    stage: Literal["list", "check", "fetch", "import", "render", "gate", "annotate"]
    reason: str = Field(description="one line for people")
    detail: str = Field(default="", description="last lines of the render process, where there are any")
    round: int = Field(default=0, description="which view set of the object, counted from 0")
    seconds: float = Field(default=0.0, ge=0, description="how long it was tried")
