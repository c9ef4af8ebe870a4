"""The Lua scripts of this package, put together from files: Redis knows no includes."""

from importlib.resources import files
from typing import Final

DISPATCH: Final = "return operations[ARGV[1]]()\n"


def read_script(*names: str) -> str:
    """Return the script made of `values.lua`, the files of these names, and the call of one
    operation: a local of one file is known to those after it.
    """
    folder = files(__package__)
    parts = [
        folder.joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in ("values", *names)
    ]
    return "\n".join([*parts, DISPATCH])
