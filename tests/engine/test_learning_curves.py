"""Dropout draws other masks than Keras: the learning curves agree over ten seeds."""

from __future__ import annotations

import numpy as np
import scipy.stats

import mlplab
from mlplab.data import Dataset
from mlplab.engine import Streams, initial_weights

SEEDS, EPOCHS, N_TRAIN, N_VALIDATION = 10, 3, 1500, 500


def validation_losses(
    mnist: Dataset, engine: str, epochs: int = EPOCHS, n_train: int = N_TRAIN
) -> np.ndarray:
    """Return the validation losses of the notebook's bn-dropout-3, shape (SEEDS, epochs).

    One model serves all seeds, so that Keras compiles once.
    """
    recipe = next(r for r in mlplab.notebook_recipes() if r.name == "bn-dropout-3")
    x, y = mnist.train.x, recipe.targets(mnist.train.y, mnist.n_classes)
    model = recipe.model(mnist)
    model.optimizer.build(model.trainable_variables)
    losses = []
    for seed in range(SEEDS):
        with initial_weights(Streams.of(seed)):
            model.set_weights(recipe.model(mnist).get_weights())
        for variable in model.optimizer.variables:
            if "learning_rate" not in variable.path:
                variable.assign(np.zeros(variable.shape, variable.dtype))
        history = mlplab.fit(
            model, x[:n_train], y[:n_train], batch_size=recipe.batch_size, epochs=epochs,
            validation_data=(x[-N_VALIDATION:], y[-N_VALIDATION:]), seed=seed, verbose=0,
            engine=engine,
        )  # fmt: skip
        losses.append(history.history["val_loss"])
    return np.array(losses)


def test_the_curves_of_ten_seeds_agree(mnist: Dataset) -> None:
    ours, theirs = (validation_losses(mnist, engine) for engine in ("native", "keras"))
    assert ours[:, -1].mean() < 0.8 * ours[:, 0].mean()  # it learned
    # Paired by seed (same weights, same order), the differences have mean zero at every epoch.
    differences = ours - theirs
    assert np.all(differences != 0)  # other masks
    t = differences.mean(axis=0) / (differences.std(axis=0, ddof=1) / np.sqrt(SEEDS))
    assert np.abs(t).max() < scipy.stats.t.ppf(1 - 1e-3 / EPOCHS / 2, SEEDS - 1)
