# make reproduce   sets everything up and repeats the notebook: four networks, three seeds
# make test        sets everything up and runs the tests
# make backends    the tests of Keras on TensorFlow and on PyTorch, in .venv-backends. PyPI's torch
#                  brings CUDA with it on Linux; TORCH=torch==2.13.0, say, takes another build
# make models      300 random models against Keras, in half an hour (ARGS=--hypothesis-seed=2: others)
# make install     the package alone, in .venv
# make lint        style, types, the order of the rooms, the documentation
# make docs        the documentation, in site/
# make bench       the native engine beside its peers: seconds, memory, growth; in build/bench/
# make phases      where the engine's time goes, as the picture of docs/engine-core.md
# make bench-stats how often comparisons are wrong, simulated; tables in build/bench/
# make bench-many many seeds in one program, on this processor or accelerator; docs/many-seeds.md
# make bench-large tables of 1.2 to 20 million rows, beside other ways; docs/large-data.md
# make bench-ray   what a run costs more on Ray, and 200 short runs on 1, 2, 4 workers; docs/ray.md
# make bench-trackers  what trackers cost a study: with all four, and without; docs/trackers.md
# make bench-serve mlplab serve under load, beside a plain FastAPI handler; it takes wrk
# make differences the runs, figures and tables of docs/differences.md
# make sanitize    the C++ core under AddressSanitizer, UndefinedBehaviorSanitizer, ThreadSanitizer
#                  (one of them: make sanitize ARGS=thread)

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=
TORCH  ?= torch

.PHONY: reproduce test backends models install lint docs bench phases bench-stats bench-many bench-large \
  bench-ray bench-trackers bench-serve differences sanitize browser clean
CORE := CMakeLists.txt $(wildcard core/*.*)
.DEFAULT_GOAL := install

reproduce: $(VENV)/.installed
	$(BIN)/mlplab reproduce $(ARGS)

test: $(VENV)/.installed-dev browser
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

backends:
	$(MAKE) VENV=$(VENV)-backends $(VENV)-backends/.installed-backends
	$(VENV)-backends/bin/python -m pytest $(ARGS) tests/engine/test_backends.py \
	  tests/engine/test_imports.py tests/engine/test_tensorboard.py

models: $(VENV)/.installed-dev
	MLPLAB_HYPOTHESIS=full $(BIN)/python -m pytest --timeout 7200 $(ARGS) tests/engine/test_random_models.py

install: $(VENV)/.installed

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --strict

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks $(ARGS)

phases: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.phases docs/images/phases.svg

bench-stats: $(VENV)/.installed-dev
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.statistics_seconds
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.statistics_rates $(ARGS)

bench-many: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.many_seeds --page docs/many-seeds.md $(ARGS)

bench-large: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.large_data --page docs/large-data.md $(ARGS)

bench-ray: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.on_ray --page docs/ray.md $(ARGS)

bench-trackers: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.tracked --page docs/trackers.md $(ARGS)

bench-serve: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.serve $(ARGS)

differences: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.differences $(ARGS)

sanitize: $(VENV)/.installed-dev
	PATH="$(abspath $(BIN)):$$PATH" core/sanitize.sh $(ARGS)

# A browser for the tests that open the report: the system's, or the distribution's.
browser: $(VENV)/.installed-dev
	@$(BIN)/python tests/browser.py || \
	  { apt-get update -qq && apt-get install -y -qq chromium; } || \
	  $(BIN)/playwright install chromium

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: pyproject.toml $(CORE) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[sklearn]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(CORE) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev,docs]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-backends: pyproject.toml $(CORE) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet '$(TORCH)' --editable '.[backends]'
	@touch $@

$(VENV)/.installed-bench: pyproject.toml $(CORE) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
