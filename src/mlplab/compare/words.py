"""A comparison in words and tables, for a reader who knows what a mean is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlplab.compare.verdict import UNIT
from mlplab.plain_text import MISSING, bullets, percent, table, wrapped

_NOTHING = "Nothing in reach does."
_LETTERS = "Recipes that share a letter of their groups have not been told apart."

if TYPE_CHECKING:
    from mlplab.compare.comparison import Comparison, Pair, RecipeScores


def page(comparison: Comparison) -> str:
    """Return everything, the question first."""
    last = None if comparison.complete else -1  # letters are for recipes of which all were compared
    recipes = [_recipe_row(comparison, one)[:last] for one in _best_first(comparison)]
    head = ["recipe", "seeds", comparison.metric, "sd of seeds", "group"][:last]
    pairs = [_pair_row(pair) for pair in comparison.pairs]
    parts = [
        [comparison.question],
        wrapped(terms(comparison) + (f" {_LETTERS}" if comparison.complete else "")),
        *([_notes(comparison)] if comparison.look or comparison.notes else []),
        table(head, recipes),
        table(["a", "b", "a - b", "interval", "verdict"], pairs, left=2),
        bullets(pair.sentence() for pair in comparison.pairs),
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def _notes(comparison: Comparison) -> list[str]:
    look = [f"This is {comparison.look}."] if comparison.look else []
    return bullets([*look, *comparison.notes])


def terms(comparison: Comparison) -> str:
    """Return what the verdicts rest on, in words."""
    n = len(comparison.pairs)
    together = "The interval holds" if n == 1 else f"All {n} intervals hold at once"
    unit = UNIT[comparison.metric]
    return (
        f"{comparison.n_examples:,} test examples. {together} in {percent(comparison.level)} of "
        f"experiments. Differences below {comparison.margin:g} {unit} do not matter (the margin)."
    )


def _best_first(comparison: Comparison) -> list[RecipeScores]:
    by_name = {recipe.name: recipe for recipe in comparison.recipes}
    return [by_name[name] for name in comparison.groups()]


def _recipe_row(comparison: Comparison, recipe: RecipeScores) -> list[str]:
    if comparison.metric == "accuracy":
        mean, sd = f"{recipe.mean:.3%}", None if recipe.sd is None else f"{100 * recipe.sd:.3f}"
    else:
        mean, sd = f"{recipe.mean:.5f}", None if recipe.sd is None else f"{recipe.sd:.5f}"
    return [recipe.name, str(recipe.seeds), mean, sd or MISSING, comparison.groups()[recipe.name]]


def _pair_row(pair: Pair) -> list[str]:
    return [pair.a, pair.b, signed(pair, pair.difference), interval(pair), pair.verdict]


def sentence(pair: Pair) -> str:
    """Return the verdict on a pair in words, and what would settle it."""
    return f"{_finding(pair)} {evidence(pair)}"


def evidence(pair: Pair) -> str:
    """Return what a verdict rests on, in words, and what would settle it."""
    shown = f"{pair.a} - {pair.b}: {signed(pair, pair.difference)} {UNIT[pair.metric]}"
    return " ".join([f"({shown}, {interval(pair)}).", *_split(pair), *_settling(pair)])


def _finding(pair: Pair) -> str:
    better = pair.better
    if better:
        worse = pair.b if better == pair.a else pair.a
        how = ", by less than the margin" if "slightly" in pair.verdict else ""
        return f"{better} is better than {worse}{how}"
    if pair.decided:
        return f"{pair.a} and {pair.b} are practically the same"
    return f"{pair.a} and {pair.b}: cannot tell yet which is better"


def _split(pair: Pair) -> Iterator[str]:
    """Yield where the uncertainty comes from, where there is more than one source."""
    parts = {
        "seeds": pair.sd_seeds,
        "test examples": pair.sd_examples,
        "within runs": pair.sd_within,
    }
    total = sum(sd**2 for sd in parts.values())
    if pair.claim == "recipes" and total > 0:
        shares = ", ".join(f"{sd**2 / total:.0%} {source}" for source, sd in parts.items())
        yield f"Of the uncertainty (variance): {shares}."


def _settling(pair: Pair) -> Iterator[str]:
    """Yield what would decide an undecided pair if its difference stays as it is."""
    if pair.decided:
        return
    needs, n = what_settles(pair), pair.components.n_examples
    if pair.needed.seeds is not None:
        comma = "" if pair.minutes_needed is None else ","
        yield f"If the difference stays as it is, {needs}{comma} settle it."
    elif pair.claim == "recipes":
        yield f"No number of seeds settles it on {n:,} test examples at the present difference:"
        yield f"{needs or 'nothing within reach'} would."
    else:
        yield f"If the difference stays as it is, {needs} settle it." if needs else _NOTHING


def what_settles(pair: Pair) -> str:
    """Return in a few words what would decide an undecided pair; nothing where nothing would."""
    found, minutes = pair.needed, pair.minutes_needed
    if found.seeds is not None:
        time = "" if minutes is None else f", about {_minutes(minutes)} more"
        return f"{found.seeds:,} seeds a recipe{time}"
    if found.examples is None:
        return ""
    seeds = "" if found.seeds_then is None else f" with {found.seeds_then} seeds a recipe"
    return f"{found.examples:,} test examples{seeds}"


def _minutes(minutes: float) -> str:
    if minutes < 1.5:
        return "a minute"
    return f"{minutes:,.0f} minutes" if minutes < 120 else f"{minutes / 60:,.0f} hours"


def interval(pair: Pair) -> str:
    """Return the interval of a pair, its ends with their signs."""
    return f"{signed(pair, pair.low)} to {signed(pair, pair.high)}"


def signed(pair: Pair, value: float) -> str:
    """Return a difference in the unit of a pair, with its sign."""
    return f"{value:+.3f}" if pair.metric == "accuracy" else f"{value:+.5f}"
