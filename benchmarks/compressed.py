"""Compressed files against their plain form: `python benchmarks/compressed.py PLAIN PACKED [--size 512]`.

Both are folders of .glb with the same names: such as gltfpack makes of a folder, once without -c and once
with -cc. Renders one view of each file at `default` and prints the PSNR of the two pictures of an object: the
same geometry in another container is to give the same picture, up to where quantisation moves a vertex.
"""

import argparse
import io
import math
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from viewpoint100k.config import load_config
from viewpoint100k.engine import Engine, Rendered
from viewpoint100k.errors import ObjectRefused
from viewpoint100k.objects.gltf import check_gltf
from viewpoint100k.plan import plan_views
from viewpoint100k.records import ObjectRecord, SourceObject


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("plain", type=Path)
    parser.add_argument("packed", type=Path)
    parser.add_argument("--size", type=int, default=512)
    arguments = parser.parse_args()
    config = load_config("viewpoint-6dof", [f"render.size_px={arguments.size}", "render.jpeg_quality=100"])
    with tempfile.TemporaryDirectory() as scratch, Engine(config.render, Path(scratch)) as engine:
        for packed in sorted(arguments.packed.glob("*.glb")):
            thing = SourceObject(record=ObjectRecord(uid=packed.stem))
            view_set = plan_views(config, thing, 0, ["+00-000"])
            view_set = view_set.model_copy(update={"views": view_set.views[:1], "probes": []})
            pictures = []
            for path in (arguments.plain / packed.name, packed):
                try:
                    check_gltf(path, config.files)
                except ObjectRefused as refusal:
                    print(f"{path}: the gate refuses it: {refusal}")
                    continue
                rendered = engine.render(view_set, path)
                if isinstance(rendered, Rendered):
                    pictures.append(_pixels(rendered.views[0].image))
                else:
                    print(f"{path}: {rendered.reason}")
            if len(pictures) == 2:
                print(f"{packed.name}: {_psnr(*pictures):.1f} dB", flush=True)


def _pixels(image: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    with Image.open(io.BytesIO(image)) as picture:
        return np.asarray(picture.convert("RGB"), np.float64)


def _psnr(first: np.ndarray, second: np.ndarray) -> float:
    error = float(((first - second) ** 2).mean())
    return 10 * math.log10(255**2 / error) if error else math.inf


if __name__ == "__main__":
    main()
