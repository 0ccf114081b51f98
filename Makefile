# `make demo`, `make test` and `make quick` need only Python >= 3.10; each makes .venv if it is missing.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
CONFIG ?= configs/demo.yaml

.PHONY: demo target shadow test quick lint docs defenses bench base house clean

# target and shadow need nothing of each other: half of the cores each
HALF = $(shell $(RUN) -c "import os; print(max(1, len(os.sched_getaffinity(0)) // 2 if hasattr(os, 'sched_getaffinity') else os.cpu_count() // 2))")
demo: $(VENV)/demo.ok
	@+OMP_NUM_THREADS=$(HALF) GOMP_SPINCOUNT=0 $(MAKE) --no-print-directory -j2 target shadow
	$(RUN) audit.py $(CONFIG)

target: $(VENV)/demo.ok
	$(RUN) train.py $(CONFIG)

shadow: $(VENV)/demo.ok
	$(RUN) train.py $(CONFIG) role=shadow trainer.enable_progress_bar=false

# a process a core, each of one thread: small models wait for one another's threads otherwise
TESTS := OMP_NUM_THREADS=1 $(RUN) -m pytest -n logical --maxprocesses 8 --dist worksteal --durations 20

test: $(VENV)/test.ok
	$(TESTS)

quick: $(VENV)/test.ok
	$(TESTS) -m "not slow"

lint: $(VENV)/dev.ok
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m bandit --quiet --configfile pyproject.toml --recursive lit_clid

docs: $(VENV)/docs.ok
	$(VENV)/bin/jupyter-nbconvert --log-level WARN --to markdown --output-dir docs/notebooks examples/notebooks/*.ipynb
	sed -i.ipynb 's#(\.\./\.\./docs/#(../#g' docs/notebooks/*.md && rm docs/notebooks/*.md.ipynb
	$(VENV)/bin/zensical build --clean --strict

defenses: $(VENV)/dp.ok
	$(RUN) benchmarks/defenses.py

bench: $(VENV)/demo.ok
	$(RUN) benchmarks/audit_speed.py

house:
	$(PYTHON) docs/draw_house.py

base: $(VENV)/demo.ok
	$(RUN) -m lit_clid.commands.pretrain

$(VENV)/demo.ok: pyproject.toml
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/dp.ok: $(VENV)/demo.ok
	$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[dp]"
	touch $@

$(VENV)/test.ok: $(VENV)/demo.ok
	$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $@

$(VENV)/docs.ok: $(VENV)/demo.ok
	$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@

$(VENV)/dev.ok: $(VENV)/test.ok
	$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
