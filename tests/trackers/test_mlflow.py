"""MLflow: what is told a server, an SQLite file and a folder, read back through MLflow's client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from mlplab import Recipe, Study, UsageError
from mlplab.trackers import mlflow_uri
from tests.trackers.conftest import Server, Train


class Reader:
    """Reads an experiment back.

    Args:
        place: as it was given to mlplab.
        name: the experiment.
    """

    def __init__(self, place: str, name: str) -> None:
        self.client = MlflowClient(tracking_uri=mlflow_uri.uri(place))
        found = self.client.get_experiment_by_name(name)
        assert found is not None
        self.id = found.experiment_id

    def runs(self) -> list[Any]:
        return list(self.client.search_runs([self.id], order_by=["attributes.start_time"]))

    def seeds(self, study: Study) -> dict[tuple[str, str], Any]:
        """The runs of a study by recipe and seed, which are no two the same."""
        own = [run for run in self.runs() if run.data.tags.get("mlplab.study") == study.id]
        seeds = [run for run in own if "mlplab.seed" in run.data.tags]
        found = {(r.data.tags["mlplab.recipe"], r.info.run_name): r for r in seeds}
        assert len(found) == len(seeds)
        return found

    def artefacts(self, run: Any, folder: str) -> list[str]:
        return [file.path for file in self.client.list_artifacts(run.info.run_id, folder)]


@pytest.fixture(params=["server", "sqlite", "folder"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each place where MLflow keeps runs."""
    if request.param == "server":
        yield request.getfixturevalue("server").uri
    else:
        yield (
            f"sqlite:///{tmp_path / 'runs.db'}"
            if request.param == "sqlite"
            else str(tmp_path / "ml")
        )


def test_every_place_holds_the_study(
    train: Train, small: Recipe, place: str, request: pytest.FixtureRequest, capfd: Any
) -> None:
    name = request.node.callspec.id
    pair = [small, small.replace(name="longer", epochs=3)]
    study = train(2, *pair, name=f"{name}.study", keep="models", track={"mlflow": place})
    output = capfd.readouterr()
    assert (output.out, output.err) == ("", "")
    reader = Reader(place, name)
    parents = {run.info.run_id: run for run in reader.runs() if "mlplab.seed" not in run.data.tags}
    assert sorted(run.info.run_name for run in parents.values()) == ["longer", "small"]
    seeds = reader.seeds(study)
    assert len(seeds) == 4
    history = study.history().set_index(["recipe", "seed"])
    for row in study.frame().itertuples():
        run = seeds[row.recipe, f"seed {row.seed}"]
        assert parents[run.data.tags["mlflow.parentRunId"]].info.run_name == row.recipe
        assert run.info.status == "FINISHED"
        assert run.data.metrics["test_accuracy"] == row.test_accuracy
        assert run.data.metrics["test_loss"] == row.test_loss
        told = reader.client.get_metric_history(run.info.run_id, "val_loss")
        epochs = history.loc[row.recipe, row.seed]
        assert [(one.step, one.value) for one in told] == list(
            zip(epochs["epoch"], epochs["val_loss"], strict=True)
        )
        assert [one.timestamp for one in told] == sorted(one.timestamp for one in told)
        wanted = {"optimizer": "Adam", "learning_rate": "0.001", "batch_size": "64",
                  "epochs": str(row.epochs), "dataset": "digits", "validation": "100",
                  "engine": "native", "seed": str(row.seed), "vary": "all"}  # fmt: skip
        assert wanted.items() <= run.data.params.items()
        assert reader.artefacts(run, "model") == [f"model/{row.recipe}-seed{row.seed}.keras"]


def test_what_is_there_is_left_and_what_was_cut_off_is_replaced(
    train: Train, server: Server
) -> None:
    track = {"mlflow": server.uri}
    study = train(2, name="again.study", track=track)
    reader = Reader(server.uri, "again")
    before = reader.seeds(study)
    cut_off = before["small", "seed 1"].info.run_id
    reader.client.update_run(cut_off, status="RUNNING")  # as a killed process leaves it
    after = reader.seeds(train(3, name="again.study", track=track))
    assert sorted(after) == [("small", f"seed {seed}") for seed in range(3)]
    assert after["small", "seed 0"].info.run_id == before["small", "seed 0"].info.run_id
    assert after["small", "seed 1"].info.run_id != cut_off
    assert np.isclose(
        after["small", "seed 1"].data.metrics["test_loss"],
        before["small", "seed 1"].data.metrics["test_loss"],
        rtol=1e-12,
    )
    assert {run.info.status for run in after.values()} == {"FINISHED"}


def test_two_studies_of_one_name_share_an_experiment(
    train: Train, small: Recipe, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    wild = small.replace(optimizer={"class": "SGD", "learning_rate": 1e30})
    first = train(1, name="twice.study", track={"mlflow": server.uri})
    second = train(1, wild, name="other/twice.study", track={"mlflow": server.uri})
    reader = Reader(server.uri, "twice")
    (one,), (other,) = (reader.seeds(study).values() for study in (first, second))
    assert (one.info.status, other.info.status) == ("FINISHED", "FAILED")
    assert one.data.tags["mlflow.parentRunId"] != other.data.tags["mlflow.parentRunId"]
    assert "test_loss" not in other.data.metrics


@pytest.mark.parametrize(
    "place",
    ["", "http://", "http://127.0.0.1:port", "http://127.0.0.1:70000", "sqlite://runs.db",
     "sqlite:///", "ftp://127.0.0.1/runs", "file:runs"],
)  # fmt: skip
def test_a_malformed_address_is_refused_before_training(
    train: Train, tmp_path: Path, place: str
) -> None:
    with pytest.raises(UsageError, match=r"mlflow: expected a folder, sqlite:///FILE or http"):
        train(1, track={"mlflow": place})
    assert list(tmp_path.iterdir()) == []
