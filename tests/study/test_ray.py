"""Studies on a Ray cluster of three machines: the runs they would be at home, each of them once."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

import mlplab
from mlplab import Dataset, FailedError, Recipe, Split, Study, UsageError
from mlplab.data.lazy import LazyRows
from mlplab.study import Epoch, Job, Progress, RunResult
from mlplab.study.on_ray import MOST_TRIES, OnRay
from mlplab.study.ray_cluster import address_here
from mlplab.study.ray_recipe import sendable
from mlplab.study.ray_task import packed, unpacked
from tests.networks import small_network
from tests.study.commands import start_run, wait_until

ROOT = Path(__file__).parents[2]
DRIVER = os.getpid()
EPOCHS = 500
SCORES = ["recipe", "seed", "status", "engine", "epochs", "test_loss", "test_accuracy"]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning:ray")


@dataclass
class Machines:
    """The cluster, and the program that has it."""

    address: str
    raylets: list[int]
    head: list[int]
    folder: str
    program: subprocess.Popen[str]

    def ask(self, line: str) -> None:
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        self.program.stdin.write(line + "\n")
        self.program.stdin.flush()
        assert json.loads(self.program.stdout.readline()) == {"done": line}


class Recorder(Progress):
    """Writes down what it is told, in order."""

    def __init__(self) -> None:
        self.told: dict[int, list[Any]] = {}
        self.notices: list[str] = []

    def on_run_begin(self, job: Job) -> None:
        self.told.setdefault(job.seed, []).append("begin")

    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        self.told[job.seed].append(epoch.epoch)

    def on_run_end(self, job: Job, result: RunResult) -> None:
        self.told[job.seed].append("end")

    def on_notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.study.three_nodes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    assert program.stdout is not None
    facts = json.loads(program.stdout.readline())
    yield Machines(**facts, program=program)
    program.communicate(timeout=60)


@pytest.fixture(scope="module")
def ray(machines: Machines) -> Iterator[OnRay]:
    """One connection for all tests of this file, which gives up soon when the head is gone."""
    with pytest.MonkeyPatch.context() as patch, OnRay(machines.address) as place:
        patch.setenv("RAY_CLIENT_RECONNECT_GRACE_PERIOD", "10")
        place.connect(Progress())
        yield place


def figures(study: Study, label: str, seeds: list[int]) -> list[pd.DataFrame]:
    """Everything that the tables of a study say of some runs, but for the seconds."""
    tables = [study.history().drop(columns="seconds"), study.frame()[SCORES]]
    return [
        table[(table["recipe"] == label) & table["seed"].isin(seeds)].reset_index(drop=True)
        for table in tables
    ]


def same_runs(home: Study, away: Study, label: str = "small") -> None:
    """The runs of a recipe on Ray, each there once, have the bits of those seeds at home."""
    seeds = away.seeds(label)
    assert len(set(seeds)) == len(seeds)
    pairs = zip(figures(away, label, seeds), figures(home, label, seeds), strict=True)
    for ours, theirs in pairs:
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    places = [home.seeds(label).index(seed) for seed in seeds]
    assert np.array_equal(away.outcomes(label), home.outcomes(label)[places])
    assert np.array_equal(away.probabilities(label), home.probabilities(label)[places])


def test_the_ray_of_this_machine_is_used(machines: Machines, tmp_path: Path) -> None:
    """It is found by the note that ``ray start`` leaves; a note of what is gone is none."""
    from ray._private.utils import read_ray_address

    words = [str(ROOT / "examples" / "digits.toml"), "--on", "ray", "--seeds", "1"]
    joined = start_run(tmp_path, *words, RAY_TMPDIR=machines.folder)
    _, errors = joined.communicate(timeout=280)
    assert joined.returncode == 0, errors
    assert "note: the runs go to Ray: 3 machines, 3 cores\n" in errors
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
    assert read_ray_address(str(tmp_path / "ray")) == "127.0.0.1:1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(tmp_path))
        patch.delenv("RAY_ADDRESS", raising=False)
        assert address_here() is None


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ("dask", "expected on= (--on) to be ray or ray://HOST:PORT, got 'dask'"),
        ("ray://host", "expected on= (--on) to be ray or ray://HOST:PORT, got 'ray://host'"),
        (
            "ray://127.0.0.1:1",
            "expected a Ray cluster at ray://127.0.0.1:1, got no answer (Connection refused); "
            "start its head: ray start --head --ray-client-server-port 1",
        ),
    ],
)
def test_where_no_ray_is(
    digits: Dataset, small: Recipe, tmp_path: Path, on: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        mlplab.run(small, digits, 1, path=tmp_path / "a.study", on=on)
    assert str(caught.value) == message


def test_addresses_that_the_environment_names(
    digits: Dataset, small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for named in ("head", "head:port", ":6379"):
        monkeypatch.setenv("RAY_ADDRESS", named)
        with pytest.raises(UsageError, match=f"expected RAY_ADDRESS to be .*, got '{named}'"):
            mlplab.run(small, digits, 1, path=tmp_path / "a.study", on="ray")
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    found = address_here()
    monkeypatch.delenv("RAY_ADDRESS")
    assert found == address_here()


def test_another_version_of_ray_is_refused(
    machines: Machines,
    digits: Dataset,
    small: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first to connect: a process has one connection at a time."""
    import ray

    monkeypatch.setattr(ray, "__version__", "2.0.9")
    pattern = (
        rf"expected a Ray cluster at {machines.address}, got: Version mismatch: .*Ray: 2\.0\.9"
    )
    with pytest.raises(UsageError, match=pattern):
        mlplab.run(small, digits, 1, path=tmp_path / "a.study", on=machines.address)


@pytest.mark.parametrize(
    ("engine", "at_home", "on_ray"),
    [("native", [0, 1, 2], [0, 1, 2]), ("keras", [1], [1]), ("jax", [0, 1], [1])],
)
def test_the_same_bits_as_at_home(
    ray: OnRay,
    digits: Dataset,
    small: Recipe,
    tmp_path: Path,
    engine: str,
    at_home: list[int],
    on_ray: list[int],
) -> None:
    """Also where one run on Ray is one of many in a program at home."""
    how: dict[str, Any] = {"engine": engine}
    home = mlplab.run(small, digits, at_home, path=tmp_path / "home.study", **how)
    away = mlplab.run(small, digits, on_ray, path=tmp_path / "away.study", on=ray, **how)
    with home, away:
        same_runs(home, away)
        assert away.environments == home.environments


def test_what_is_told_is_what_is_told_at_home(
    ray: OnRay, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    """Each run begins, tells its epochs in order and ends; with test scores, looks are counted."""
    recorder, longer = Recorder(), small.replace(epochs=40)
    home = mlplab.run(
        longer, digits, 4, path=tmp_path / "h.study", validation="test", progress=Progress()
    )
    away = mlplab.run(
        longer, digits, 4, path=tmp_path / "a.study", validation="test", progress=recorder, on=ray
    )
    with home, away:
        assert recorder.told == {seed: ["begin", *range(1, 41), "end"] for seed in range(4)}
        assert recorder.notices == []
        assert away.looks()["seen"].tolist() == home.looks()["seen"].tolist()
        same_runs(home, away)


def test_kept_models_are_those_of_home(
    ray: OnRay, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    models = []
    for folder, on in (("home", None), ("away", ray)):
        path = tmp_path / folder / "a.study"
        with mlplab.run(small, digits, 1, path=path, keep="models", on=on) as study:
            model = study.model_path("small", 0)
            assert model is not None
            models.append(keras.saving.load_model(model))
    for state in (lambda model: model.weights, lambda model: model.optimizer.variables):
        home, away = ([np.asarray(one.value) for one in state(model)] for model in models)
        assert len(home) > 3
        assert all(map(np.array_equal, home, away))


def pictures(folder: Path) -> Dataset:
    """Grey pictures of two classes in files, mapped and not read."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    x = rng.integers(0, 256, size=(120, 28, 28), dtype=np.uint8) // (1 + y[:, None, None])
    for name, array in (("x", x.astype(np.uint8)), ("y", y)):
        np.save(folder / f"{name}.npy", array)
    mapped = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in "xy"]
    train, test = (Split(*(array[part] for array in mapped)) for part in np.s_[:80, 80:])
    return Dataset("pictures", train, test, ("light", "dark"))


def test_mapped_data_augmented_under_one_stream(ray: OnRay, small: Recipe, tmp_path: Path) -> None:
    dataset = pictures(tmp_path)
    assert isinstance(dataset.train.x, np.memmap)
    content, arrays = packed(dataset)
    assert len(content) < 2000  # the arrays are not in it
    assert unpacked((content, arrays)).fingerprint == dataset.fingerprint
    recipe = small.replace(augmentation=("noisy", "shifted"))
    home = mlplab.run(recipe, dataset, 2, path=tmp_path / "h.study", vary="split")
    away = mlplab.run(recipe, dataset, 2, path=tmp_path / "a.study", vary="split", on=ray)
    with home, away:
        same_runs(home, away)
        assert away.variation().equals(home.variation())


def test_a_converted_table_is_shared_and_not_copied(
    ray: OnRay, small: Recipe, tmp_path: Path
) -> None:
    rows = pd.DataFrame(np.random.default_rng(0).random((300, 4)), columns=list("abcd"))
    rows.assign(way=rows["a"] > 0.5).to_csv(tmp_path / "t.csv", index=False)
    dataset = mlplab.convert(tmp_path / "t.csv", tmp_path / "t", target="way")
    there = unpacked(packed(dataset)).with_validation(30, np.random.default_rng(0))
    assert isinstance(there.train.x, LazyRows)
    home = mlplab.run(small, dataset, 2, path=tmp_path / "h.study")
    away = mlplab.run(small, dataset, 2, path=tmp_path / "a.study", on=ray)
    with home, away:
        same_runs(home, away)


def test_modules_under_other_names_do_not_keep_a_recipe_here(
    small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("def width():\n    return 8\n")
    monkeypatch.syspath_prepend(tmp_path)
    mine = importlib.import_module("mine")
    monkeypatch.setitem(sys.modules, "also_mine", mine)
    monkeypatch.setitem(sys.modules, "mine", mine)
    assert b"width" in sendable(small.replace(build=lambda dataset: mine.width()))


def test_a_run_that_diverges_is_recorded(
    ray: OnRay, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    wild = small.replace(optimizer={"class": "SGD", "learning_rate": 1e30})
    with mlplab.run(wild, digits, 1, path=tmp_path / "a.study", keep="models", on=ray) as study:
        assert study.frame()["status"].tolist() == ["diverged"]


class UnluckyError(Exception):
    """As a user's own, of a module that no worker has."""


def elsewhere() -> bool:
    """Whether this is a worker: the driver builds each model once as well."""
    return os.getpid() != DRIVER


@pytest.mark.parametrize("kind", [UnluckyError, ConnectionResetError])
def test_what_a_run_raises_is_raised(
    kind: type[Exception], ray: OnRay, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    def build(dataset: Dataset) -> keras.Model:
        if elsewhere():
            raise kind("no luck today")
        return small_network(dataset)

    path = tmp_path / "a.study"
    with pytest.raises(kind) as caught:
        mlplab.run(small.replace(build=build), digits, 2, path=path, on=ray)
    assert caught.value.args == ("no luck today",)
    note = caught.value.__notes__[0]
    assert note.startswith("in the run small, seed ")
    assert f"{kind.__name__}: no luck today" in note
    sent = ray.put
    with mlplab.run(small, digits, 2, path=path, on=ray) as study:
        assert study.seeds("small") == [0, 1]
    assert sent is not None
    assert ray.put is sent  # the dataset was put once for both


def test_runs_take_processors(ray: OnRay, digits: Dataset, small: Recipe, tmp_path: Path) -> None:
    """A GPU would be opened by the workers of all cores at once."""

    def build(dataset: Dataset) -> keras.Model:
        if elsewhere():
            names = ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES")
            raise UnluckyError(*(os.environ.get(name) for name in names))
        return small_network(dataset)

    with pytest.raises(UnluckyError) as caught:
        mlplab.run(small.replace(build=build), digits, 1, path=tmp_path / "a.study", on=ray)
    assert caught.value.args == ("cpu", "")


def dying(times: int, folder: Path) -> Any:
    """Return a function that kills the process of a run, so many times in all."""

    def build(dataset: Dataset) -> keras.Model:
        if elsewhere():
            died = len(list(folder.iterdir()))
            if died < times:
                (folder / str(died)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return small_network(dataset)

    return build


def test_a_lost_worker_has_its_run_begun_again(
    ray: OnRay, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    recorder, deaths = Recorder(), tmp_path / "deaths"
    deaths.mkdir()
    home = mlplab.run(small, digits, [3], path=tmp_path / "h.study")
    mortal = small.replace(build=dying(1, deaths))
    away = mlplab.run(mortal, digits, [3], path=tmp_path / "a.study", progress=recorder, on=ray)
    with home, away:
        assert recorder.notices == ["the worker of small, seed 3 is lost; the run begins again"]
        assert recorder.told == {3: ["begin", 1, 2, "end"]}
        same_runs(home, away)


def test_a_run_that_loses_each_worker_ends_the_study(
    ray: OnRay, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    deaths, path = tmp_path / "deaths", tmp_path / "a.study"
    deaths.mkdir()
    mlplab.run(small, digits, 2, path=path, on=ray).close()
    mortal = small.replace(name="mortal", build=dying(1000, deaths))
    text = rf"the run mortal, seed 0 lost its worker {MOST_TRIES} times, the last time so: .*"
    with pytest.raises(FailedError, match=text + r"The runs that ended are kept$"):
        mlplab.run([small, mortal], digits, 1, path=path, on=ray)
    assert len(list(deaths.iterdir())) == MOST_TRIES
    with Study(path) as study:
        assert study.frame()[["recipe", "seed"]].to_numpy().tolist() == [["small", 0], ["small", 1]]


def test_ctrl_c_leaves_no_run_under_way(
    ray: OnRay, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    """The connection is still there: it is not its end that frees the machines."""

    class Impatient(Progress):
        def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    endless = small.replace(epochs=1_000_000)
    with pytest.raises(KeyboardInterrupt):
        mlplab.run(endless, digits, 3, path=tmp_path / "a.study", progress=Impatient(), on=ray)
    assert ray.cluster is not None
    free = ray.cluster.ray.available_resources
    wait_until(lambda: free().get("CPU") == 3, 60)


SCRIPT = """
import keras, mlplab, helpers

def layer(dataset):
    return keras.layers.Dense(dataset.n_classes, activation="softmax")

build = lambda dataset: keras.Sequential(
    [keras.Input(dataset.input_shape), *helpers.inner(), layer(dataset)]
)
loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
recipe = mlplab.Recipe("own", build, loss, keras.optimizers.Adam(0.01), epochs=2)
if __name__ == "__main__":
    for path, on in (("home.study", None), ("away.study", ADDRESS)):
        with mlplab.run(recipe, "digits", 2, path=path, on=on) as study:
            print(study.probabilities("own").tobytes().hex())
"""
HELPERS = """
import keras

def inner():
    return [keras.layers.Flatten(), keras.layers.Dense(8, activation="relu")]
"""


def test_functions_of_a_script_need_not_be_installed(machines: Machines, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(f"ADDRESS = {machines.address!r}\n" + SCRIPT)
    (tmp_path / "helpers.py").write_text(HELPERS)
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "script.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    home, away = done.stdout.split()
    assert home == away


def test_other_versions_are_refused(machines: Machines, tmp_path: Path) -> None:
    """A machine whose packages say that NumPy is another one."""
    other = tmp_path / "packages" / "numpy-9.9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.9.9\n")
    machines.ask(f"add {other.parent}")
    spec = ROOT / "examples" / "digits.toml"
    refused = start_run(tmp_path, str(spec), "--on", machines.address, "--seeds", "1")
    output, errors = refused.communicate(timeout=240)
    machines.ask("remove")
    assert (refused.returncode, output) == (2, "")
    said = errors[errors.index("mlplab: error:") :].splitlines()
    assert said[0] == "mlplab: error: expected the same versions on every machine, got:"
    pattern = rf"  numpy {re.escape(np.__version__)} here, 9\.9\.9 on 127\.0\.0\.1 \(node \w+\)"
    assert re.fullmatch(pattern, said[1])
    assert said[2:] == ["install the same on each and start Ray there again"]


def test_a_machine_killed_in_mid_study(
    ray: OnRay, machines: Machines, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    """All three machines have a run when one of them goes; its run is done by another."""
    long = small.replace(epochs=EPOCHS)

    class Killer(Recorder):
        under_way: tuple[int, ...] = ()

        def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
            super().on_epoch_end(job, epoch)
            going = [seed for seed, told in self.told.items() if told[-1] != "end"]
            if len(going) == 3 and not self.under_way:
                self.under_way = tuple(going)
                os.kill(machines.raylets.pop(), signal.SIGKILL)

    killer = Killer()
    home = mlplab.run(long, digits, 5, path=tmp_path / "h.study")
    away = mlplab.run(long, digits, 5, path=tmp_path / "a.study", progress=killer, on=ray)
    with home, away:
        assert len(killer.under_way) == 3
        assert len(killer.notices) == 1
        assert "is lost; the run begins again" in killer.notices[0]
        assert killer.told == {seed: ["begin", *range(1, EPOCHS + 1), "end"] for seed in range(5)}
        same_runs(home, away)


def test_a_head_that_is_lost_is_said_and_loses_no_run(
    ray: OnRay, machines: Machines, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    path, long = tmp_path / "a.study", small.replace(epochs=EPOCHS)
    mlplab.run(long, digits, 1, path=path, on=ray).close()

    class Killer(Progress):
        def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
            while machines.head:
                os.kill(machines.head.pop(), signal.SIGKILL)

    text = rf"^the connection to {machines.address} is lost: .*; the runs that ended are kept$"
    with pytest.raises(FailedError, match=text):
        mlplab.run(long, digits, 4, path=path, progress=Killer(), on=ray)
    with Study(path) as study:
        assert 0 in study.seeds("small")
