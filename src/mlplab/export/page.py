"""``write_page``: a trained network as one HTML file that reads what is drawn on it.

The file holds everything: weights, code, style, pictures to try. It asks the network for nothing,
and its own policy forbids it to.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import asdict, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mlplab import __version__
from mlplab.data import Dataset
from mlplab.errors import StorageError
from mlplab.export.ensemble import Ensemble
from mlplab.export.page_facts import fact_rows, lead_of, noun_of, title_of
from mlplab.export.page_material import page_data, picture_size
from mlplab.export.quantize import rounding_cost

WEIGHTS = "int8"
"""What kernels are packed as unless something else is asked for."""

READING = ("weights.js", "network.js", "raster.js", "framing.js", "measures.js", "changes.js")
"""The code that computes, without a page; ``reader.js`` comes last."""

SHOWING = ("pictures.js", "pad.js", "answer.js", "inside.js", "misread.js", "main.js")
"""The code that shows it."""


def write_page(
    ensemble: Ensemble, dataset: Dataset, path: str | Path, weights: str = WEIGHTS
) -> Path:
    """Write one HTML file that works from disk with no network.

    Args:
        ensemble: networks that take one picture.
        dataset: the one they were trained on; test pictures to try come from it, and what rounding
            the weights costs is measured on its whole test set.
        path: the file; it is written over.
        weights: ``"int8"``, a byte a weight, or ``"float16"``, two.

    Returns:
        The path.

    Raises:
        ModelError: the networks do not take one picture, or the dataset does not fit them.
        UsageError: there are no such weights.
        StorageError: the disk is full or cannot be written.
    """
    path = Path(path)
    text = page_html(ensemble, dataset, weights)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; name another file"
        ) from error
    return path


def page_html(ensemble: Ensemble, dataset: Dataset, weights: str = WEIGHTS) -> str:
    """Return the page that ``write_page`` writes.

    Its facts gain ``weights``: the cost of rounding, as ``RoundingCost`` has it.
    """
    picture_size(ensemble, dataset)
    cost, rounded = rounding_cost(ensemble, weights, *dataset.test)
    ensemble = replace(ensemble, facts={**ensemble.facts, "weights": asdict(cost)})
    data = page_data(ensemble, dataset, weights, rounded.argmax(axis=1), rounded.max(axis=1))
    return str(
        _template().render(
            title=title_of(ensemble),
            noun=noun_of(ensemble.class_names),
            lead=lead_of(len(ensemble.networks), cost, dataset.name),
            version=__version__,
            rows=fact_rows(ensemble.facts, cost),
            names=data["names"],
            n_samples=len(data["samples"]["index"]),
            data=data,
            policy=content_policy(),
            style=asset("style.css"),
            reading=reading_code(),
            showing=showing_code(),
        )
    )


@cache
def asset(name: str) -> str:
    """Return one file of the page's code or style."""
    return resources.files("mlplab.export").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def reading_code() -> str:
    """Return the code that reads pictures: it needs no page, and sets ``globalThis.mlplab``."""
    return _joined((*READING, "reader.js"))


@cache
def showing_code() -> str:
    """Return the code that draws the page and listens to it."""
    return _joined(SHOWING)


def _joined(names: tuple[str, ...]) -> str:
    """Return files as one script whose names are its own."""
    body = "\n".join(asset(name) for name in names)
    return f'(() => {{\n"use strict";\n{body}}})();\n'


@cache
def content_policy() -> str:
    """Return the page's content security policy: its own code and style by their hashes, no more.

    A server sends it as a header, with ``frame-ancestors``, which a file cannot say of itself.

    Examples:
        >>> content_policy().split("; ")[0]
        "default-src 'none'"
    """
    scripts = " ".join(_hash(code) for code in (reading_code(), showing_code()))
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {_hash(asset('style.css'))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _template() -> Any:
    """Return the template. Only the page's own code and style are put in as they are."""
    environment = Environment(
        loader=PackageLoader("mlplab.export", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
