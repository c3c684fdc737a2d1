"""What the native engine covers, as tables for the documentation.

``python -m mlplab.engine.supported docs/engine.md`` writes them into the page, between its marks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mlplab.engine.callbacks import ACT_AT_EPOCH_ENDS, NEVER_LOOK
from mlplab.engine.plan_layers import ACTIVATIONS, LAYERS, Options
from mlplab.engine.plan_losses import LOSSES, METRICS, FunctionEntry
from mlplab.engine.plan_optimizers import ANY_OPTIMIZER, CLIPPING, OPTIMIZERS

Table = list[tuple[str, str]]


def supported() -> dict[str, Table]:
    """Return what the native engine covers: a table for each kind of thing.

    Returns:
        Title -> rows (Keras name, conditions), in the order of the engine's own tables.

    Examples:
        >>> dict(supported()["Layers"])["Dropout"]
        '`noise_shape=None`'
    """
    return {
        "Layers": [(kind.__name__, _conditions(entry.fixed)) for kind, entry in LAYERS.items()],
        "Activations": [(function.__name__, "") for function in ACTIVATIONS],
        "Losses": [(function.__name__, _settings(entry)) for function, entry in LOSSES.items()],
        "Metrics": [(function.__name__, _settings(entry)) for function, entry in METRICS.items()],
        "Optimizers": [
            (kind.__name__, _conditions(entry.fixed | ANY_OPTIMIZER))
            for kind, entry in OPTIMIZERS.items()
        ],
        "Optimizer options": [(name, "") for name in (*CLIPPING, "weight_decay", "use_ema")],
        "Callbacks": _callbacks(),
    }


def _conditions(fixed: Options) -> str:
    return ", ".join(f"`{option}={covered[0]!r}`" for option, covered in fixed.items())


def _settings(entry: FunctionEntry) -> str:
    target = "class numbers" if entry.sparse else "vectors"
    options = ", ".join(f"`{option}`" for option in entry.options)
    return "; ".join(part for part in (target, options, _conditions(entry.fixed)) if part)


def _callbacks() -> Table:
    kinds: dict[type, Any] = ACT_AT_EPOCH_ENDS | NEVER_LOOK
    return [(kind.__name__, "at epoch ends") for kind in kinds] + [
        ("LambdaCallback", "no hooks on batches"),
        ("Callback", "your own, with no hooks on batches"),
    ]


def as_markdown() -> str:
    """Return the tables of :func:`supported` as Markdown."""
    lines = []
    for title, rows in supported().items():
        lines += [f"### {title}", "", "| Keras name | covered with |", "|---|---|"]
        lines += [f"| `{name}` | {conditions} |" for name, conditions in rows]
        lines.append("")
    return "\n".join(lines)


BEGIN = "<!-- begin: written by `python -m mlplab.engine.supported docs/engine.md` -->\n"
END = "<!-- end -->\n"


def write_into(page: Path) -> None:
    """Put the tables between the marks of a Markdown page."""
    head, rest = page.read_text().split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(f"{head}{BEGIN}\n{as_markdown()}\n{END}{tail}")


if __name__ == "__main__":
    write_into(Path(sys.argv[1]))
