"""Keras's TensorBoard callback works natively where it writes at epoch ends."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
import mlplab, keras, numpy as np, tensorflow as tf
x = np.random.default_rng(0).normal(size=(90, 4)).astype("float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
model.compile("sgd", "mse")
board = keras.callbacks.TensorBoard(sys.argv[1], histogram_freq=1)
history = mlplab.fit(model, x, x[:, :2], epochs=3, validation_split=0.2, verbose=0, seed=0,
                     engine="native", callbacks=[board]).history
written = {}
for path in tf.io.gfile.glob(sys.argv[1] + "/*/events*"):
    for record in tf.data.TFRecordDataset(path):
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
            place = (path.split("/")[-2], value.tag)
            written.setdefault(place, []).append(tf.make_ndarray(value.tensor))
np.testing.assert_allclose(written["train", "epoch_loss"], history["loss"], rtol=1e-6)
np.testing.assert_allclose(
    written["validation", "epoch_loss"], history["val_loss"], rtol=1e-6)
assert any("kernel" in tag for _, tag in written), written.keys()
sys.stdout.write("written")
"""


@pytest.mark.skipif(
    not importlib.util.find_spec("tensorflow"), reason="TensorFlow is not installed"
)
def test_losses_and_histograms_are_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "board")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "written"), result.stderr
