"""Which callbacks the engines with their own loop can serve, and which look at the weights.

These engines stop at the ends of epochs and of validations. A callback that acts after each batch
needs Keras. One of Keras's own that never looks at the weights spares an engine from writing them
into the model after every epoch; so does one whose class says ``looks_at_weights = False``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from mlplab.engine import keras_private
from mlplab.errors import Unplannable

BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)


def _always(callback: Any) -> bool:
    return True


def _never(callback: Any) -> bool:
    return False


Condition = Callable[[Any], bool]

# Keras's own callbacks that have batch hooks and do nothing there that an epoch's end does not do,
# as long as the condition holds.
ACT_AT_EPOCH_ENDS: dict[type, Condition] = {
    keras.callbacks.ModelCheckpoint: lambda callback: callback.save_freq == "epoch",
    keras.callbacks.BackupAndRestore: lambda callback: callback.save_freq == "epoch",
    keras.callbacks.TensorBoard: lambda callback: (
        callback.update_freq == "epoch" and not keras_private.profiles_batches(callback)
    ),
    keras.callbacks.ProgbarLogger: _always,
    keras.callbacks.TerminateOnNaN: _always,
}

# Keras's own callbacks that look at logs and learning rates alone, as long as the condition holds.
NEVER_LOOK: dict[type, Condition] = {
    keras.callbacks.History: _always,
    keras.callbacks.ProgbarLogger: _always,
    keras.callbacks.CSVLogger: _always,
    keras.callbacks.RemoteMonitor: _always,
    keras.callbacks.TerminateOnNaN: _always,
    keras.callbacks.ReduceLROnPlateau: _always,
    keras.callbacks.LearningRateScheduler: _always,
    keras.callbacks.EarlyStopping: lambda callback: not callback.restore_best_weights,
}


def check_callbacks(callbacks: list[keras.callbacks.Callback], engine: str = "native") -> None:
    """Raise Unplannable, naming the callback, where one acts on batches; ``engine`` asks."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.SwapEMAWeights):
            raise Unplannable(
                f"the callback {type(callback).__name__} swaps weights inside Keras's own loop"
            )
        hooks = _batch_hooks(callback)
        if hooks and not ACT_AT_EPOCH_ENDS.get(type(callback), _never)(callback):
            raise Unplannable(
                f"the callback {type(callback).__name__} acts on batches ({hooks[0]}), and the "
                f"{engine} engine stops at epochs only"
            )


def _batch_hooks(callback: Any) -> list[str]:
    """Return the batch hooks that a callback's class, or the callback itself, overrides."""
    return [hook for hook in BATCH_HOOKS if _overrides(callback, hook)]


def _overrides(callback: Any, hook: str) -> bool:
    """Return whether a callback's class, or the callback itself, has a hook of its own."""
    base = getattr(keras.callbacks.Callback, hook)
    return getattr(type(callback), hook) is not base or hook in vars(callback)


def looks_at_weights(callbacks: list[keras.callbacks.Callback]) -> bool:
    """Return whether some callback may read or change the weights at an epoch's end."""
    return any(map(_looks, callbacks))


def _looks(callback: Any) -> bool:
    if NEVER_LOOK.get(type(callback), _never)(callback):
        return False
    return getattr(callback, "looks_at_weights", True) is not False


def changes_before_tests(callbacks: list[keras.callbacks.Callback]) -> bool:
    """Return whether some callback may change the weights where a validation begins."""
    return looks_at_weights(callbacks) and any(
        _overrides(callback, "on_test_begin")
        for callback in callbacks
        if not isinstance(callback, keras.callbacks.ProgbarLogger)
    )
