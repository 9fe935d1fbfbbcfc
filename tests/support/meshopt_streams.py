"""Streams of meshopt, encoded once by meshoptimizer (that of Blender 5.2.3) from values that formulas give."""

import base64
import json
import struct

import numpy as np

from support.glb_files import RED, box


def _text(*lines):
    return base64.b64decode("".join(lines))


STREAMS = {
    "v0": _text(
        "oP7///8AAiREZmiIqgwMDAwODhAQEBISEhQUFBYWGBgYGBoaHBwcHh4eICAgIiIkJCQkJiYoKCgqKiosLCwuLjAwMDAyMjQ0NDY2",
        "Njg4ODo6PDw8PD4+QEBAQkJCRERERkZISEhISkpMTExOTk5QUFBSUlRUVFRWVlhYWFpaWlxcXF5eYGBgYGJiZGRkZmZmaGhoamps",
        "bGxsbm5wcHBycnJ0dHR2dnh4eHh6enx8fH5+foCAgIKChISEhIaGiIiIioqKjIyMjo6QkJCQkpKUlJSWlpaYmJiampycnJyenqCg",
        "oKKioqSkpKamqKioqKqqrKysrq6usLCwsrK0tFBVVVUAAgAAAAgAAAgAACAACAAIACAAgAIAIAIAgAgCAIAgCAgCAgICAgICAggI",
        "CCAgggIIIIIIIIIIIP7///8AIkZoiszu/xASEhQUFhYYGhocHB4gICIiJCYmKCgqKiwuLjAwMjQ0NjY4Ojo8PD4+QEJCRERGSEhK",
        "SkxOTlBQUlJUVlZYWFpcXF5eYGJiZGRmZmhqamxsbnBwcnJ0dnZ4eHp6fH5+gICChISGhoiKioyMjo6QkpKUlJaYmJqanJ6eoKCi",
        "oqSmpqioqqysrq6wsrK0tLa2uLq6vLy+wMDCwsTGxsjIysrMzs7Q0NLU1NbW2Nra3Nze3uDi4uTk5ujo6urs7u7w8PLy9Pb2+Pj6",
        "/Pz+/v/9/fv7+fn39fXz8/Hv7+3t6+np5+fl5ePh4d/f3dvb2dnX1dXTVFVVVQAAAAgAAAgAAIAAgAgAIAIAgCAICAICAgICCAgg",
        "gIIIIIIIIggiCCIIiCIgiIgiIiIiIiIiIiIoiIoiKP7///8AJGiMzv///xAQFBQWGBocHB4gIiQkKCgqLCwwMDI0Njg4Ojw+QEBE",
        "REZISExMTlBSVFRWWFpcXGBgYmRkaGhqbG5wcHJ0dnh4fHx+gICEhIaIioyMjpCSlJSYmJqcnKCgoqSmqKiqrK6wsLS0tri4vLy+",
        "wMLExMbIyszM0NDS1NTY2Nrc3uDg4uTm6Ojs7O7w8PT09vj6/Pz+//37+/f39fPz7+/t6+nn5+Xj4d/f29vZ19fT09HPzcvLycfF",
        "w8O/v727u7e3tbOxr6+tq6mnp6OjoZ+fm5uZl5WTk5GPjYuLh4eFg4N/f317eXd3dXNxb29ra2lnZ2NjYV9dW1RVVVUAACAAAIAA",
        "gAgAgAgIAgICAgIICCCCCCCCIIIgiIIiCIiIiIiIiIoiIoiiKIooiiiiioooqKioqKiqKor////+AAAEBgoMDhAUFhgcHiAiJigs",
        "LDAyNjg6PEBCREhKTE5SVFhYXF5iZGZobG5wdHZ4en6AhISIio6QkpSYmpygoqSmqqywsLS2ury+wMTGyMzO0NLW2Nzc4OLm6Ors",
        "8PL0+Pr8/v379/fz8e3r6efj4d/b2dfV0c/Ly8fFwb+9u7e1s6+tq6mlo5+fm5mVk5GPi4mHg4F/fXl3c3NvbWlnZWNfXVtXVVNR",
        "TUtHR0NBPTs5NzMxLyspJyUhHxsbFxUR/bdTAkas//8PEBAUFhocHiAkJigsLjAyNjg8PEBCRkhKTFBSVFhaXF5iZGhobG5ydHZ4",
        "fH6AhIaIio6QlFRVVVUAgAAgAgCAICAgIIIIIIIIgiIgiIiIiKIiiKIooooooqKioqiqKqiqqKqqqqqqqqqqqrqqBK6q6q4EBASu",
        "q6uuBAQEBD+0tLa2uLi4urq6vLy8vr7AwMDAwsLExMTGxsbIyMjKyszMzMzOztDQ0NLS0gAAAAAVggiCCIIIggiCIIgAP9PR0c/N",
        "zcvLycfHxcXDwcG/v729u7m5t7e1s7Oxsa+traurqamnpaWjo6GfAAAAABWKIoiiiKKKIoooqAA/W1lXVVNTT09NS0tHR0VDQT8/",
        "PTs5NzczMzEvLysrKSclIyMhHx0bGxcXFRMAAAAAFaiqiqqKqqKqqqiqAD+UmJqeoKKkqKqssLK0trq8wMDExsrMztDU1tjc3uDi",
        "5ujs7PDy9vj6/P/9+wAAAAAqIkIkIkIkIkJCJCJCQkIkJCQkIkJCQgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ),
    "v1": _text(
        "oRkz/v///wACJERmaIiqDAwMDA4OEBAQEhISFBQUFhYYGBgYGhocHBweHh4gICAiIiQkJCQmJigoKCoqKiwsLC4uMDAwMDIyNDQ0",
        "NjY2ODg4Ojo8PDw8Pj5AQEBCQkJERERGRkhISEhKSkxMTE5OTlBQUFJSVFRUVFZWWFhYWlpaXFxcXl5gYGBgYmJkZGRmZmZoaGhq",
        "amxsbGxubnBwcHJycnR0dHZ2eHh4eHp6fHx8fn5+gICAgoKEhISEhoaIiIiKioqMjIyOjpCQkJCSkpSUlJaWlpiYmJqanJycnJ6e",
        "oKCgoqKipKSkpqaoqKioqqqsrKyurq6wsLCysrS0/v///wAiRmiKzO7/EBISFBQWFhgaGhwcHiAgIiIkJiYoKCoqLC4uMDAyNDQ2",
        "Njg6Ojw8Pj5AQkJEREZISEpKTE5OUFBSUlRWVlhYWlxcXl5gYmJkZGZmaGpqbGxucHBycnR2dnh4enp8fn6AgIKEhIaGiIqKjIyO",
        "jpCSkpSUlpiYmpqcnp6goKKipKamqKiqrKyurrCysrS0tra4urq8vL7AwMLCxMbGyMjKyszOztDQ0tTU1tbY2trc3N7e4OLi5OTm",
        "6Ojq6uzu7vDw8vL09vb4+Pr8/P7+AAICBAQGBggKCgwMDhAQEhIUFhYYGBoaHB4eICAiJCQmJigqKiwAAACoAAAFVVVVVVVVVVVV",
        "AAACBAYICAwMDhAQFBQWGBocHB4gIiQkKCgqLCwwMDI0Njg4Ojw+QEBEREZISExMTlBSVFRWWFpcXGBgYmRkaGhqbG5wcHJ0dnh4",
        "fHx+gICEhIaIioyMjpCSlJSYmJqcnKCgoqSmqKiqrK6wsLS0tri4vLy+wMLExMbIyszM0NDS1NTY2Nrc3uDg4uTm6Ojs7O7w8PT0",
        "9vj6/Pz+AAIEBAgICgwMEBASFBYYGBocHiAgJCQmKCgsLC4wMjQ0Njg6PDxAQEJEREhISkxOUFBSVFZYWFxcXmBgZGRmaGpsbG5w",
        "cnR0eHh6fHyAgIKEhoiIioyOkJCUlJaYmJycnqCipAAAqKoAAABVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVAAAEBgoMDhAUFhgc",
        "HiAiJigsLDAyNjg6PEBCREhKTE5SVFhYXF5iZGZobG5wdHZ4en6AhISIio6QkpSYmpygoqSmqqywsLS2ury+wMTGyMzO0NLW2Nzc",
        "4OLm6Ors8PL0+Pr8/gIECAgMDhIUFhgcHiAkJigqLjA0NDg6PkBCREhKTFBSVFZaXGBgZGZqbG5wdHZ4fH6AgoaIjIyQkpaYmpyg",
        "oqSoqqyusrS4uLy+wsTGyMzO0NTW2Nre4OTk6Oru8PL0+Pr8AAIEBgoMEBAUFhocHiAkJigsLjAyNjg8PEBCRkhKTFBSVFhaXF5i",
        "ZGhobG5ydHZ4fH6AhIaIio6QlACgqqoAVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVWqqqqqqqqqqqqqqqqqqqe3e0tLa2uLi4urq6",
        "vLy8vr7AwMDAwsLExMTGxsbIyMjKyszMzMzOztDQ0NLS0iwuLjAyMjQ0Njg4Ojo8Pj5AQEJCREZGSEhKTExOTlBSUlRUVlZYWlpc",
        "XF5gFVVVVVVVVVVVVVVVAKSmqKqsrLCwsrS0uLi6vL7AwMLExsjIzMzO0NDU1NbY2tzc3uDi5OTo6OrsFVVVVVVVVVVVVVVVAJSY",
        "mp6goqSoqqywsrS2urzAwMTGyszO0NTW2Nze4OLm6Ozs8PL2+Pr8AAIEFaqqqqqqqqqqqqq/AAMDAwAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAABAQ==",
    ),
    "v1_xor": _text(
        "oR8/fwAV/U1UAxPA6+wRItcsFyOKd2Y5SGFuh5EWz4Ta/coBi/yZhCbjLtUt7sdswV6JKuvIJzcU0Rjt/n8TwsnlpyJaXqUMpfsi",
        "tRLfev3As9nUF/hdjpchqH0ulQbGh+zyofxf4UAAkoLe0zESg1yjea+EwgTXSaFomF22LfYhrYk6+kdy1BucqRHPb1XgEcRdh4ps",
        "knlvsh7iZ5NH0DSmZQD4XwLctvcarA/YYIV2q86ioSb7Iso9xC/lA9dUeb4FxH479FJl4CSZ6wsAmACaZGQ0MDAuLiAWFBQU///u",
        "yqiGZCASEhAQADM1eZnb/f8PEQ8TERMVFSMtLS8vPWNjqSG+zNyIZF4yMDAuLhwWFBQUEv/+7KqIZEIAEBAQDgADAwVBAQYAegEA",
        "wAH9AQACABu3xIrPymJ0sby8XJDePta+wjJhqDPN4GAD/V5sQGgofMdMesrF2wZSSqxz781nPK/23U7kgOhodB8YjvA91AQqcnD1",
        "0U/vx7GXmVfUsNyoIj3chDVg2xx1ztovEaBNVOQ/8wBZt+JXi0yBMpJAvPLz0qN3Y3nMk2snPWJ1RNqMJqp/vywOsqsmzSI4VEQa",
        "FTg8DmTTWQMg/TmuC8AcnHnjErf9vQXklVhSb57L49OJDP9eOK7kO8ZFeRsmyslN29K3MIXo9P8AwP6MalYuLCYiHBYQDAQABw0T",
        "Fx8hJy03ZWm/Y5S2zGxmQCwoJCAaFA4IAgMJDxUbHyUpLU9nf+FFJRqaaF4wKigiHBgSCgYABQ0RGR0hJysxZWmvRe4I2mpoRiwq",
        "JCAcFBAIRQQCAHsAcAH/AQAOA/0B4AAB/gIA5jhKtpuWJmr/ELzMRPcytLDdfj5eEhOKcOatXLbAAvXWkPqtSJqS0i/eeprflmAu",
        "MPdQmvg/1oZo0LOCXkzZjFhgqMOQkCgDqgbY3nuaAJiT0tD4UqEk3mQvwt5IgHEGlnL/ANZaevE0DDsxTxqRfEyHITEqDKHhNWFZ",
        "UuopvDphFa/pTtlJjiEr1f++zW6/P3qcoXm+yoeAMRMlEZnDtpVFbXTMyjnn8fAF/snJ516fbkuit6X9Fr/nVCN4GAdGhwg/uQaT",
        "xgBJsUHuMNlJtFBDqUzzMbU3yS9FrUqHsUE1xqjAoVCJsl073z1wnlqys2ghyHA+l1ymsmc8zbzzkWN1LRA/8/mVimdeEw0w+gBp",
        "hGw2QT8+7j+1fnIOcC084VXQeXfpYOA+J4CoBVKmfgMDBwcDAwBEADAwBEADAwBVADAwBVADAwBVACEwBcJwoJwFAwMoJwoKAwwA",
        "AwEAAAAAAAAAAAAAAAAAAAAAAAAAAAABARI=",
    ),
    "grid": _text(
        "4f4eEA4QDhAOEA4QDhAOEA7+HhAOEA4QDhAOEA4QDhAO/h4QDhAOEA4QDhAOEA4QDv4eEA4QDhAOEA4QDhAOEA7+HhAOEA4QDhAO",
        "EA4QDhAO/h4QDhAOEA4QDhAOEA4QDv4eEA4QDhAOEA4QDhAOEA7+HhAOEA4QDhAOEA4QDhAODxIPAg8CDwIPAg8CDwIPAgB2h1Zn",
        "eKmGZYlomAFpAAA=",
    ),
    "fan": _text(
        "4f7///////////+Pj////////w///////////1//v////////j/f//7/////IP//7////////2r//////w8C/wEQCP8XHhD/LSwY",
        "/0M6IP9ZSCj/b1ZJ/wtkQf8hcjn/NwZIOWb/eTAZ/xU+Ef8rTAn/QVoB/1doBv9tdmsW/x8YHv81Jib/SzQu/2FCNv93UDv/E14z",
        "/ylsK/8/eiNH/w0cExb/HTgD/zNGBP9JVAz/X2IU/3VwXfMWFh3/Hy48Py3/O0ot/xtYJf8xZh3/R3QV/10WBf8PJAIW/ztAEv9R",
        "Thr/Z1xX/wNqT/8ZeEf/Lww6/0UoSv9xNif/DUQf/yNSF/85YA8AdodWZ3iphmWJaJgBaQAA",
    ),
    "sequence": _text(
        "0QAEAAIgEC48IFpYMAF1QYYBI1EAMxgWHURCHXNvDZwBCyksJ0UsQ2EzK3YiVpkBEwAxAwAhDQARFBIULD4wPGpMTOsBaV2WAT9t",
        "AE8oJh1nU9gBVgF0RgEdLBs5Jw9VFztxB2dKCAEUGAEEKAEKJSMJSU8lWd4BQGh7XSxbWmoKlQFbN7ABSmLNATsAWSsAEC0OLAoe",
        "SARKZBTnAQgkAQY0ARYJBxw1MxxhXxl17gE0LTJQLU5sThpbP0ekAS5ywQEfAAAAAA==",
    ),
    "box_points": _text(
        "oAAAAAUAwPMz////////8/MAAP///////wAAAAUMzMDA///////MzAAA/////wAAAAUz88wM//////////8AwAAA/wAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAv83MzL6amZm+",
    ),
    "box_normals": _text(
        "oAUAwMAAA/3AwAAA/v0FAADAwP0DAMAAAP0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACBAH8A",
    ),
    "box_indices": _text(
        "4fAA8ADwAPAA8ADwAAB2h1ZneKmGZYlomAFpAAA=",
    ),
}

# per filter: the stream, the bytes that meshoptimizer decodes it to, their type, and bytes of an element
FILTERED = {
    "OCTAHEDRAL": (
        _text(
            "oAE///8AFebbTxmd7p4gcCECBjt0qEtxAAABP///ADfOKdGxwBw6ZUUHAS///wAPFg0FFhUEEBUOAAABP///AD108UW6ZBZyiQtv",
            "AT///wCMJk+hp10YhK6KJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAKoCqgL/B9Ml",
        ),
        _text(
            "3UndSflJ0yXmbcQ6z+K0a0RMk5vuFe5+mOe5egrldVa/gaH1URJSBQueU6429a+xIgLRf3cG4YJnZjiz8v7sjjZ+MOto+yXQwhIe",
            "fjUL4CewsECcDvTabIWNFTbDEqJ+",
        ),
        "<i2",
        8,
    ),
    "QUATERNION": (
        _text(
            "oAE///8A/UA/e74+uYK7HZECAS1MvaQPAAAPAT///wCUNDZ26Ig+0IqVMwE///8ADwccEQQPGgsIExQBP///AESFYVQa0R+zVXLi",
            "AgKVLJCchwAAAgBjECRSBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAKcFpwWnBfwH",
        ),
        _text(
            "D0D6P/o/+j/qVwsvs+jNTMc7QbE+EXJPH+0aXyHr6lAfflkKp+1M+mRVJEdrCck+jAFtW5kEjqZBsRI71wDOUdV0uezB+5bPmRFn",
            "doYKFSxlQT9S3AmUtxWsnifLDRFX",
        ),
        "<i2",
        8,
    ),
    "EXPONENTIAL": (
        _text(
            "oAE//f8AUR43f7yZnglMJgE///8AMBuvIwqwKAYM4RcBAQgEAAICA0CaBWAAAAE///8AVEKniS6waJudufIBP///AAm94rEL2M8E",
            "uOXuAQZJJgABIPDxAAUGAwQBP///AOxvmodRnzqH6X3EAT///wCLsMeeo8avBpDDyAEZmSYAAQQX4gADBAE///8ADsd3sobNCp+H",
            "5TcBP3//ACAUJ6MtDBKuHhIBABAgAAEg8EgABwgAAAAAAAAAAAAAAAAAAAAA1CUA8dQlAPHUJQDx1CUA8Q==",
        ),
        _text(
            "AFCXPgBQlz4AUJc+AFCXPgCsdj8A+AM/ANiCvgBsVz8A6D4/AIR7vwBIXD4A3H0/AIghvgAsSz8AhDK+AOwsPwCIar8A6Jm9AGwI",
            "PgBQKj0AEFW/AIwxvwA4vL0ApBy/ALyJPADUfz8AiE49AEB6vwC4WT8AXCO/AAQRvAAsYr8A9GY/AJQYvgAUBr0AbL++AOD+PQAw",
            "Vj8AGJg9AISfPgCIRL8ARHe/AOTsvQC4WT8APHS/AKDmPgCkID4ASH0/",
        ),
        "<f4",
        16,
    ),
    "COLOR": (
        _text(
            "of8AIqtxiagWYkCtKUUAmlZBhiVbcQpxWTsAFDLLUUVnADyoXrAARhUoUlIvDUJURxAAAAAAAAAAAAAAAAAAAAAAAAAApQAA0gE=",
        ),
        _text(
            "paWlpPnAX+vfA5v/a+Rp1wx2kIQWJ3Qwgv6GA+wvfg/zbXtQj+qJpx8EcewGuZT/",
        ),
        "u1",
        4,
    ),
}

WALK = ((np.arange(300)[:, None] ** 2 * np.array([3, 5, 7, 11]) // 17) % 65536).astype("<u2")
WAVES = np.sin(np.arange(100)[:, None] * np.array([0.05, 0.11, 0.7])).astype("<f4")
GRID = np.array(
    [
        [9 * row + col, 9 * row + col + 1, 9 * row + 9 + col]
        + [9 * row + 9 + col, 9 * row + col + 1, 9 * row + col + 10]
        for row in range(8)
        for col in range(8)
    ],
    "<u4",
)
FAN = np.stack([np.zeros(60, int), np.arange(60) * 7 % 61 + 1, np.arange(60) * 11 % 61 + 1], axis=1).astype(
    "<u4"
)


HALF = (0.5, 0.4, 0.3)  # of the box


def packed_box():
    """The tree and the bytes of a red box whose every bufferView is compressed, without a fallback."""
    views = []
    binary = b""
    for name, mode, count, stride, more in (
        ("box_points", "ATTRIBUTES", 24, 12, {}),
        ("box_normals", "ATTRIBUTES", 24, 4, {"filter": "OCTAHEDRAL"}),
        ("box_indices", "TRIANGLES", 36, 2, {}),
    ):
        stream = STREAMS[name]
        place = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(stream)}
        packing = {**place, "byteStride": stride, "count": count, "mode": mode, **more}
        whole = {
            "buffer": 1,
            "byteLength": count * stride,
            "extensions": {"EXT_meshopt_compression": packing},
        }
        views.append({**whole, "byteStride": stride} if mode == "ATTRIBUTES" else whole)
        binary += stream + bytes(-len(stream) % 4)
    points = box(HALF)[0]
    bounds = {"min": points.min(0).tolist(), "max": points.max(0).tolist()}
    part = {"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}
    names = ["EXT_meshopt_compression", "KHR_mesh_quantization"]
    red = {"baseColorFactor": RED, "metallicFactor": 0, "roughnessFactor": 1}
    tree = {
        "asset": {"version": "2.0"},
        "extensionsUsed": names,
        "extensionsRequired": names,
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [part]}],
        "materials": [{"pbrMetallicRoughness": red}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 24, "type": "VEC3", **bounds},
            {"bufferView": 1, "componentType": 5120, "count": 24, "type": "VEC3", "normalized": True},
            {"bufferView": 2, "componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}, {"byteLength": 4096}],
    }
    return tree, binary


def glb(tree, binary):
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
