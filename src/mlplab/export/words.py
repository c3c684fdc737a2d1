"""An export told in lines of text."""

from __future__ import annotations

from typing import Any

from mlplab.export.parity import Parity
from mlplab.export.quantize import RoundingCost, refusal
from mlplab.export.writing import Exported
from mlplab.plain_text import percent, table, wrapped


def told(done: Exported) -> str:
    """Return what to print after an export."""
    beside = "".join(f", with {file.name} beside it" for file in done.beside)
    lines = [f"{done.path}: {size(done.path.stat().st_size)}{beside}", *about(done.facts)]
    sentences = [done.parity.sentence()]
    if "weights" in done.facts:
        sentences = [*_rounding(done.facts), *sentences]
    for sentence in sentences:
        lines += wrapped(f"{sentence[0].upper()}{sentence[1:]}.")
    return "\n".join([*lines, *drawn_like(done.facts.get("drawn_like"))])


def _rounding(facts: dict[str, Any]) -> list[str]:
    """Return sentences on weights that were rounded: how they were before, and what it cost."""
    refused = facts.get("weights_refused")
    return [
        f"before rounding, {Parity(**facts['as_read']).sentence()}",
        *([refusal(RoundingCost(**refused))] if refused else []),
        RoundingCost(**facts["weights"]).sentence(),
    ]


def drawn_like(found: dict[str, Any] | None) -> list[str]:
    """Return lines on how a network reads changed test images; none where there were none."""
    if found is None:
        return []
    shares = {"clean": found["clean"], **found["kinds"]}
    rows = [[kind, f"{s['raw']:.3f}", f"{s['framed']:.3f}"] for kind, s in shares.items()]
    head = (
        f"Drawn-like accuracy {found['accuracy']:.3f}: test images changed as hands and pens "
        f"change them ({found['n_examples']:,} of each kind), framed as every drawing is; the "
        f"mean over the kinds; weights as {found.get('weights', 'trained')}."
    )
    return ["", *wrapped(head), "", *table(["", "as it is", "framed"], rows)]


def about(facts: dict[str, Any]) -> list[str]:
    """Return lines on what was exported, and how it scores."""
    seeds = [str(seed) for seed in facts["seeds"] if seed is not None]
    what = f"{facts['recipe']} on {facts['dataset']['name']}"
    if len(seeds) > 1:
        what += f", the mean of seeds {', '.join(seeds)}"
    elif seeds:
        what += f", seed {seeds[0]}"
    if "chosen" in facts:
        what += f" ({facts['chosen']})"
    scores = facts["scores"]
    lines = [*wrapped(what), f"test accuracy {share_between(scores, 'test_accuracy', 'interval')}"]
    if "mean" in scores:
        mean = share_between(scores, "mean", "mean_interval")
        lines.append(f"one seed alone, on average over seeds: {mean}")
    return lines


def share_between(scores: dict[str, Any], share: str, interval: str) -> str:
    """Return a share with its interval."""
    low, high = scores[interval]
    return f"{scores[share]:.4f} ({percent(scores['level'])} interval {low:.4f} to {high:.4f})"


def size(n_bytes: int) -> str:
    """Return a file's size for readers.

    Examples:
        >>> size(2_345_678), size(34_567)
        ('2.35 MB', '35 kB')
    """
    return f"{n_bytes / 1e6:.2f} MB" if n_bytes >= 1_000_000 else f"{n_bytes / 1e3:.0f} kB"
