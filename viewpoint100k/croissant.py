"""croissant.json: the dataset in the vocabulary of MLCommons, for search engines and loaders that read that."""

from typing import Any

from viewpoint100k.publish import Manifest

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
OWN = (
    "citeAs column extract field fileProperty fileObject fileSet format includes isLiveDataset jsonPath key md5 parentField path "
    "recordSet references regex repeated replace samplingRate separator source subField transform equivalentProperty"
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


def croissant(manifest: Manifest, name: str, description: str, cite_as: str) -> dict[str, Any]:
    """The content of croissant.json: every shard with its hash, and the record of a sample."""
    views = [f"view_{number}" for number in range(manifest.views)]
    shards = [
        {
            "@type": "cr:FileObject",
            "@id": shard.name,
            "name": shard.name,
            "contentUrl": shard.name,
            "contentSize": f"{shard.bytes} B",
            "encodingFormat": "application/x-tar",
            "sha256": shard.sha256,
        }
        for shard in manifest.shards
    ]
    inside = [{"@id": shard.name} for shard in manifest.shards]
    sets = [
        {
            "@type": "cr:FileSet",
            "@id": member,
            "name": member,
            "containedIn": inside,
            "encodingFormat": kind,
            "includes": f"*.{ending}",
        }
        for member, kind, ending in [
            *((view, "image/jpeg", f"{view}.jpg") for view in views),
            ("json", "application/json", "json"),
        ]
    ]
    first = "samples/key"
    fields = [_key("json", "json", "samples/key", "the key of the sample")]
    fields += [
        _content("json", "samples/json", "sc:Text", "object, poses, truth, questions: docs/format.md of the code")
    ]
    for view in views:
        fields.append(_content(view, f"samples/{view}", "sc:ImageObject", f"the picture of {view}"))
        fields.append(
            _key(view, f"{view}.jpg", f"samples/key_of_{view}", "the key again, by which the picture is found")
            | {"references": {"field": {"@id": first}}}
        )
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
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "samples",
                "name": "samples",
                "description": "one row per sample",
                "key": {"@id": first},
                "field": fields,
            }
        ],
    }


def _key(files: str, ending: str, name: str, about: str) -> dict[str, Any]:
    """A field that takes a sample's key from the name of a file in a shard."""
    pattern = r"^(?:.*/)?([^./]+)\." + ending.replace(".", r"\.") + "$"
    source = {
        "fileSet": {"@id": files},
        "extract": {"fileProperty": "filename"},
        "transform": {"regex": pattern},
    }
    return _field(name, "sc:Text", about, source)


def _content(files: str, name: str, kind: str, about: str) -> dict[str, Any]:
    return _field(name, kind, about, {"fileSet": {"@id": files}, "extract": {"fileProperty": "content"}})


def _field(name: str, kind: str, about: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": name,
        "name": name.split("/")[1],
        "description": about,
        "dataType": kind,
        "source": source,
    }
