"""Search specs that tests share."""

from __future__ import annotations

HEAD = """
[study]
name = "quick"
dataset = "digits"

[tune]
trials = 4
seeds = 2
fresh_seeds = 3
"""

LINEAR = """
[[recipe]]
name = "linear"
layers = [
    { class = "Rescaling", scale = 0.0625 },
    { class = "Dense", units = "classes", activation = "softmax" },
]
"""

QUICK = f"""{HEAD}
[train]
epochs = 2
batch_size = {{ choices = [64, 128, 256], start = 256 }}

[train.optimizer]
class = "Adam"
learning_rate = {{ low = 1e-4, high = 0.1, log = true, start = 1e-3 }}
{LINEAR}"""
