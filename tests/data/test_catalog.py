"""The table of named datasets: every row complete, and true where this machine can tell."""

from __future__ import annotations

import re

import pytest

from mlplab.data import CATALOG, Dataset, NamedDataset, load
from mlplab.data.catalog import PARTS

FETCHED = [spec for spec in CATALOG.values() if spec.files]


@pytest.mark.parametrize("spec", FETCHED, ids=lambda spec: spec.name)
def test_every_file_can_be_checked(spec: NamedDataset) -> None:
    assert tuple(file.part for file in spec.files) == PARTS
    for file in spec.files:
        digests = [digest for digest in (file.sha256, file.gz_sha256) if digest is not None]
        assert len(digests) == 1
        assert re.fullmatch("[0-9a-f]{64}", digests[0])
    assert len({file.sha256 or file.gz_sha256 for file in spec.files}) == 4
    assert spec.mirrors
    for mirror in spec.mirrors:
        assert mirror.url.startswith(("https://", "http://"))
        assert mirror.url.endswith({"gz": "/", "npz": ".npz", "zip": ".zip"}[mirror.kind])


def test_names() -> None:
    assert list(CATALOG) == ["mnist", "fashion-mnist", "kmnist", "emnist-letters", "digits"]
    assert all(name == spec.name for name, spec in CATALOG.items())
    sizes = {name: len(set(spec.class_names)) for name, spec in CATALOG.items()}
    assert sizes == {
        "mnist": 10,
        "fashion-mnist": 10,
        "kmnist": 10,
        "emnist-letters": 26,
        "digits": 10,
    }


def test_the_counts_are_true(mnist: Dataset) -> None:
    for dataset in (mnist, load("digits")):
        spec = CATALOG[dataset.name]
        assert (dataset.train.n, dataset.test.n) == (spec.n_train, spec.n_test)
        assert dataset.class_names == spec.class_names
        assert dataset.disputed == spec.disputed
