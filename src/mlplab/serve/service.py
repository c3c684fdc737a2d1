"""The work behind the endpoints: one network, asked in the way that measured fastest.

One example is answered where its request stands, since that takes less than handing it to a thread
and back. Pictures and batches take longer than other callers should wait, and go to threads.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

import numpy as np

from mlplab import __version__
from mlplab.errors import DataError
from mlplab.serve.answers import answer, answers, likeliest
from mlplab.serve.inputs import Inputs
from mlplab.serve.limits import Limits
from mlplab.serve.metrics import Metrics
from mlplab.serve.reader import Served
from mlplab.serve.refused import Refused

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Service:
    """One network and what is asked of it.

    Args:
        served: the network.
        limits: what may be asked.
        metrics: where answers are counted.
    """

    def __init__(self, served: Served, limits: Limits, metrics: Metrics) -> None:
        self.served, self.limits, self.metrics = served, limits, metrics
        self.inputs = Inputs(served, limits)
        self._reader, self._names = served.reader, served.reader.class_names
        self._threads = ThreadPoolExecutor(limits.threads, "mlplab-serve")
        self._began = time.monotonic()

    def example(self, body: bytes) -> dict[str, Any]:
        """Answer one example, sent as JSON."""
        return self._answer(self.inputs.example(body))

    def examples(self, body: bytes) -> dict[str, Any]:
        """Answer several examples, sent as JSON."""
        rows = self._reader.probabilities(self.inputs.examples(body))
        for index, times in enumerate(np.bincount(likeliest(rows)).tolist()):
            self.metrics.predicted(index, times)
        return answers(rows, self._names)

    def picture(self, content: bytes) -> dict[str, Any]:
        """Answer a picture, the bytes of a PNG or JPEG file."""
        from mlplab.data.framing import decode, frame  # late: see warm_up

        try:
            seen = frame(decode(content, "picture", self.limits.pixels), "picture")
        except DataError as error:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        return self._answer(self.inputs.shaped(seen)) | {"seen": seen.tolist()}

    def _answer(self, x: Any) -> dict[str, Any]:
        row = self._reader.probabilities(x)[0]
        told = answer(row, self._names)
        self.metrics.predicted(self._names.index(told["answer"]))
        return told

    async def in_thread(
        self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """Do work in one of the threads, once one of them is free."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))

    def warm_up(self) -> None:
        """Import in a thread what the first picture needs: half a second that no one waits for."""
        if self.served.takes_pictures:
            self._threads.submit(importlib.import_module, "mlplab.data.framing")

    def health(self) -> dict[str, Any]:
        """Return that the service answers."""
        seconds = round(time.monotonic() - self._began, 3)
        return {"status": "ok", "version": __version__, "seconds": seconds}

    def about(self) -> dict[str, Any]:
        """Return what is served."""
        return {
            "file": self.served.name,
            "fingerprint": self.served.fingerprint,
            "runtime": self.served.runtime,
            "version": __version__,
            "input_shape": list(self._reader.input_shape),
            "classes": list(self._names),
            "facts": self._reader.facts,
        }

    def close(self) -> None:
        """End the threads, once they have done what they have begun."""
        self._threads.shutdown(cancel_futures=True)
