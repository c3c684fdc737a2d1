"""Packages that are optional: they come with an extra of mlplab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlplab.errors import UsageError

EXTRAS = {
    "mlflow": "mlflow",
    "notebook": "jupyterlab",
    "onnx": "onnxruntime",
    "parquet": "pyarrow",
    "ray": "ray",
    "serve": "fastapi",
    "sklearn": "scikit-learn",
    "tensorboard": "tensorboard",
    "tune": "optuna",
}
"""The extras, each with the package that it is there for."""


def installing(extra: str) -> str:
    """Return the command that installs an extra.

    Examples:
        >>> installing("onnx")
        "pip install 'mlplab[onnx]'"
    """
    return f"pip install 'mlplab[{extra}]'"


@contextmanager
def needed(extra: str) -> Iterator[None]:
    """Turn a package that is missing into an error that says how to get it.

    Args:
        extra: the extra of mlplab that holds the packages imported inside.

    Raises:
        UsageError: a package is not installed.

    Examples:
        >>> with needed("serve"):
        ...     import no_such_package
        Traceback (most recent call last):
        mlplab.errors.UsageError: expected the package no_such_package, which is not installed; \
run: pip install 'mlplab[serve]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"expected the package {error.name}, which is not installed; run: {installing(extra)}"
        ) from error
