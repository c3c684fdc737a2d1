"""The machine: what it is, and the rate of its best matrix product."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "mlplab", "numpy", "keras", "jax", "jaxlib", "torch", "tensorflow", "tensorflow-cpu",
    "scikit-learn",
)  # fmt: skip
SIZE, REPEATS = 2048, 8
CORE_TYPE = "OPENBLAS_CORETYPE"


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's model name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe() -> dict[str, Any]:
    """Return processor, cores, system, versions, the core's build and its instruction set."""
    from mlplab.engine import core

    compiled = core.load()
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": processor(),
        "cores": n_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "isa": core.chosen_isa(compiled),
        "core": hashlib.sha256(Path(compiled.__file__).read_bytes()).hexdigest()[:12],
        "openblas_coretype": os.environ.get(CORE_TYPE, ""),
    }


def sgemm_rate(threads: int) -> float:
    """Return NumPy's best rate for a float32 product in operations a second, in a new process.

    Where ``OPENBLAS_CORETYPE`` is set, it stays in force.
    """
    limits = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.machine"],
        env=os.environ | dict.fromkeys(limits, str(threads)),
        check=True,
        capture_output=True,
        text=True,
    )
    return float(answer.stdout)


def measure() -> float:
    """Time square products and return the best rate, 2 n^3 operations each."""
    import numpy as np

    a = np.random.default_rng(0).random((SIZE, SIZE), dtype=np.float32)
    b = a.T.copy()
    best = float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2 * SIZE**3 / best


if __name__ == "__main__":
    print(measure())
