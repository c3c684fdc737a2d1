from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import Dataset, Split
from mlplab.errors import RecipeError
from mlplab.recipes import load_spec


def make_dataset(shape: tuple[int, ...], n_classes: int, dtype: str = "uint8") -> Dataset:
    rng = np.random.default_rng(0)
    y = np.arange(4 * n_classes) % n_classes
    split = Split(rng.integers(0, 256, (len(y), *shape)).astype(dtype), y)
    return Dataset("tiny", split, split, tuple(f"class {i}" for i in range(n_classes)))


@pytest.fixture(scope="session")
def images() -> Dataset:
    """MNIST's shapes and types."""
    return make_dataset((28, 28), 10)


@pytest.fixture(scope="session")
def dataset_of() -> Callable[..., Dataset]:
    return make_dataset


@pytest.fixture
def problems(tmp_path: Path) -> Callable[[str], list[str]]:
    """The lines of the error that a study spec raises, without the folder."""

    def lines_of(text: str) -> list[str]:
        file = tmp_path / "x.toml"
        file.write_text(text)
        with pytest.raises(RecipeError) as caught:
            load_spec(file)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return lines_of
