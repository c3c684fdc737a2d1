"""Training and looking as programs of JAX: copies of one Keras model, each call one compiled scan.

Who owns what: Keras owns the arithmetic of a batch (``train_step``, ``test_step``, ``predict_step``
of its JAX trainer, which take all state and return it). This file owns the loop over the batches of
an epoch, which is part of the compiled program, and the axis of the copies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine.keras_private import LOCK
from mlplab.errors import Unplannable

Array = npt.NDArray[Any]
Logs = dict[str, Array]

BATCHED, LOOP, ALONE = "batched", "loop", "alone"
"""Ways to go through the copies: all at once as one more axis of each array, or one by one.

``ALONE`` there is one model, and no axis: its arrays are taken as they are and stay readable.
"""


class State(NamedTuple):
    """All that training changes; of several copies each array has one more axis, the first.

    Attributes:
        trained: the trainable variables.
        fixed: the others: moving averages, the states of random layers.
        optimizer: the optimizer's variables.
    """

    trained: list[Any]
    fixed: list[Any]
    optimizer: list[Any]


class Data(NamedTuple):
    """Examples on the device, as they lie in memory: bytes stay bytes."""

    x: Any
    y: Any
    weight: Any

    def rows(self, chosen: Any) -> Data:
        """Return some of the examples."""
        return Data(
            self.x[chosen],
            self.y[chosen],
            None if self.weight is None else self.weight[chosen],
        )


def on_device(x: Any, y: Any, weight: Any = None) -> Data:
    """Bring arrays to the device; float64 becomes float32 there, as in Keras.

    Raises:
        Unplannable: x is sparse, or something holds no numbers.
    """
    arrays = []
    for name, array in (("x", x), ("y", y), ("sample_weight", weight)):
        if array is not None and (not hasattr(array, "dtype") or not isinstance(array, np.ndarray)):
            raise Unplannable(
                f"{name} is a {type(array).__name__}, where the jax engine reads dense arrays"
            )
        if array is not None and array.dtype.kind not in "buif":
            raise Unplannable(f"{name} has dtype {array.dtype}, where the jax engine reads numbers")
        arrays.append(None if array is None else jax.numpy.asarray(array))
    return Data(*arrays)


def state_of(model: keras.Model) -> State:
    """Return the state that a built model holds."""
    return State(
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
        [variable.value for variable in model.optimizer.variables],
    )


def put_into(model: keras.Model, state: State) -> None:
    """Give a model a state."""
    variables = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
    )
    for group, values in zip(variables, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)


class Program:
    """The compiled functions that train and ask copies of one model.

    Functions are compiled when first called, and again for other shapes.

    Args:
        model: a compiled, built model; it is read here, and left as it is.
        batch_size: samples a step of training.
        n_copies: how many copies the states have.
        way: how the program goes through them: ``BATCHED``, ``LOOP`` or ``ALONE``.
    """

    def __init__(
        self, model: keras.Model, batch_size: int, n_copies: int = 1, way: str = ALONE
    ) -> None:
        self.model, self.batch_size, self.n_copies, self.way = model, batch_size, n_copies, way
        with LOCK:
            model.reset_metrics()
            self._no_metrics = [np.array(variable.value) for variable in model.metrics_variables]
        self._compiled: dict[Any, Any] = {}

    def compile_training(self, state: State, data: Data, rows: Any) -> None:
        """Compile what ``train`` will run with arguments of these shapes.

        Raises:
            Unplannable: JAX cannot make a program of it.
        """
        self._compile(self.train_one, self.batch_size, state, data, rows)

    def train(self, state: State, data: Data, rows: Any) -> tuple[State, Logs]:
        """Train an epoch.

        Args:
            state: of all copies; its memory is used again, so that it cannot be read afterwards,
                unless the model is ``ALONE``.
            data: examples for all of them.
            rows: which of the examples, in which order, int32, (n,) for all or (n_copies, n).

        Returns:
            The new state; and loss and metrics by name, (n_copies,) each, () where ``ALONE``.
        """
        result: tuple[State, Logs] = self._run(self.train_one, self.batch_size, state, data, rows)
        return result

    def evaluate(
        self, state: State, data: Data, rows: Any, batch_size: int
    ) -> tuple[list[Any], Logs]:
        """Evaluate; return the untrained variables, and loss and metrics by name, (n_copies,)."""
        result: tuple[list[Any], Logs] = self._run(self.evaluate_one, batch_size, state, data, rows)
        return result

    def predict(self, state: State, data: Data, rows: Any, batch_size: int) -> Any:
        """Return the outputs of all copies, (n_copies, n, n_outputs)."""
        return self._run(self.predict_one, batch_size, state, data, rows)

    def traced(self, state: State, data: Data, rows: Any) -> Any:
        """Return the JAX expression that trains one copy for an epoch of these rows."""
        with LOCK:
            return jax.make_jaxpr(self.train_one, static_argnums=0)(
                self.batch_size, state, data, rows
            )

    def train_one(self, batch_size: int, state: State, data: Data, rows: Any) -> tuple[State, Logs]:
        """Train one copy for an epoch."""

        def step(carry: Any, chosen: Any) -> Any:
            logs, carry = self.model.train_step(carry, tuple(data.rows(chosen)))
            return tuple(map(list, carry)), logs

        (*kept, _), logs = in_batches(step, (*state, self._no_metrics), rows, batch_size)
        return State(*kept), logs[-1]

    def evaluate_one(
        self, batch_size: int, state: State, data: Data, rows: Any
    ) -> tuple[list[Any], Logs]:
        """Evaluate one copy."""

        def step(carry: Any, chosen: Any) -> Any:
            logs, (_, *carry) = self.model.test_step(
                (state.trained, *carry), tuple(data.rows(chosen))
            )
            return tuple(map(list, carry)), logs

        (fixed, _), logs = in_batches(step, (state.fixed, self._no_metrics), rows, batch_size)
        return fixed, logs[-1]

    def predict_one(self, batch_size: int, state: State, data: Data, rows: Any) -> Any:
        """Return the outputs of one copy, (n, n_outputs)."""

        def step(fixed: Any, chosen: Any) -> Any:
            outputs, fixed = self.model.predict_step((state.trained, fixed), (data.x[chosen],))
            return list(fixed), outputs

        _, parts = in_batches(step, state.fixed, rows, batch_size, every=True)
        return jax.numpy.concatenate(parts)

    def finalized(self, state: State) -> State:
        """Return the states as training leaves them: under ``use_ema`` the averaged weights."""
        with LOCK:
            result: State = jax.jit(jax.vmap(self._finalize_one))(state)
        return result

    def _finalize_one(self, state: State) -> State:
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        mapping = [
            *zip(variables, state.trained, strict=True),
            *zip(optimizer.variables, state.optimizer, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            optimizer.finalize_variable_values(variables)
        return state._replace(trained=[scope.get_current_value(v) for v in variables])

    def _run(
        self, one: Callable[..., Any], batch_size: int, state: State, data: Data, rows: Any
    ) -> Any:
        """Run a function of one copy for all of them."""
        return self._compile(one, batch_size, state, data, rows)(state, data, rows)

    def _compile(
        self, one: Callable[..., Any], batch_size: int, state: State, data: Data, rows: Any
    ) -> Any:
        """Return a function of one copy as a program for all of them, compiled for these shapes."""
        arguments = (state, data, rows)
        shapes = tuple((a.shape, a.dtype) for a in jax.tree.leaves(arguments))
        key = (one.__name__, batch_size, jax.tree.structure(arguments), shapes)
        if key not in self._compiled:
            donated = (0,) if one == self.train_one and self.way != ALONE else ()
            function = jax.jit(self._for_all(one, batch_size, rows.ndim), donate_argnums=donated)
            self._compiled[key] = self._lowered(function, arguments).compile()
        return self._compiled[key]

    def _for_all(self, one: Callable[..., Any], batch_size: int, rows_ndim: int) -> Any:
        def copy(state: State, data: Data, rows: Any) -> Any:
            return one(batch_size, state, data, rows)

        def in_turn(state: State, data: Data, rows: Any) -> Any:
            if own_rows:
                return jax.lax.map(lambda part: copy(part[0], data, part[1]), (state, rows))
            return jax.lax.map(lambda part: copy(part, data, rows), state)

        own_rows = rows_ndim == 2
        if self.way == ALONE:
            return copy
        if self.way == BATCHED:
            return jax.vmap(copy, in_axes=(0, None, 0 if own_rows else None))
        return in_turn

    def _lowered(self, function: Any, arguments: Any) -> Any:
        """Trace a function, under the lock that guards Keras's scopes."""
        try:
            with LOCK:
                return function.lower(*arguments)
        except (TypeError, NotImplementedError, jax.errors.JAXTypeError) as error:
            reason = str(error).strip().split("\n")[0]
            raise Unplannable(
                f"JAX cannot make one program of the model's training: {reason}"
            ) from error


def in_batches(
    step: Callable[[Any, Any], Any], carry: Any, rows: Any, batch_size: int, *, every: bool = False
) -> tuple[Any, list[Any]]:
    """Go through rows in batches, the last of them as small as it comes out.

    Args:
        step: (carry, rows of a batch) -> (carry, what the batch gives).
        carry: what goes from batch to batch.
        rows: shape (n,).
        batch_size: rows a batch.
        every: whether to return what each batch gives, joined along its first axis.

    Returns:
        The carry; and what the last whole batch and the rest give, or all whole ones and the rest.
    """
    n_whole, n_rest = divmod(len(rows), batch_size)
    given = []
    if n_whole:
        whole = rows[: n_whole * batch_size].reshape(n_whole, batch_size)
        carry, several = jax.lax.scan(step, carry, whole)
        given.append(
            jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]) if every else a[-1], several)
        )
    if n_rest:
        carry, rest = step(carry, rows[n_whole * batch_size :])
        given.append(rest)
    return carry, given
