"""The dataset that a study was run on, loaded again."""

from __future__ import annotations

from mlplab.data import Dataset, load
from mlplab.errors import StudyError
from mlplab.study.study import Study


def load_dataset(study: Study, source: str | None = None, *, progress: bool = True) -> Dataset:
    """Load the dataset that a study was run on.

    Args:
        study: the study.
        source: the name or path of the data, where it is not found under the study's own any more.
        progress: whether to say on stderr what is being fetched.

    Raises:
        StudyError: the data was made in memory, or is not what the study was run on.
        DataError: its file cannot be read.
        FetchError: no source of a named dataset can be reached.

    Examples:
        >>> from mlplab import notebook_recipes, run
        >>> softmax = notebook_recipes()[0].replace(epochs=1)
        >>> with run(softmax, "digits", seeds=1, path="softmax.study") as study:
        ...     load_dataset(study).test.n
        359
    """
    about = study.dataset
    wanted = source or about["source"]
    if not wanted:
        raise StudyError("the dataset was made in memory")
    dataset = load(wanted, **about["load_options"], progress=progress)
    if dataset.fingerprint != about["fingerprint"]:
        raise StudyError(
            f"{wanted} is not what the study was run on "
            f"(fingerprint {dataset.fingerprint[:12]}, not {about['fingerprint'][:12]})"
        )
    return dataset
