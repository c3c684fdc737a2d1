"""``write_page``: a trained network as one HTML file that reads what is drawn on it.

The file holds everything: weights, code, style, pictures to try. It asks the network for nothing,
and its own policy forbids it to.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mlplab import __version__
from mlplab.data import Dataset
from mlplab.export.ensemble import Ensemble
from mlplab.export.page_facts import fact_rows, lead_of, noun_of, title_of
from mlplab.export.page_material import page_data, picture_size
from mlplab.export.policy import content_policy
from mlplab.export.quantize import fewest_bits, rounding_cost
from mlplab.files import whole, writing

READING = ("weights.js", "network.js", "raster.js", "framing.js", "measures.js", "changes.js")
"""The code that computes, without a page; ``reader.js`` comes last."""

SHOWING = ("pictures.js", "pad.js", "answer.js", "inside.js", "misread.js", "main.js")
"""The code that shows it."""


def write_page(
    ensemble: Ensemble, dataset: Dataset, path: str | Path, weights: str | None = None
) -> Path:
    """Write one HTML file that works from disk with no network.

    Args:
        ensemble: networks that take one picture.
        dataset: the one they were trained on; test pictures to try come from it, and what rounding
            the weights costs is measured on its whole test set.
        path: the file; it is written over.
        weights: ``"int8"``, a byte a weight, or ``"float16"``, two. None takes int8 unless that
            loses more than 0.2 points of accuracy on the test set, and float16 then.

    Returns:
        The path.

    Raises:
        ModelError: the networks do not take one picture, or the dataset does not fit them.
        UsageError: there are no such weights.
        ParityError: none was asked for, and float16 too loses more than 0.2 points.
        StorageError: the disk is full or cannot be written.
    """
    path = Path(path)
    text = page_html(ensemble, dataset, weights)
    with writing(path, "name another file"), whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def page_html(ensemble: Ensemble, dataset: Dataset, weights: str | None = None) -> str:
    """Return the page that ``write_page`` writes.

    Its facts gain ``weights``: the cost of rounding, as ``RoundingCost`` has it; and, where int8
    was not taken for its cost, that as ``weights_refused``.
    """
    picture_size(ensemble, dataset)
    if weights is None:
        ensemble = replace(ensemble, facts=ensemble.facts | weight_facts(ensemble, dataset))
        weights = str(ensemble.facts["weights"]["kind"])
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
            policy=content_policy([reading_code(), showing_code()], [asset("style.css")]),
            style=asset("style.css"),
            reading=reading_code(),
            showing=showing_code(),
        )
    )


def weight_facts(ensemble: Ensemble, dataset: Dataset) -> dict[str, Any]:
    """Return the facts of the weights that a page takes where none are asked for."""
    cost, refused = fewest_bits(ensemble, *dataset.test)
    facts: dict[str, Any] = {"weights": asdict(cost)}
    if refused:
        facts["weights_refused"] = asdict(refused[0])
    return facts


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
