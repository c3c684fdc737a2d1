"""A process that trains, studies, saves and loads, and prints the frameworks that it imported.

``python -m tests.engine.uses_everything FOLDER``
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras

import mlplab
from mlplab.engine import Streams, initial_weights, load_model


def main(folder: Path) -> None:
    mnist = mlplab.load("mnist", progress=False)
    x, y = mnist.train.x[:500], mnist.train.y[:500]
    recipe = mlplab.notebook_recipes()[2].replace(epochs=1)  # batch normalisation and dropout
    with initial_weights(Streams.of(0)):
        model = recipe.model(mnist)
    y = recipe.targets(y, mnist.n_classes)
    for engine in ("native", "keras"):
        mlplab.fit(model, x, y, engine=engine, seed=1, validation_split=0.1, verbose=0)
        mlplab.predict(model, x, engine=engine)
        mlplab.evaluate(model, x, y, engine=engine)
    mlplab.fit(model, x, y, engine="keras", verbose=0)  # in Keras's own order
    checkpoint = keras.callbacks.ModelCheckpoint(folder / "model.keras")
    mlplab.fit(model, x, y, callbacks=[checkpoint], verbose=0)
    load_model(folder / "model.keras")
    mlplab.run(recipe, "digits", seeds=2, path=folder / "few.study", keep="models").close()
    frameworks = ("jax", "tensorflow", "torch")
    sys.stdout.write(" ".join(name for name in frameworks if name in sys.modules))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
