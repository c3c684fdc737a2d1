"""Every error mlplab raises on purpose.

    MlplabError
    ├── UsageError              what the caller gave is wrong (exit code 2)
    │   ├── DataError           arrays, labels and data files
    │   ├── RecipeError         recipes and study specs
    │   ├── StudyError          study files
    │   ├── EngineError         a model an engine cannot train, an unknown engine
    │   │   └── Unplannable     what an engine does not cover; Keras does
    │   ├── ModelError          model files, and inputs that do not fit a model
    │   └── CompareError        scores that cannot be compared, or cannot carry the claim
    └── FailedError             the request was right, the world said no (exit code 1)
        ├── FetchError          no source of a dataset could be reached
        ├── StorageError        a full disk, a folder that cannot be written
        ├── ParityError         an export that does not compute what Keras computes
        └── AllDivergedError    training ended, and not one run is usable

Messages say what was expected, what came, and what to do, in that order. They are short: the
command line prints them as they are, without a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MlplabError(Exception):
    """Root of the errors mlplab raises on purpose."""

    exit_code = 1


class UsageError(MlplabError):
    """What the caller gave is wrong."""

    exit_code = 2


class DataError(UsageError):
    """Arrays, labels or data files that cannot be used."""


class RecipeError(UsageError):
    """A recipe or a study spec that cannot be used."""


class StudyError(UsageError):
    """A study file that cannot be used."""


class EngineError(UsageError):
    """A model an engine cannot train, or an engine that does not exist."""


class Unplannable(EngineError):  # noqa: N818
    """A model, its data or a way of training it that an engine does not cover."""


class ModelError(UsageError):
    """A model file that cannot be used, or an input that does not fit the model."""


class CompareError(UsageError):
    """Scores that cannot be compared, or cannot carry the claim that is made of them."""


class FailedError(MlplabError):
    """The request was right, and could not be carried out."""


class FetchError(FailedError):
    """No source of a dataset could be reached."""


class StorageError(FailedError):
    """A disk that is full, or a folder that cannot be written."""


class ParityError(FailedError):
    """An exported file that does not compute what the Keras model computes."""


class AllDivergedError(FailedError):
    """Training ended, and not one run is usable."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word closest to ``word``, or ``""``.

    Examples:
        >>> did_you_mean("mnits", ["mnist", "digits"])
        "; did you mean 'mnist'?"
    """
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""
