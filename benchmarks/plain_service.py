"""The service one writes in ten minutes: FastAPI, and Keras's own ``predict`` in the handler.

``python -m benchmarks.plain_service FILE.keras PORT``
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = keras.saving.load_model(sys.argv[1], compile=False)


class Example(BaseModel):
    """The body of a request."""

    x: list[list[float]]


@app.get("/health")
def health() -> dict[str, str]:
    """Say that it answers."""
    return {"status": "ok"}


@app.post("/predict")
async def predict(example: Example) -> dict[str, object]:
    """Return the answer to one example; in FastAPI's threads, without ``async``, requests fail."""
    row = model.predict(np.array([example.x]), verbose=0)[0]
    return {"answer": int(row.argmax()), "probabilities": row.tolist()}


if __name__ == "__main__":
    model.predict(np.zeros((1, 28, 28)), verbose=0)  # compiled before anyone asks
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
