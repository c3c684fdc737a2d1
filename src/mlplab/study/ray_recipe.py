"""Recipes as bytes that a worker can read, which need not have the user's own modules."""

from __future__ import annotations

import functools
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

from mlplab.errors import RecipeError
from mlplab.recipes import Recipe
from mlplab.study.ray_cluster import reason


def sendable(recipe: Recipe) -> bytes:
    """Pickle a recipe; functions of modules that are not installed go along by value.

    Raises:
        RecipeError: something that the function which builds the model refers to stays here.
    """
    from ray import cloudpickle

    with by_value(own_modules()):
        try:
            content: bytes = cloudpickle.dumps(recipe)
            return content
        except Exception as error:
            raise RecipeError(
                f"recipe {recipe.name!r}: expected a build function that can be sent to other "
                f"machines, got one that cannot ({reason(error)}); let it make what it uses"
            ) from error


def own_modules() -> list[ModuleType]:
    """Return the modules that a worker may lack: those of the user, in no installed package."""
    folders, packages = installed_folders(), installed_packages()
    return [
        module
        for name, module in list(sys.modules.items())
        if getattr(module, "__name__", None) == name  # another name for one that is there, too
        and name.partition(".")[0] not in ("__main__", "mlplab", *packages)
        and isinstance(file := getattr(module, "__file__", None), str)
        and not any(Path(file).is_relative_to(folder) for folder in folders)
    ]


@functools.cache
def installed_packages() -> frozenset[str]:
    """Return the names that installed packages are imported by; to read them all takes a while."""
    return frozenset(packages_distributions())


def installed_folders() -> set[str]:
    """Return the folders of the standard library and of installed packages."""
    paths = sysconfig.get_paths()
    found = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return found | {*site.getsitepackages(), site.getusersitepackages()}


@contextmanager
def by_value(modules: list[ModuleType]) -> Iterator[None]:
    """Have functions and classes of modules pickled whole inside, rather than by their names."""
    from ray import cloudpickle

    known = cloudpickle.list_registry_pickle_by_value()
    new = [module for module in modules if module.__name__ not in known]
    for module in new:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in new:
            cloudpickle.unregister_pickle_by_value(module)
