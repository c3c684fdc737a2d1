"""``ReferenceNetwork``: what the compiled core computes, in slow and obvious NumPy.

It has the core's interface, so that everything which drives the core can drive it, and float32
arithmetic in the order Keras does it. With ``dtype=float64`` its gradients can be checked against
differences.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from tests.engine.reference_layers import BatchNorm, Layer, make_layer
from tests.engine.reference_losses import LOSSES, METRICS, one_hot
from tests.engine.reference_optimizers import STEPS, clip, slot_names

Array = npt.NDArray[Any]
Settings = dict[str, Any]


class ReferenceNetwork:
    """A fully connected network that trains, evaluates and predicts."""

    def __init__(
        self,
        n_inputs: int,
        layers: list[Settings],
        loss: Settings,
        optimizer: Settings,
        max_batch: int,
        threads: int,
        isa: str = "",
        dtype: Any = np.float32,
    ) -> None:
        self.dtype, self.n_inputs = dtype, n_inputs
        self.loss, self.optimizer = loss, optimizer
        self.layers: list[Layer] = []
        width = n_inputs
        for settings in layers:
            self.layers.append(make_layer(settings, width, dtype))
            width = self.layers[-1].n_outputs
        self.n_outputs = width
        self.slots = [
            [np.zeros(shape, dtype) for _ in self.slot_names()]
            for layer in self.layers
            for shape in layer.shapes[: layer.n_trained]
        ]

    # --- state ---------------------------------------------------------------------------------

    def slot_names(self) -> list[str]:
        return slot_names(self.optimizer)

    def set_weights(self, weights: list[Array]) -> None:
        remaining = iter(weights)
        for layer in self.layers:
            layer.weights = [np.array(next(remaining), self.dtype) for _ in layer.shapes]
            assert [weight.shape for weight in layer.weights] == layer.shapes
        assert next(remaining, None) is None

    def get_weights(self) -> list[Array]:
        return [weight.copy() for layer in self.layers for weight in layer.weights]

    def set_slots(self, slots: list[list[Array]]) -> None:
        assert len(slots) == len(self.slots)
        self.slots = [[np.array(slot, self.dtype) for slot in group] for group in slots]

    def get_slots(self) -> list[list[Array]]:
        return [[slot.copy() for slot in group] for group in self.slots]

    # --- one batch -----------------------------------------------------------------------------

    def rows(self, x: Any, rows: Array | slice) -> Array:
        """Return some rows of x, dense, in the dtype of the network."""
        if isinstance(x, tuple):
            data, indices, indptr = x
            matrix = scipy.sparse.csr_array(
                (data, indices, indptr), (len(indptr) - 1, self.n_inputs)
            )
            return matrix[rows].toarray().astype(self.dtype)
        return np.asarray(x[rows], self.dtype)

    def targets(self, y: Array) -> Array:
        return one_hot(y, self.n_outputs, self.dtype) if y.ndim == 1 else y.astype(self.dtype)

    def forward(self, x: Array, *, training: bool, step: int = 0) -> Array:
        for layer in self.layers:
            x = layer.forward(x, training=training, step=step)
        return x

    def losses(self, t: Array, p: Array, weight: Array | None) -> tuple[float, Array]:
        """Return the loss of a batch and its gradient by the predictions."""
        values, slopes = LOSSES[self.loss["kind"]](t, p, self.loss)
        weight = np.ones(len(p), self.dtype) if weight is None else weight
        loss = float((values * weight).sum()) / len(p) + sum(
            layer.penalty() for layer in self.layers
        )
        return loss, (slopes * weight[:, None] / self.dtype(len(p))).astype(self.dtype)

    def backward(self, slopes: Array) -> list[Array]:
        for layer in reversed(self.layers):
            slopes = layer.backward(slopes)
        return [g for layer in self.layers for g in layer.gradients[: layer.n_trained]]

    def metrics(self, t: Array, p: Array) -> list[float]:
        """Return the mean of each metric over a batch."""
        return [
            float(np.mean(METRICS[metric["kind"]](t, p, metric))) for metric in self.loss["metrics"]
        ]

    def update(self, gradients: list[Array], rate: float, steps_done: int) -> None:
        """Decay, step, average, constrain: Keras's order."""
        settings, rate = self.optimizer, self.dtype(rate)
        places = [(layer, i) for layer in self.layers for i in range(layer.n_trained)]
        mask = settings.get("decay_mask") or [True] * len(places)
        gradients = clip(gradients, settings)
        for (layer, place), gradient, slots, decays in zip(
            places, gradients, self.slots, mask, strict=True
        ):
            weight = layer.weights[place]
            if settings.get("weight_decay") and decays:
                weight -= weight * self.dtype(settings["weight_decay"]) * rate
            own = slots[:-1] if settings.get("ema_momentum") else slots
            STEPS[settings["kind"]](weight, gradient, own, settings, rate, steps_done + 1)
            if settings.get("ema_momentum"):
                momentum = self.dtype(settings["ema_momentum"] if steps_done else 0)
                slots[-1][:] = momentum * slots[-1] + (1 - momentum) * weight
        for layer in self.layers:
            layer.constrain()

    # --- many batches --------------------------------------------------------------------------

    def train_epoch(
        self,
        x: Any,
        y: Array,
        order: Array,
        batch_size: int,
        learning_rates: Array,
        first_step: int,
        sample_weight: Array | None = None,
    ) -> dict[str, Any]:
        start = time.perf_counter()
        loss_sum, metric_sums = 0.0, np.zeros(len(self.loss["metrics"]))
        for step, begin in enumerate(range(0, len(order), batch_size)):
            rows = order[begin : begin + batch_size]
            t = self.targets(y[rows])
            p = self.forward(self.rows(x, rows), training=True, step=first_step + step)
            loss, slopes = self.losses(t, p, None if sample_weight is None else sample_weight[rows])
            self.update(self.backward(slopes), learning_rates[step], first_step + step)
            loss_sum += loss * len(rows)
            metric_sums += np.multiply(self.metrics(t, p), len(rows))
        return {
            "loss": loss_sum / len(order),
            "metrics": list(metric_sums / len(order)),
            "finite": bool(np.isfinite(loss_sum)),
            "phases": {"all": time.perf_counter() - start},
        }

    def evaluate(
        self,
        x: Any,
        y: Array,
        batch_size: int,
        sample_weight: Array | None = None,
        rows: Array | None = None,
    ) -> dict[str, Any]:
        rows = np.arange(len(y)) if rows is None else rows
        t, p = self.targets(y[rows]), self.predict(x, batch_size, rows)
        loss, _ = self.losses(t, p, None if sample_weight is None else sample_weight[rows])
        return {"loss": loss, "metrics": self.metrics(t, p)}

    def predict(self, x: Any, batch_size: int, rows: Array | None = None) -> Array:
        n_samples = len(x[2]) - 1 if isinstance(x, tuple) else len(x)
        rows = np.arange(n_samples) if rows is None else rows
        batches = [rows[begin : begin + batch_size] for begin in range(0, len(rows), batch_size)]
        parts = [self.forward(self.rows(x, batch), training=False) for batch in batches]
        return np.concatenate(parts) if parts else np.empty((0, self.n_outputs), self.dtype)

    def gradients(
        self, x: Any, y: Array, rows: Array, sample_weight: Array | None = None
    ) -> list[Array]:
        """Return dL/d(weight) of one batch for each trainable weight; nothing moves."""
        self._let_statistics_move(move=False)
        p = self.forward(self.rows(x, rows), training=True)
        weight = None if sample_weight is None else sample_weight[rows]
        _, slopes = self.losses(self.targets(y[rows]), p, weight)
        self._let_statistics_move(move=True)
        return self.backward(slopes)

    def _let_statistics_move(self, *, move: bool) -> None:
        for layer in self.layers:
            if isinstance(layer, BatchNorm):
                layer.update_statistics = move
