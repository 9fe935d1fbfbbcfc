"""What the scripts' command lines share: settings from a file of ours, from yours, or as options; errors in
one line.
"""

import sys
import warnings
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from viewpoint100k import InputError


def run(main: Callable[..., Any], parser: Any) -> None:
    """Parse the options and run; exit with code 2 for errors that the user can fix."""
    arguments = sys.argv[1:]
    try:
        if "--config" in arguments[:-1]:
            place = arguments.index("--config") + 1
            arguments[place] = str(config_path(arguments[place]))
        main(*_parsed(parser, arguments))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _parsed(parser: Any, arguments: list[str]) -> Any:
    """
    Raises:
        InputError: there is no such option, a file is not YAML, or TRL finds that settings conflict.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of names that a later transformers will have
            return parser.parse_args_and_config(arguments)
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise InputError(" ".join(str(error).split())) from error


def config_path(name: str) -> Path:
    """A file of yours, or the name of one that ships: `tiny_cpu` is `trainers/configs/tiny_cpu.yaml`.

    Raises:
        InputError: there is no such file.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = Path(str(resources.files("trainers") / "configs" / f"{Path(name).stem}.yaml"))
    if not shipped.is_file():
        known = sorted(path.stem for path in shipped.parent.glob("*.yaml"))
        raise InputError(f"--config {name}: there is no such file; those that ship are {', '.join(known)}")
    return shipped
