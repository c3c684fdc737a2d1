"""The page on the engine says what the code covers."""

from __future__ import annotations

from pathlib import Path

import keras

from mlplab.engine.supported import BEGIN, END, as_markdown, supported

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"


def test_the_page_holds_the_tables_of_the_code() -> None:
    text = PAGE.read_text()
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip() == as_markdown().strip()


def test_every_name_in_the_tables_is_a_name_of_keras() -> None:
    homes = {
        "Layers": [keras.layers],
        "Activations": [keras.activations],
        "Losses": [keras.losses],
        "Metrics": [keras.metrics],
        "Optimizers": [keras.optimizers],
    }
    for title, modules in homes.items():
        for name, _ in supported()[title]:
            assert any(hasattr(module, name) for module in modules), name
