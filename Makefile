# Two commands do everything: `make run` and `make test`. Each sets itself up.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: run playground test lint setup clean

run: setup  ## learn digits from the embedded sample in two minutes, then score and report them
	$(BIN)/advnets train mnist-5k

playground: .venv/ready-to-play  ## the game live, in the browser
	$(BIN)/advnets playground

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

.venv/ready-to-play: .venv/ready
	$(PIP) --editable '.[playground]'
	@touch $@

.venv/ready-to-test: .venv/ready
	$(PIP) --editable '.[test,dev]'
	@# The playground's tests need Chromium. Where it cannot be installed they are skipped, and say so.
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
	  || echo "No Chromium: the tests in a browser will be skipped (Debian: apt install chromium)"
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
