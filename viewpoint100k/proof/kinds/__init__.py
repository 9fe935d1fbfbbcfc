"""The proof of each kind of question, by the kind's name.

Every file here, and in `scene/`, holds the proofs of the kinds in the file of the same name in
`questions/kinds/`, in a mapping `PROOFS`. A new file is found by itself.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from viewpoint100k.proof.reading import Proof


def _files(package: str, paths: list[str]) -> Iterator[tuple[str, Mapping[str, Proof]]]:
    """(name of the module, what it proves) of each file of a package and of the packages within it."""
    for file in iter_modules(paths, f"{package}."):
        module = import_module(file.name)
        if file.ispkg:
            yield from _files(file.name, list(module.__path__))
        else:
            yield file.name, module.PROOFS


FILES: dict[str, Mapping[str, Proof]] = dict(_files(__name__, __path__))
PROOFS: dict[str, Proof] = {kind: proof for file in FILES.values() for kind, proof in file.items()}
