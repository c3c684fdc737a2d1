"""``write_report``: a study as a folder with one self-contained page, its figures and tables."""

from __future__ import annotations

import base64
import struct
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from mlplab.compare import Claim, Comparison, Metric
from mlplab.data import Dataset
from mlplab.errors import DataError
from mlplab.report.compared import Asked, Compared
from mlplab.report.facts import Facts, network_facts, study_facts
from mlplab.report.figures.catalog import NETWORK_FIGURES, STUDY_FIGURES
from mlplab.report.figures.catalog_compared import COMPARED_FIGURES, PAIR_FIGURES
from mlplab.report.figures.entry import FigureEntry
from mlplab.report.folder import ID_NAME, PAGE, check_folder, file_names, write_files
from mlplab.report.material import Material, Network, network_material, study_material
from mlplab.report.render import Picture, picture
from mlplab.report.sections import (
    MOST_MISREAD_ROWS,
    calibration_section,
    data_section,
    differences_section,
    drawn_section,
    items_section,
    looks_section,
    network_section,
    overview,
    repeat_section,
    variation_section,
)
from mlplab.report.tables import COMPARED_TABLES, TABLES
from mlplab.report.together import (
    compared_facts,
    compared_material,
    pair_facts,
    pair_material,
)
from mlplab.study import Study
from mlplab.study.summary import summarize


class Shown(NamedTuple):
    """A figure as the page shows it.

    Attributes:
        file: its path in the folder, without suffix.
        title: what stands over it.
        alt: what it shows, in words.
        caption: how to read it.
        picture: its files.
    """

    file: str
    title: str
    alt: str
    caption: str
    picture: Picture

    @property
    def light(self) -> str:
        """The picture for a light page, as a data URI."""
        return data_uri(self.picture.light)

    @property
    def dark(self) -> str:
        """The picture for a dark page, as a data URI."""
        return data_uri(self.picture.dark)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return png_size(self.picture.light)


Figures = dict[Hashable, dict[str, Shown]]
"""Figures by name, under the label of a network, a pair of labels, or ``""`` for the study."""


def write_report(
    study: Study,
    folder: str | Path,
    *,
    dataset: Dataset | None = None,
    comparison: Comparison | None = None,
    further: Sequence[Comparison] = (),
    claim: Claim | None = None,
    margin: float | None = None,
    level: float = 0.95,
    metric: Metric = "accuracy",
    command: str | None = None,
    force: bool = False,
) -> Path:
    """Write ``report.html``, ``figures/`` (PNG and SVG) and ``tables/`` (CSV) into a folder.

    The page is one file that needs no network and no script. Files of other names in the folder
    are left alone. A report of the same study is written over.

    Args:
        study: the study to report on.
        folder: where to write; it is made where there is none.
        dataset: the study's dataset; without it the pictures of misread examples are left out.
        comparison: the comparison to show, such as ``run_until_decided`` returns; where None, the
            recipes are compared as the following four say.
        further: comparisons to show beside it, whose pairs are families of their own.
        claim: see ``Study.compare``, as for the following; the one the runs can carry where None.
        margin: the difference from which on it matters.
        level: how often all verdicts are to hold at once.
        metric: ``"accuracy"`` or ``"loss"``.
        command: the command line that made the study, to be shown.
        force: write over a report of another study, or over files that are no report.

    Returns:
        The path of the page.

    Raises:
        UsageError: something else is in the way, and ``force`` is not set.
        DataError: the dataset is not the one of the study.
        CompareError: the runs cannot carry the claim.
        StorageError: the disk is full or cannot be written.

    Examples:
        >>> from mlplab import notebook_recipes, run
        >>> softmax = notebook_recipes()[0].replace(epochs=1)
        >>> with run(softmax, "digits", seeds=1, path="softmax.study") as study:
        ...     print(write_report(study, "softmax-report"))
        softmax-report/report.html
    """
    folder = Path(folder)
    check_folder(folder, study.id, force)
    check_dataset(study, dataset)
    networks = [Network(study, summary, dataset) for summary in summarize(study)]
    asked = Asked(claim, margin, level, metric)
    compared = Compared(study, dataset, comparison, asked, further)
    names = file_names([network.label for network in networks])
    figures = _all_figures(compared, networks, names)
    page = _page().render(
        id_name=ID_NAME,
        names=names,
        figures=figures,
        overview=overview(study, networks),
        differences=differences_section(compared),
        items=items_section(compared),
        calibration=calibration_section(compared),
        drawn=drawn_section(compared),
        uncalibrated=compared.uncalibrated,
        variation=variation_section(compared),
        data=data_section(study, networks, dataset),
        networks=[network_section(network) for network in networks],
        looks=looks_section(study),
        repeat=repeat_section(study, networks, command),
        tables=[*TABLES, *COMPARED_TABLES],
        most_misread_rows=MOST_MISREAD_ROWS,
    )
    tables = {name: make(study) for name, make in TABLES.items()}
    tables |= {name: make(compared) for name, make in COMPARED_TABLES.items()}
    write_files(folder, dict(_files(figures, tables, page)))
    return folder / PAGE


def _all_figures(
    compared: Compared, networks: Sequence[Network], names: Mapping[str, str]
) -> Figures:
    """Draw the figures of the study (under ``""``), of each network and of some pairs."""
    study, dataset = compared.study, compared.dataset
    material = study_material(study, networks, dataset) | compared_material(compared)
    facts = study_facts(study, networks) | compared_facts(compared)
    figures: Figures = {"": dict(_shown(STUDY_FIGURES | COMPARED_FIGURES, material, facts, ""))}
    for network in networks:
        material = network_material(network)
        if network.label in compared.calibrations:
            material["calibration"] = compared.calibrations[network.label]
        facts = network_facts(network, material)
        prefix = f"{names[network.label]}-"
        figures[network.label] = dict(_shown(NETWORK_FIGURES, material, facts, prefix))
    for a, b in compared.pictured_pairs:
        material, facts = pair_material(compared, a, b), pair_facts(compared, a, b)
        prefix = f"{names[a]}-and-{names[b]}-"
        figures[a, b] = dict(_shown(PAIR_FIGURES, material, facts, prefix))
    return figures


def check_dataset(study: Study, dataset: Dataset | None) -> None:
    """Raise DataError unless the dataset is the one that a study was run on."""
    if dataset is None or dataset.fingerprint == study.dataset["fingerprint"]:
        return
    about = study.dataset
    raise DataError(
        f"expected the dataset of the study, {about['name']} ({about['fingerprint'][:12]}), "
        f"got {dataset.name} ({dataset.fingerprint[:12]}); leave it out to do without pictures"
    )


def _shown(
    entries: Mapping[str, FigureEntry], material: Material, facts: Facts, prefix: str
) -> Iterator[tuple[str, Shown]]:
    """Draw those figures whose material is there."""
    for name, entry in entries.items():
        if all(need in material for need in entry.needs):
            yield (
                name,
                Shown(
                    file=f"figures/{prefix}{name}",
                    title=entry.title,
                    alt=entry.alt.format_map(facts),
                    caption=entry.caption.format_map(facts),
                    picture=picture(entry, material),
                ),
            )


def _files(
    figures: Figures, tables: Mapping[str, pd.DataFrame], page: str
) -> Iterator[tuple[str, bytes]]:
    """All files of a report, the page last."""
    for group in figures.values():
        for shown in group.values():
            yield f"{shown.file}.png", shown.picture.light
            yield f"{shown.file}.svg", shown.picture.svg
    for name, table in tables.items():
        yield f"tables/{name}.csv", table.to_csv(index=False).encode()
    yield PAGE, page.encode()


def _page() -> Any:
    """The page's template. What comes from a study is escaped; nothing is marked as safe."""
    environment = Environment(
        loader=PackageLoader("mlplab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def data_uri(png: bytes) -> str:
    """Return a PNG as text that stands for its address."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def png_size(png: bytes) -> tuple[int, int]:
    """Return width and height out of a PNG's header: two big-endian integers at byte 16."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height
