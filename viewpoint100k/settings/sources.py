"""Where objects and photographs come from: `files`, `objects` and `photos`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from viewpoint100k.settings.fields import Range, Section, Turn, setting


class FileBudgets(Section):
    """Limits on an object file, checked by our own reader before Blender sees it.

    A file over one of them is refused.
    """

    max_bytes: int = setting(512 << 20, "bytes", gt=0)
    """Size of the file with the files it refers to; also of all that its buffers, and all that its images,
    expand to. 512 MiB leaves a worker enough memory to render it."""
    max_json_bytes: int = setting(64 << 20, "bytes", gt=0)
    """Size of the file's JSON part. Real objects have kilobytes; far more would only exhaust the parser's
    memory."""
    max_json_values: int = setting(2_000_000, "values", gt=0)
    """Values in the JSON part. Each costs the parser at least 100 bytes of memory, so the default allows 200
    MB and more."""
    max_json_depth: int = setting(64, "levels", gt=0)
    """How deeply the JSON may be nested. Real files are shallow; deep nesting is an attack on the parser."""
    max_triangles: int = setting(4_000_000, "triangles", gt=0)
    """Triangles, with every instance counted. The renderer's search tree for the default takes at most 1
    GB."""
    max_vertices: int = setting(32_000_000, "vertices", gt=0)
    """Vertices, with every instance and every morph target counted. It is eight times the number of
    triangles, because each morph target is a copy of its mesh."""
    max_primitives: int = setting(20_000, "primitives", gt=0)
    """Primitives of all meshes: the pieces that have one material each. Blender joins those of a mesh one by
    one, which is slow for many."""
    max_nodes: int = setting(5_000, "nodes", gt=0)
    """Nodes, instances included. Each becomes a Blender object and costs 0.2 ms in every view; with many
    more, an import takes minutes."""
    max_node_depth: int = setting(256, "levels", gt=0)
    """How deeply nodes may be nested. Blender follows parents by recursion, which fails on very long
    chains."""
    max_images: int = setting(1000, "images", gt=0)
    """Images that textures use. Far above real objects, and low enough that a file cannot make us open images
    without end."""
    max_texture_pixels: int = setting(8192 * 8192, "pixels", gt=0)
    """Width times height of one image, read from its header before it is decoded. The default is 8192 x 8192,
    the largest size in common use."""
    max_total_texture_pixels: int = setting(4 * 8192 * 8192, "pixels", gt=0)
    """Pixels of all images together. The default is four of the largest: 1 GB as 8-bit RGBA."""
    max_panorama_pixels: int = setting(8192 * 4096, "pixels", gt=0)
    """Width times height of a panorama of your own, read from its header before it is decoded. The default is
    8192 x 4096: 400 MB while it is read, and far more than a picture of 512 pixels shows of it."""


Trait = Literal[
    "scene", "transparent", "single_color", "multi_object", "figure"
]  # as Objaverse++ labels them
Letters = Annotated[str, Field(min_length=1, max_length=200)]
MOST_STEPS = 100  # in which a dataset may have grown
XL_PARTS = ("all", "github", "sketchfab", "smithsonian", "thingiverse")  # of Objaverse-XL, by source
XL_TABLE = "objaverse-xl:table"  # how a table of your own is named in what is published
TABLES = (".txt", ".csv", ".json", ".parquet")
LISTS = ("uids", "exclude", "quality", "groups")  # settings of `objects` that name a file


class ObjectsConfig(Section):
    """Which objects of a source are used. docs/objects.md has examples.

    A file that is named here is a .txt (one uid a line), .csv, .json or .parquet with a column `uid`. The
    plan records what was chosen, and a hash of it.
    """

    uids: str | None = setting(None, "path")
    """Use only the objects whose uids are in this file. null: all that the source has."""
    exclude: str | None = setting(None, "path")
    """Leave out the objects whose uids are in this file. null: none."""
    categories: list[Letters] | None = setting(None, "list of names")
    """Use only these categories: LVIS's or Sketchfab's, or those of a folder's manifest. null: all."""
    without_categories: list[Letters] = setting([], "list of names")
    """Leave out objects of these categories. None by default: what to leave out is a matter of taste."""
    tags: list[Letters] | None = setting(None, "list of names")
    """Use only objects of Objaverse with at least one of these tags. null: all."""
    without_tags: list[Letters] = setting([], "list of names")
    """Leave out objects of Objaverse with one of these tags. None by default, for tags are as people typed
    them."""
    authors: list[Letters] | None = setting(None, "list of names")
    """Use only objects of these authors. null: of all."""
    without_authors: list[Letters] = setting([], "list of names")
    """Leave out objects of these authors. None by default: an author may have asked you for it."""
    min_faces: int | None = setting(None, "faces", ge=0)
    """Fewest faces of an object of Objaverse, as its annotation counts them. null: no limit."""
    max_faces: int | None = setting(None, "faces", ge=0)
    """Most faces of an object of Objaverse. null: only `files.max_triangles` applies, when the file is
    here."""
    min_likes: int = setting(0, "likes", ge=0)
    """Fewest likes of an object of Objaverse. 0: all; a like says that somebody looked and was pleased."""
    min_views: int = setting(0, "views", ge=0)
    """How often an object of Objaverse must have been looked at. 0: all."""
    animated: bool | None = setting(None, "yes or no")
    """Use only objects of Objaverse that have animations (true), or that have none (false). null: both, since
    `render.pose` finds a pose for animated ones."""
    age_restricted: bool = setting(False, "yes or no")
    """Also use objects of Objaverse that Sketchfab shows to adults only. Left out by default, because
    datasets are published."""
    quality: str | None = setting(None, "path or Hub id")
    """Table of quality labels in the layout of Objaverse++: a file, or a dataset on the Hub such as
    cindyxl/ObjaversePlusPlus. Objects that it does not list are left out. null: none is read."""
    min_quality: int = setting(0, "score, 0 to 3", ge=0, le=3)
    """Lowest score in the table that `quality` names: 0 low, 1 medium, 2 high, 3 superior. 0: all."""
    without_traits: list[Trait] = setting([], "list of names")
    """Leave out objects with one of these traits in the table that `quality` names. None by default."""
    groups: str | None = setting(None, "path")
    """File with columns `uid` and `group`: objects of one group are taken for the same one, uploaded again.
    `objects groups` writes it. null: what looks the same by names and counts stays in one split."""
    duplicates: Literal["one", "together"] = setting("one", "name")
    """Which of several objects of one shape are used: only the first (`one`), or all of them in one split
    (`together`). `one`, because a copy adds no variety; `together` for variants in colour."""
    category_share: float | None = setting(None, "share of the objects", gt=0, le=1)
    """Most objects of one category, over all objects of the run. null: as the source has them. 0.01 to 0.05
    keeps a dataset of Objaverse from being chairs and characters."""

    @model_validator(mode="after")
    def _consistent(self) -> "ObjectsConfig":
        if self.quality is None and (self.min_quality or self.without_traits):
            raise ValueError("min_quality and without_traits need a table: set objects.quality as well")
        if None not in (self.min_faces, self.max_faces) and self.min_faces > self.max_faces:  # type: ignore[operator]
            raise ValueError(f"min_faces = {self.min_faces} is above max_faces = {self.max_faces}")
        return self


class PhotosConfig(Section):
    """How photographs with known poses are used, in place of renders: `viewpoint100k photos`.

    Coordinates are those of the set's own world.
    """

    up: list[float] | None = setting(None, "x, y, z")
    """Which way is up. null: found from the cameras, where two cues agree within 5 degrees."""
    subject: list[float] | None = setting(None, "x, y, z, radius")
    """Where the object is, and how large the ball around it. null: found from masks, or from points that most
    pictures show."""
    apart_deg: Turn = setting(Range(low=10, high=100), "degrees")
    """How far apart two cameras of a pair are, seen from the object. From what shows that it moved to what
    still has something in common."""
    pairs_per_set: int = setting(48, "pairs", ge=1, le=10_000)
    """Most pairs of one set of photographs. More would repeat the same few pictures."""
    tries_per_pair: int = setting(4, "pairs", ge=1, le=100)
    """How many pairs are looked at for each one that is wanted. Some have too little in common; a set of
    which most do is not searched to its end."""
    min_matches: int = setting(30, "matches", ge=12)
    """Fewest matched points that must fit the poses of a pair. With fewer, nothing shows that the poses are
    right; 30 can be told from chance."""

    @model_validator(mode="after")
    def _placed(self) -> "PhotosConfig":
        if self.up is not None and (len(self.up) != 3 or not 1e-9 < sum(v * v for v in self.up) < 1e18):
            raise ValueError(f"up = {self.up}: expected three numbers x, y, z that are not all 0")
        if self.subject is not None and (len(self.subject) != 4 or not 0 < self.subject[3] < 1e9):
            raise ValueError(f"subject = {self.subject}: expected x, y, z and a radius above 0")
        return self
