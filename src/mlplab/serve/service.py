"""The work behind the endpoints: one network, asked in the way that measured fastest.

One example is answered where its request stands: handing it to a thread and back takes as long as
the answer. Pictures and batches take longer than other callers should wait, and go to threads.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from mlplab import __version__
from mlplab.errors import DataError
from mlplab.serve.answers import answer, answers
from mlplab.serve.inputs import Inputs
from mlplab.serve.limits import Limits
from mlplab.serve.metrics import Metrics
from mlplab.serve.reader import Served
from mlplab.serve.refused import Refused

Array = npt.NDArray[Any]
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
        self._threads = concurrent.futures.ThreadPoolExecutor(limits.threads, "mlplab-serve")
        self._began = time.monotonic()

    def example(self, body: bytes) -> dict[str, Any]:
        """Answer one example, sent as JSON."""
        return self._answer(self.inputs.example(body))

    def examples(self, body: bytes) -> dict[str, Any]:
        """Answer several examples, sent as JSON."""
        rows = self._rows(self.inputs.examples(body))
        for index, times in enumerate(np.bincount(rows.argmax(axis=1)).tolist()):
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

    def _answer(self, x: Array) -> dict[str, Any]:
        told = answer(self._rows(x)[0], self._names)
        self.metrics.predicted(self._names.index(told["answer"]))
        return told

    def _rows(self, x: Array) -> Array:
        """Return the probabilities of examples, (n, *input_shape) -> (n, n_classes)."""
        with np.errstate(over="ignore", invalid="ignore"):
            rows = self._reader.probabilities(x)
        if not np.isfinite(rows).all():
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "expected numbers that the network can compute with, got some so large that its "
                "answer is no number; send smaller ones",
            )
        return rows

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
        """End the threads; nobody waits for what they may still do."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def in_daemon(work: Callable[[], Result]) -> asyncio.Future[Result]:
    """Do work in a thread that the process does not wait for when it ends: a download, say."""
    loop = asyncio.get_running_loop()
    done: concurrent.futures.Future[Result] = concurrent.futures.Future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            done.set_exception(error)
        else:
            if not loop.is_closed():  # nobody waits any more where the service has ended
                done.set_result(result)

    threading.Thread(target=run, name="mlplab-page", daemon=True).start()
    return asyncio.wrap_future(done)
