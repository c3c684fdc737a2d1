"""What is found of a table while it is read: what to convert by, what is wrong with it.

It says in the end what ``validate`` says of whole arrays, with the same words and places.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data.validate import bad_labels, missing_labels, not_finite

Array = npt.NDArray[Any]

MOST_WORDS = 1 << 16
"""Different words there may be in a column of labels."""


class ReadAsText(Exception):  # noqa: N818 - no error: reading begins anew
    """Labels are numbers in one part and words in another: all of them are words."""


class TooManyWords(Exception):  # noqa: N818 - whoever reads the table says which
    """There are more different words than classes can be."""


@dataclass
class Bad:
    """Values of one kind that cannot be used.

    Attributes:
        count: how many.
        place: where the first is: its row, and its column where it is a feature.
        first: the first, where it is a label.
    """

    count: int = 0
    place: tuple[int, ...] = ()
    first: float = 0.0

    def add(self, mask: Array, row: int, values: Array | None = None) -> None:
        """Count those that a mask marks, in a part whose first row is ``row``."""
        if not mask.any():
            return
        if not self.count:
            at = np.unravel_index(int(np.argmax(mask)), mask.shape)
            self.place = (row + int(at[0]), *(int(i) for i in at[1:]))
            self.first = 0.0 if values is None else values[at].item()
        self.count += int(mask.sum())


@dataclass
class Tally:
    """What the parts read so far hold.

    Attributes:
        rows: how many there are.
        words: the different words among the labels, in the order in which they came.
        typed: whether the type of the labels is known before they are read.
        kind: of the labels: ``number``, ``bool`` or ``word``; empty before the first part.
        yes_no: the columns of features that hold true and false.
        nan, infinite: features that cannot be used.
        missing, broken, unbounded: labels that are missing, not whole, infinite.
        lowest, highest: the smallest and the largest label that is a number.
    """

    rows: int = 0
    words: list[str] = field(default_factory=list)
    typed: bool = False
    kind: str = ""
    yes_no: list[str] | None = None
    nan: Bad = field(default_factory=Bad)
    infinite: Bad = field(default_factory=Bad)
    missing: Bad = field(default_factory=Bad)
    broken: Bad = field(default_factory=Bad)
    unbounded: Bad = field(default_factory=Bad)
    lowest: int = 0
    highest: int = 0

    def add(self, x: Array, labels: Array) -> npt.NDArray[np.int64]:
        """Count a part in and return its labels as whole numbers: words by the order they came in.

        Args:
            x: features, float32, shape (n, columns).
            labels: as ``tables.labels_of`` gives them, shape (n,).

        Raises:
            ReadAsText: the labels are of another kind than those before.
            TooManyWords: there are more different words than classes can be.
        """
        self._use_kind(labels)
        self.nan.add(np.isnan(x), self.rows)
        self.infinite.add(np.isinf(x), self.rows)
        numbers = self._numbered(labels) if labels.dtype == object else self._whole(labels)
        self.rows += len(x)
        return numbers

    def _use_kind(self, labels: Array) -> None:
        kind = "number" if labels.dtype != object else _kind_of_objects(labels)
        if self.kind and kind != self.kind and not self.typed:
            raise ReadAsText
        self.kind = kind

    def _numbered(self, labels: Array) -> npt.NDArray[np.int64]:
        index = {word: place for place, word in enumerate(self.words)}
        self.missing.add(np.array([label is None for label in labels]), self.rows)
        numbers = [
            index.setdefault(str(label), len(index)) for label in labels if label is not None
        ]
        if len(index) > MOST_WORDS:
            raise TooManyWords
        self.words = list(index)
        whole = np.zeros(len(labels), np.int64)
        whole[[label is not None for label in labels]] = numbers
        return whole

    def _whole(self, labels: Array) -> npt.NDArray[np.int64]:
        if labels.dtype.kind == "f":
            missing, unbounded = np.isnan(labels), np.isinf(labels)
            self.missing.add(missing, self.rows)
            self.broken.add(~missing & (labels != np.floor(labels)), self.rows, labels)
            self.unbounded.add(unbounded, self.rows, labels)
            labels = np.where(missing | unbounded, 0, labels)
        whole = labels.astype(np.int64)
        lowest, highest = int(whole.min()), int(whole.max())
        self.lowest = min(self.lowest, lowest) if self.rows else lowest
        self.highest = max(self.highest, highest) if self.rows else highest
        return whole

    def problems(self, columns: tuple[str, ...]) -> list[str]:
        """Return what is wrong with features and labels, as sentences."""
        features = (("NaN", self.nan), ("infinite", self.infinite))
        sentences = [
            not_finite("data", kind, bad.count, bad.place, columns)
            for kind, bad in features
            if bad.count
        ]
        if self.missing.count:
            return [*sentences, missing_labels("data", self.missing.count, self.missing.place[0])]
        for what, bad in (("non-integer", self.broken), ("not finite", self.unbounded)):
            if bad.count:
                sentence = bad_labels("data", what, bad.count, bad.first, bad.place[0])
                return [*sentences, sentence]
        return sentences

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain data; ``of_plain`` reads that."""
        return asdict(self)

    @classmethod
    def of_plain(cls, plain: dict[str, Any]) -> Tally:
        """Read what ``as_plain`` returned, also after JSON.

        Examples:
            >>> tally = Tally(rows=3, nan=Bad(1, (2, 0)))
            >>> Tally.of_plain(tally.as_plain()) == tally
            True
        """
        bad = {
            name: Bad(**value | {"place": tuple(value["place"])})
            for name, value in plain.items()
            if isinstance(value, dict)
        }
        return cls(**plain | bad)


def _kind_of_objects(labels: Array) -> str:
    """Return ``bool`` where all labels that are there are true or false, else ``word``."""
    return "bool" if all(isinstance(label, bool) for label in labels) else "word"
