"""What callers get: answers as plain data, and the schemas that the OpenAPI shows of them."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

Array = npt.NDArray[Any]

PROBABILITY = Field(ge=0, le=1.000001)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Answer(_Strict):
    """What one example is."""

    answer: str = Field(description="The likeliest class.")
    probability: float = PROBABILITY
    runner_up: str = Field(description="The next likeliest class.")
    runner_up_probability: float = PROBABILITY
    probabilities: dict[str, float] = Field(description="Of every class.")
    seen: list[list[int]] | None = Field(
        None,
        description="Of a picture: what the network saw of it, 28 x 28 numbers from 0 to 255.",
    )


class Answers(_Strict):
    """What several examples are, in their order."""

    classes: list[str] = Field(description="The classes, in the order of the probabilities.")
    answers: list[str] = Field(description="The likeliest class of each example.")
    probabilities: list[list[float]] = Field(description="A row an example.")


class Health(_Strict):
    """That the service answers."""

    status: str = "ok"
    version: str = Field(description="Of mlplab.")
    seconds: float = Field(description="Since the service was ready.")


class About(_Strict):
    """What is served."""

    file: str = Field(description="Its name, without the folder.")
    fingerprint: str = Field(description="SHA-256 of the file.")
    runtime: str = Field(description="What computes the answers.")
    version: str = Field(description="Of mlplab.")
    input_shape: list[int] = Field(description="Of one example.")
    classes: list[str]
    facts: dict[str, Any] = Field(
        description="What the file says of its network: the recipe and seeds, the dataset and its "
        "fingerprint, scores with their intervals, the parity check. Files that mlplab export did "
        "not make say nothing."
    )


def answer(row: Array, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what one example is, from its probabilities, shape (n_classes,)."""
    first, second = (-row).argsort(kind="stable")[:2].tolist()  # of equal ones the first, as Keras
    shares = row.tolist()
    return {
        "answer": names[first],
        "probability": shares[first],
        "runner_up": names[second],
        "runner_up_probability": shares[second],
        "probabilities": dict(zip(names, shares, strict=True)),
    }


def answers(rows: Array, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what several examples are, from their probabilities, shape (n, n_classes)."""
    return {
        "classes": names,
        "answers": [names[i] for i in rows.argmax(axis=1)],
        "probabilities": rows.tolist(),
    }
