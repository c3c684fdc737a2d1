"""What a run was made with: versions, machine, threads."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras

from mlplab.engine.core import usable_cores

_PACKAGES = ("mlplab", "keras", "numpy")
_BACKEND_PACKAGES = {
    "jax": ("jax", "jaxlib"),
    "tensorflow": ("tensorflow",),
    "torch": ("torch",),
}


def environment() -> dict[str, Any]:
    """Return versions, machine and threads as plain data.

    Examples:
        >>> sorted(environment())
        ['backend', 'machine', 'python', 'versions']
    """
    return {
        "python": platform.python_version(),
        "versions": {name: installed_version(name) for name in packages()},
        "backend": keras.backend.backend(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": processor(),
            "threads": usable_cores(),
        },
    }


def packages() -> tuple[str, ...]:
    """Return the packages whose versions may change what a run gives.

    Examples:
        >>> packages()[:3]
        ('mlplab', 'keras', 'numpy')
    """
    return (*_PACKAGES, *_BACKEND_PACKAGES.get(keras.backend.backend(), ()))


def installed_version(package: str) -> str | None:
    """Return the version of a package that is installed, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """Return the processor's name, as well as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
