"""How to repeat the study: command, versions, machine, seeds, fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlplab import __version__
from mlplab.report.material import Network
from mlplab.report.sections.scores import View
from mlplab.study import Study


def repeat_section(study: Study, networks: Sequence[Network], command: str | None) -> View:
    """How to repeat the study: command, versions, machine, seeds, fingerprints."""
    about = study.dataset
    return {
        "command": command,
        "python": _python_call(study),
        "environments": [_environment_rows(environment) for environment in study.environments],
        "source": about["source"],
        "fingerprint": about["fingerprint"],
        "recipes": [(network.label, network.record.fingerprint) for network in networks],
        "version": __version__,
        "study_id": study.id,
    }


def _python_call(study: Study) -> str:
    """Write the call that makes such a study, given its recipes."""
    about = study.dataset
    options = "".join(f", {name}={value!r}" for name, value in about["load_options"].items())
    dataset = f"mlplab.load({about['source']!r}{options})" if about["source"] else "dataset"
    seeds = sorted({int(seed) for seed in study.frame().seed})
    return (
        "import mlplab\n\n"
        "study = mlplab.run(\n"
        "    recipes,\n"
        f"    {dataset},\n"
        f"    seeds={seeds},\n"
        f"    path={study.path.name!r},\n"
        f"    validation={study.validation!r},\n"
        ")"
    )


def _environment_rows(environment: dict[str, Any]) -> list[tuple[str, str]]:
    machine = environment.get("machine", {})
    versions = environment.get("versions", {})
    rows = {
        "Python": environment.get("python"),
        **versions,
        "Keras backend": environment.get("backend"),
        "system": machine.get("system"),
        "processor": machine.get("processor"),
        "threads": machine.get("threads"),
    }
    return [(name, str(value)) for name, value in rows.items() if value is not None]
