"""What callers send: examples as JSON, and pictures; checked before anything is computed.

One definition says what an example is: it checks the bytes, and it is the schema in the OpenAPI.
"""

from __future__ import annotations

from collections.abc import Sequence
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

_LARGEST = float(np.finfo(np.float32).max)


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
        low, high = (0, 255) if len(shape) > 1 else (-_LARGEST, _LARGEST)
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
        """Return a framed picture as one example, shape (1, *input_shape)."""
        return picture.reshape(1, *self._shape).astype(self._dtype)

    def _array(self, adapter: TypeAdapter[Any], body: bytes, expected: str) -> Array:
        try:
            x = adapter.validate_json(body, strict=True).x
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f'expected {{"x": ...}} with {expected}, got {_got(first["loc"], first["msg"])}',
            ) from None
        return np.array(x, self._dtype)


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
    where = "".join(f"[{part}]" if isinstance(part, int) else str(part) for part in place)
    return f"{where}: {message}" if where else message
