"""croissant.json: the dataset in the vocabulary of MLCommons, for search engines and loaders."""

from typing import Any

from viewpoint100k.manifest import Manifest, ShardEntry

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
OWN = (
    "citeAs column extract field fileProperty fileObject fileSet format includes isLiveDataset jsonPath key "
    "md5 parentField path recordSet references regex repeated replace samplingRate separator source subField "
    "transform equivalentProperty"
)
TERMS = {  # of the standard, without which a file is not read as one of its kind
    **{name: f"cr:{name}" for name in OWN.split()},
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}


def _file(shard: ShardEntry) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": shard.name,
        "name": shard.name,
        "contentUrl": shard.name,
        "contentSize": f"{shard.bytes} B",
        "encodingFormat": "application/x-tar",
        "sha256": shard.sha256,
    }


def _files(name: str, kind: str, ending: str, inside: list[dict[str, str]]) -> dict[str, Any]:
    """The members of all shards whose names end alike."""
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "containedIn": inside,
        "encodingFormat": kind,
        "includes": f"*.{ending}",
    }


def croissant(manifest: Manifest, name: str, description: str, cite_as: str) -> dict[str, Any]:
    """The content of croissant.json: every shard with its hash, and the record of a sample."""
    views = [f"view_{number}" for number in range(manifest.views)]
    shards = [_file(shard) for shard in manifest.shards]
    inside = [{"@id": shard.name} for shard in manifest.shards]
    sets = [
        *(_files(view, "image/jpeg", f"{view}.jpg", inside) for view in views),
        _files("json", "application/json", "json", inside),
    ]
    # a set of records for each kind of member, to be joined by `key`: readers of the format join no more than
    # two
    records = [
        _records("json", "json", "sc:Text", "object, poses, truth and questions of each sample"),
        *(_records(view, f"{view}.jpg", "sc:ImageObject", f"{view} of each sample") for view in views),
    ]
    return {
        "@context": TERMS,
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": CONFORMS_TO,
        "license": "per object: see attribution.csv",
        "version": manifest.version,
        "citeAs": cite_as,
        "distribution": [*shards, *sets],
        "recordSet": records,
    }


def _records(files: str, ending: str, kind: str, about: str) -> dict[str, Any]:
    """One member of every sample, and the sample's key, which is how its files are named."""
    pattern = r"^(?:.*/)?([^./]+)\." + ending.replace(".", r"\.") + "$"
    inside = {"fileSet": {"@id": files}}
    key = {**inside, "extract": {"fileProperty": "filename"}, "transform": {"regex": pattern}}
    name = f"samples_{files}"
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": about,
        "key": {"@id": f"{name}/key"},
        "field": [
            _field(f"{name}/key", "sc:Text", "the key of the sample", key),
            _field(f"{name}/content", kind, about, {**inside, "extract": {"fileProperty": "content"}}),
        ],
    }


def _field(name: str, kind: str, about: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": name,
        "name": name.split("/")[1],
        "description": about,
        "dataType": kind,
        "source": source,
    }
