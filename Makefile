# Two commands do everything: `make run` and `make test`. Each sets itself up.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: run test lint setup clean

run: setup  ## learn digits from the embedded sample in two minutes, then score and report them
	$(BIN)/advnets train mnist-5k

test: .venv/ready-to-test  ## the whole test suite, one process a core
	$(BIN)/python -m pytest -n auto

lint: .venv/ready-to-test  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	@echo "Setting up .venv with pinned versions (the first time this takes some minutes)"
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

.venv/ready-to-test: .venv/ready
	$(PIP) --editable '.[test,dev]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
