"""Checks the JSON: fields, types, index ranges, and that only extensions are required that Blender reads."""

import math
from collections.abc import Callable
from importlib import metadata
from typing import Any

from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf.container import show

# What the importer takes in extensionsRequired (glTFImporter.extensions_managed), from bpy 5.0.1 on; a test
# compares.
_ALWAYS = {
    "EXT_mesh_gpu_instancing", "EXT_texture_webp", "KHR_animation_pointer", "KHR_draco_mesh_compression",
    "KHR_lights_punctual", "KHR_materials_anisotropy", "KHR_materials_clearcoat",
    "KHR_materials_emissive_strength", "KHR_materials_ior", "KHR_materials_pbrSpecularGlossiness",
    "KHR_materials_sheen", "KHR_materials_specular",
    "KHR_materials_transmission", "KHR_materials_unlit", "KHR_materials_variants", "KHR_materials_volume",
    "KHR_mesh_quantization", "KHR_texture_transform",
}  # fmt: skip
_SINCE_5_2 = {
    "EXT_meshopt_compression", "KHR_meshopt_compression", "KHR_materials_dispersion",
    "KHR_materials_iridescence",
}  # fmt: skip


def _installed_blender() -> tuple[int, ...]:
    """The version of this interpreter's bpy.

    Where it has none, another interpreter may (`--engine-python`): the oldest that we render with.
    """
    try:
        return tuple(int(number) for number in metadata.version("bpy").split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return 5, 0


SUPPORTED_EXTENSIONS = _ALWAYS | (_SINCE_5_2 if _installed_blender() >= (5, 2) else set())
_UNPACK = " before 5.2; render with Python 3.13, or unpack it with `gltf-transform copy`"
_WAYS_OUT = {
    "EXT_meshopt_compression": _UNPACK,
    "KHR_meshopt_compression": _UNPACK,
    "KHR_texture_basisu": "; convert its KTX2 textures to PNG or JPEG",
}
COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}  # Blender cannot read MAT2 and MAT3
_MAX_FACTOR = 1e30  # of one number of a transform; products of a few leave float32

# A name that ends in ! must be there, and * is any name that ends so; it comes last. 0 or 1: an integer of at
# least that. A text: an index into that list of the file. A set: one of these. (n,): n numbers of ordinary
# size. float: any finite number. None: anything but null. Any object may have a name, which is a text, and
# extensions, which are objects.
_EXTENSIONS: dict[str, Any] = {"*": {}}
_RAW = {"*": None}  # Blender reads extensions as they lie, and there a null is not the same as nothing
_TRANSFORM = {**_RAW, "offset": (2,), "scale": (2,), "rotation": float, "texCoord": 0}
_TEXTURE = {
    "index!": "textures", "texCoord": 0, "scale": float, "strength": float,
    "extensions": {"KHR_texture_transform": _TRANSFORM, "*": {}},
}  # fmt: skip
_MATERIALS = {
    "KHR_materials_anisotropy": {**_RAW, "anisotropyStrength": float, "anisotropyRotation": float},
    "KHR_materials_clearcoat": {**_RAW, "clearcoatFactor": float, "clearcoatRoughnessFactor": float},
    "KHR_materials_emissive_strength": {**_RAW, "emissiveStrength": float},
    "KHR_materials_ior": {**_RAW, "ior": float},
    "KHR_materials_pbrSpecularGlossiness": {
        **_RAW, "diffuseFactor": (4,), "specularFactor": (3,), "glossinessFactor": _MAX_FACTOR,
    },
    "KHR_materials_sheen": {**_RAW, "sheenColorFactor": (3,), "sheenRoughnessFactor": float},
    "KHR_materials_specular": {**_RAW, "specularFactor": float, "specularColorFactor": (3,)},
    "KHR_materials_transmission": {**_RAW, "transmissionFactor": float},
    "KHR_materials_volume": {
        **_RAW, "thicknessFactor": float, "attenuationDistance": float, "attenuationColor": (3,),
    },
    "*": {"*Texture": _TEXTURE},
}  # fmt: skip
_LIGHT = {
    **_RAW, "type!": {"directional", "point", "spot"}, "color": (3,), "intensity": float, "range": float,
    "spot": {**_RAW, "innerConeAngle": float, "outerConeAngle": float},
}  # fmt: skip
_LIGHTS = "extensions.KHR_lights_punctual.lights"
_VARIANTS = "extensions.KHR_materials_variants.variants"
_PLACE = {"bufferView!": "bufferViews", "byteOffset": 0}
_MESHOPT = {
    **_RAW, "buffer!": "buffers", "byteOffset": 0, "byteLength!": 1, "byteStride!": 1, "count!": 1,
    "mode!": {"ATTRIBUTES", "TRIANGLES", "INDICES"},
    "filter": {"NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL", "COLOR"},
}  # fmt: skip
_HEADER = {
    "asset!": {"version!": str, "minVersion": str, "copyright": str, "generator": str},
    "extensionsUsed": [str], "extensionsRequired": [str],
}  # fmt: skip
SHAPE = {
    "extensions": {
        "KHR_lights_punctual": {**_RAW, "lights!": [_LIGHT]},
        "KHR_materials_variants": {**_RAW, "variants!": [{**_RAW, "name!": str}]},
        "*": {},
    },
    "scenes!": [{"nodes": ["nodes"]}],
    "scene": "scenes",
    "nodes": [{
        "children": ["nodes"], "mesh": "meshes", "skin": "skins", "camera": "cameras",
        "matrix": (16,), "translation": (3,), "rotation": (4,), "scale": (3,), "weights": [float],
        "extensions": {
            "EXT_mesh_gpu_instancing": {**_RAW, "attributes!": {"*": "accessors"}},
            "KHR_lights_punctual": {**_RAW, "light!": _LIGHTS},
            "KHR_node_visibility": {**_RAW, "visible": bool},
            "*": {},
        },
    }],
    "meshes": [{"weights": [float], "primitives!": [{
        "attributes!": {"*": "accessors"}, "targets": [{"*": "accessors"}], "indices": "accessors",
        "material": "materials", "mode": {0, 1, 2, 3, 4, 5, 6},
        "extensions": {
            "KHR_draco_mesh_compression": {**_RAW, **_PLACE, "attributes!": {"*": 0}},
            "KHR_materials_variants": {
                **_RAW, "mappings": [{**_RAW, "material": "materials", "variants!": [_VARIANTS]}],
            },
            "*": {},
        },
    }]}],
    "skins": [{"joints!": ["nodes"], "skeleton": "nodes", "inverseBindMatrices": "accessors"}],
    "cameras": [{
        "type!": {"perspective", "orthographic"},
        "perspective": {"yfov!": float, "znear!": float, "zfar": float, "aspectRatio": float},
        "orthographic": {"xmag!": float, "ymag!": float, "znear!": float, "zfar!": float},
    }],
    "animations": [{
        "channels!": [{"sampler!": 0, "target!": {"node": "nodes", "path!": str}}],
        "samplers!": [{"input!": "accessors", "output!": "accessors", "interpolation": str}],
    }],
    "materials": [{
        "pbrMetallicRoughness": {
            "baseColorFactor": (4,), "metallicFactor": float, "roughnessFactor": float, "*Texture": _TEXTURE,
        },
        "*Texture": _TEXTURE, "emissiveFactor": (3,), "alphaMode": {"OPAQUE", "MASK", "BLEND"},
        "alphaCutoff": float, "doubleSided": bool, "extensions": _MATERIALS,
    }],
    "textures": [{
        "source": "images", "sampler": "samplers",
        "extensions": {"EXT_texture_webp": {"source!": "images"}, "*": {}},
    }],
    "samplers": [{"magFilter": 0, "minFilter": 0, "wrapS": 0, "wrapT": 0}],
    "images": [{"uri": str, "bufferView": "bufferViews", "mimeType": str}],
    "accessors": [{
        "componentType!": {*COMPONENTS}, "type!": {*WIDTHS}, "count!": 1,
        "bufferView": "bufferViews", "byteOffset": 0, "normalized": bool, "min": [float], "max": [float],
        "sparse": {
            "count!": 1, "indices!": {**_PLACE, "componentType!": {5121, 5123, 5125}}, "values!": _PLACE,
        },
    }],
    "bufferViews": [{
        "buffer!": "buffers", "byteLength!": 1, "byteOffset": 0, "byteStride": 0, "target": 0,
        "extensions": {"EXT_meshopt_compression": _MESHOPT, "KHR_meshopt_compression": _MESHOPT, "*": {}},
    }],
    "buffers": [{"byteLength!": 1, "uri": str}],
}  # fmt: skip


def check_shape(value: Any, shape: Any, where: str, tree: dict[str, Any]) -> None:
    """Refuse wrong types, missing fields and indices out of range.

    Nulls are removed: Blender sees nothing there.
    """
    match shape:
        case dict():
            _check_object(value, shape, where, tree)
        case list() | tuple():
            _check_list(value, shape, where, tree)
        case str():
            _check_index(value, shape, where, tree)
        case set():
            allowed = type(value) in (int, str) and value in shape
            _expect(allowed, where, value, f"one of {', '.join(map(str, sorted(shape)))}")
        case int():
            _expect(type(value) is int and value >= shape, where, value, f"an integer of at least {shape}")
        case float():
            within = type(value) in (int, float) and abs(value) <= shape
            _expect(within, where, value, f"a finite number up to {shape:g}")
        case None:
            _expect(value is not None, where, value, "no null")
        case _:
            fits, expected = _TYPES[shape]
            _expect(fits(value), where, value, expected)


def _check_object(value: Any, shape: dict[str, Any], where: str, tree: dict[str, Any]) -> None:
    _expect(isinstance(value, dict), where, value, "an object")
    for key in [key for key in value if value[key] is None and "*" not in shape]:
        del value[key]
    for name, inner in {"name": str, "extensions": _EXTENSIONS, **shape}.items():
        key = name.rstrip("!")
        if key.startswith("*"):
            for found in [found for found in value if found.endswith(key[1:])]:
                check_shape(value[found], inner, f"{where}.{show(found)}", tree)
        elif key in value:
            check_shape(value[key], inner, f"{where}.{key}".lstrip("."), tree)
        elif name != key:
            raise ObjectRefused(f"{where}.{key} is missing".lstrip("."))


def _check_list(value: Any, shape: list[Any] | tuple[int], where: str, tree: dict[str, Any]) -> None:
    _expect(isinstance(value, list), where, value, "a list")
    if isinstance(shape, tuple) and len(value) != shape[0]:
        raise ObjectRefused(f"{where} has {len(value)} numbers; expected {shape[0]}")
    inner = shape[0] if isinstance(shape, list) else _MAX_FACTOR
    for number, item in enumerate(value):
        check_shape(item, inner, f"{where}[{number}]", tree)


def _check_index(value: Any, path: str, where: str, tree: dict[str, Any]) -> None:
    """An index into the list that the file has at a path such as `extensions.KHR_lights_punctual.lights`."""
    held: Any = tree
    for part in path.split("."):
        held = held.get(part, []) if isinstance(held, dict) else []
    _expect(isinstance(held, list), path, held, "a list")
    _expect(type(value) is int and value >= 0, where, value, "an index: an integer of at least 0")
    if value >= len(held):
        raise ObjectRefused(f"{where} is {value}, out of range: the file has {len(held)} {part}")


def _is_text(value: Any) -> bool:
    """Not one with half a character (a lone surrogate), which Blender cannot store."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


_TYPES: dict[type, tuple[Callable[[Any], bool], str]] = {
    str: (_is_text, "a text"),
    bool: (lambda value: isinstance(value, bool), "true or false"),
    float: (_is_number, "a finite number"),
}


def _expect(fits: bool, where: str, value: Any, expected: str) -> None:
    if not fits:
        raise ObjectRefused(f"{where} is {show(value)}; expected {expected}")


def check_header(tree: dict[str, Any]) -> tuple[str, ...]:
    check_shape(tree, _HEADER, "", tree)
    if tree["asset"]["version"] != "2.0":
        raise ObjectRefused(f"asset.version is {show(tree['asset']['version'])}; expected '2.0'")
    used = set(tree.get("extensionsUsed", []))
    for name in tree.get("extensionsRequired", []):
        if name not in SUPPORTED_EXTENSIONS:
            way_out = _WAYS_OUT.get(name, "")
            raise ObjectRefused(f"needs the extension {show(name)}, which Blender cannot read{way_out}")
        if name not in used:
            raise ObjectRefused(f"needs the extension {name}, but does not list it in extensionsUsed")
    return tuple(sorted(used))


def extension(holder: dict[str, Any], name: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = holder.get("extensions", {}).get(name)
    return found
