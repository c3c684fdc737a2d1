"""Versions that are to be the same wherever the runs of a study are done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlplab.errors import FailedError, UsageError
from mlplab.study.environment import packages
from mlplab.study.ray_cluster import reason
from mlplab.study.ray_sent import BACKEND, versions_here

Versions = dict[str, str | None]

SECONDS_TO_SAY = 180
"""For a worker to start on each machine and to say its versions."""


def versions() -> Versions:
    """Return this process's versions: those that must not differ.

    Examples:
        >>> list(versions())[:4]
        ['python', 'mlplab', 'keras', 'numpy']
    """
    return versions_here(("python", *packages(), "ray", BACKEND))


def check_machines(ray: Any, here: Versions) -> None:
    """Ask each machine of a cluster for its versions.

    Args:
        ray: the module, connected.
        here: this process's versions.

    Raises:
        UsageError: one has others, or none has a core to work on.
        FailedError: one does not answer, or cannot.
    """
    machines = {
        node["NodeID"]: f"{node['NodeManagerAddress']} (node {node['NodeID'][:8]})"
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU")
    }
    if not machines:
        raise UsageError("expected a Ray cluster with cores to work on, got none; add a machine")
    asked = {name: ask(ray, node_id, here) for node_id, name in machines.items()}
    found = {name: answer(ray, name, reference) for name, reference in asked.items()}
    differing = {name: there for name, there in found.items() if there not in (None, here)}
    if differing:
        raise UsageError(said(differing, here))


def ask(ray: Any, node_id: str, here: Versions) -> Any:
    """Have a machine look up its versions."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node_id, soft=False)
    task = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=there)(versions_here)
    return task.remote(tuple(here))


def answer(ray: Any, name: str, reference: Any) -> Versions | None:
    """Return a machine's versions; None where it was lost meanwhile, and will do no runs."""
    from ray.exceptions import GetTimeoutError, RayError, RayTaskError

    try:
        found: Versions = ray.get(reference, timeout=SECONDS_TO_SAY)
        return found
    except GetTimeoutError as error:
        raise FailedError(
            f"expected {name} to say its versions, got no answer in {SECONDS_TO_SAY} s; "
            "look at Ray there: ray status"
        ) from error
    except RayTaskError as error:
        raise FailedError(
            f"expected {name} to say its versions, got an error: {reason(error.cause)}"
        ) from error
    except RayError:
        return None


def said(found: Mapping[str, Versions], here: Versions) -> str:
    """Say which versions differ from those here, by the machine's name.

    Examples:
        >>> print(said({"10.0.0.2": {"keras": None, "jax": "2"}}, {"keras": "3.15", "jax": "2"}))
        expected the same versions on every machine, got:
          keras 3.15 here, none on 10.0.0.2
        install the same on each and start Ray there again
    """
    lines = [
        f"  {name} {version or 'none'} here, {there.get(name) or 'none'} on {machine}"
        for machine, there in found.items()
        for name, version in here.items()
        if there.get(name) != version
    ]
    return "\n".join(
        [
            "expected the same versions on every machine, got:",
            *lines,
            "install the same on each and start Ray there again",
        ]
    )
