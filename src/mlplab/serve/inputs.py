"""What callers send: examples as JSON, and pictures; checked before anything is computed.

One definition says what an example is: it checks the bytes, and it is the schema in the OpenAPI.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, FailFast, Field, TypeAdapter, ValidationError

from mlplab.serve.limits import Limits
from mlplab.serve.reader import Served
from mlplab.serve.refused import Refused, too_large

Array = npt.NDArray[Any]
T = TypeVar("T")

BYTES_A_NUMBER = 32
"""More than any number needs that means something to a network."""

LARGEST_FEATURE = 1e15
"""Of a row: more than any feature is, and small enough that a network's sums stay finite."""

MOST_QUOTES = 100
"""In a body, which has two when it is right. Each text and each key more would be an error told."""

_SHOWN = 80  # characters of a caller's own key that are told back


class Inputs:
    """Reads what callers send to one network.

    Args:
        served: the network; its shape says what an example is.
        limits: how much may come.

    Attributes:
        one: the schema of one example.
        many: the schema of several.

    Examples:
        >>> from mlplab.export.ensemble import Ensemble
        >>> from mlplab.export.network import Network
        >>> pair = Served(Ensemble((Network((2,), ()),), ("a", "b")), "pair.npz", "", "NumPy")
        >>> Inputs(pair, Limits()).example(b'{"x": [1, 2.5]}')
        array([[1. , 2.5]], dtype=float32)
    """

    def __init__(self, served: Served, limits: Limits) -> None:
        shape = served.reader.input_shape
        self._shape, self._dtype = shape, served.dtype
        self._low, self._high = low, high = _limits(served)
        whole = np.dtype(served.dtype).kind == "u"
        self._numbers = " x ".join(map(str, shape)) + (" whole" if whole else "") + " numbers"
        self._numbers += f" from {low:g} to {high:g}"
        kind: Any = int if whole else float
        number: Any = Annotated[kind, Field(ge=low, le=high, allow_inf_nan=False)]
        one = _nested(number, shape)
        body: Any = _Body  # types made of what a network takes, which no checker knows beforehand
        self._one = TypeAdapter(body[one])
        self._many = TypeAdapter(body[_list(one, 1, limits.batch)])
        self._batch = limits.batch
        self._one_bytes = BYTES_A_NUMBER * int(np.prod(shape)) + 1024
        self.one, self.many = (_schema(adapter) for adapter in (self._one, self._many))

    def example(self, body: bytes) -> Array:
        """Read one example, shape (1, *input_shape)."""
        if len(body) > self._one_bytes:
            raise too_large("JSON for one example", f"{len(body):,}", self._one_bytes)
        return self._array(self._one, body, self._numbers)[np.newaxis]

    def examples(self, body: bytes) -> Array:
        """Read several examples, shape (n, *input_shape)."""
        expected = f"1 to {self._batch:,} examples, each {self._numbers}"
        return self._array(self._many, body, expected)

    def shaped(self, picture: Array) -> Array:
        """Return a framed picture, 0 to 255, as one example, shape (1, *input_shape)."""
        x = self._low + picture.reshape(1, *self._shape) * ((self._high - self._low) / 255)
        whole = np.dtype(self._dtype).kind == "u"
        return (np.rint(x) if whole else x).astype(self._dtype)

    def _array(self, adapter: TypeAdapter[Any], body: bytes, expected: str) -> Array:
        if body.count(b'"') > MOST_QUOTES:
            raise _other(expected, "many texts or keys")
        try:
            x = adapter.validate_json(body, strict=True).x
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise _other(expected, _got(first["loc"], first["msg"])) from None
        return np.array(x, self._dtype)


def _limits(served: Served) -> tuple[float, float]:
    """Return the smallest and the largest number of an example.

    Those of a picture are of the dataset, where the file says which: 0 and 255 are its black and
    white where it does not. They are rounded outwards, for callers who write six digits. A row's
    features may well be larger than any that were trained on.
    """
    if len(served.reader.input_shape) == 1 and np.dtype(served.dtype).kind != "u":
        return -LARGEST_FEATURE, LARGEST_FEATURE
    low, high = served.reader.facts.get("input", {}).get("range", (0, 255))
    down, up = Context(prec=6, rounding=ROUND_FLOOR), Context(prec=6, rounding=ROUND_CEILING)
    return float(down.create_decimal(low)), float(up.create_decimal(high))


def _other(expected: str, got: str) -> Refused:
    text = f'expected {{"x": ...}} with {expected}, got {got}'
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, text)


class _Body(BaseModel, Generic[T]):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid")

    x: T


def _list(inner: Any, least: int, most: int) -> Any:
    return Annotated[list[inner], Field(min_length=least, max_length=most), FailFast()]


def _nested(number: Any, shape: Sequence[int]) -> Any:
    """Return the type of nested lists of numbers, of just these lengths."""
    for size in reversed(shape):
        number = _list(number, size, size)
    return number


def _schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return a schema without the titles that pydantic gives."""
    schema = adapter.json_schema()
    return {"type": "object", "description": "Examples as nested lists of numbers."} | {
        key: schema[key] for key in ("properties", "required", "additionalProperties")
    }


def _got(place: Sequence[int | str], message: str) -> str:
    """Say what is wrong, and where."""
    where = "".join(f"[{part}]" if isinstance(part, int) else str(part)[:_SHOWN] for part in place)
    return f"{where}: {message}" if where else message
