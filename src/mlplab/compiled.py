"""The compiled core's module, found without the rest of the engine, which needs Keras.

Only ``engine`` trains with it; a service that only asks networks starts without Keras.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import Any

from mlplab.errors import EngineError, Unplannable, did_you_mean

_NAME = "mlplab.engine._core"
_LOADING = threading.Lock()


def load() -> Any:
    """Return the module of the compiled core; threads may ask at once.

    Raises:
        Unplannable: it was not built for this Python or this platform.
    """
    with _LOADING:
        return sys.modules.get(_NAME) or _load()


def _load() -> Any:
    # What import does, but for the package around it, which would import Keras.
    folder = [str(Path(__file__).parent / "engine")]
    found = (finder.find_spec(_NAME, folder) for finder in sys.meta_path)
    spec = next((spec for spec in found if spec is not None), None)
    if spec is None or spec.loader is None:
        raise Unplannable(f"the compiled core is not there (no module {_NAME})")
    try:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError as error:
        raise Unplannable(f"the compiled core is not there ({error})") from None
    sys.modules[_NAME] = module
    return module


def chosen_isa(core: Any) -> str:
    """Return the instruction set to use: ``MLPLAB_ISA``, or the best this processor has.

    Raises:
        EngineError: ``MLPLAB_ISA`` names one that is not there.
    """
    wanted, available = wanted_isa(), core.isas()
    if not wanted:
        return str(core.default_isa())
    if wanted not in available:
        raise EngineError(
            f"expected MLPLAB_ISA to be one of {', '.join(available)}, got {wanted!r}"
            f"{did_you_mean(wanted, available)}"
        )
    return wanted


def wanted_isa() -> str:
    """Return the instruction set that ``MLPLAB_ISA`` names; empty where it names none."""
    return os.environ.get("MLPLAB_ISA", "")
