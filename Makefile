# `make run` trains on the included digits, `make test` runs the tests. Each installs what it needs first.
# `make setup TORCH=cpu` installs PyTorch without CUDA, which takes 1.6 GB in place of 5.9 GB on Linux.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq

TORCH ?=
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
ifneq ($(filter-out cpu,$(TORCH)),)
$(error TORCH is "$(TORCH)"; it must be cpu, or be left out for PyTorch with CUDA: make setup TORCH=cpu)
endif

.PHONY: help run playground notebooks site test lint setup weights wheel-check clean

run: setup  ## train on the included digits for a minute, then score and write a report
	$(BIN)/advnets train mnist-5k

playground: .venv/ready-to-play  ## watch training live in the browser
	$(BIN)/advnets playground

RUN ?=
site: .venv/ready-for-the-site  ## build the web site into site/ (RUN=FOLDER: the run whose G visitors explore)
	$(BIN)/python -m website $(if $(RUN),--run $(RUN))

notebooks: .venv/ready-for-notebooks  ## write the notebooks for Jupyter into ipynb/
	$(BIN)/python notebooks/to_ipynb.py

test: .venv/ready-to-test  ## the whole test suite, one process per core
	@# Compiled files are kept for the next run, and for the processes that tests start.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal

lint: .venv/ready-to-test  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

weights: setup  ## train the generator that comes with the package again
	$(BIN)/advnets train mnist-5k --preset quickstart --condition classes --restart --run build/weights/digits
	$(BIN)/advnets export build/weights/digits --safetensors src/adversarial_nets/weights/digits --half
	$(BIN)/advnets sample src/adversarial_nets/weights/digits --n 40 --out docs/images/digits.png

wheel-check: .venv/ready-to-test  ## build the wheel, and use it in a new environment on each Python at hand
	.ci/versions --wheel $(ENVIRONMENTS)

setup: .venv/ready  ## install the package into .venv (TORCH=cpu: without CUDA)

.venv/ready: pyproject.toml constraints.txt
	@echo "Installing into .venv with pinned versions (the first time this takes some minutes)"
	$(PYTHON) -m venv .venv || { echo "Python's venv is missing (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
ifeq ($(TORCH),cpu)
	@# From PyTorch's own index, for torch alone; the next line installs everything else, from PyPI or your mirror.
	$(PIP) --no-deps --index-url $(TORCH_INDEX) torch
endif
	$(PIP) --editable .
	@touch $@

.venv/ready-to-play: .venv/ready
	$(PIP) --editable '.[playground]'
	@touch $@

.venv/ready-for-the-site: .venv/ready
	$(PIP) --editable '.[docs]'
	@touch $@

.venv/ready-for-notebooks: .venv/ready
	$(PIP) --editable '.[notebooks]'
	@touch $@

.venv/ready-to-test: .venv/ready
	$(PIP) --editable '.[test,dev,docs]'
	@# The playground's tests need Chromium. If it cannot be installed, they are skipped with that reason.
	@for browser in chromium-headless-shell chromium google-chrome; do command -v $$browser >/dev/null && exit; done; \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
	    && { $(APT_INSTALL) chromium-headless-shell || $(APT_INSTALL) chromium; } >/dev/null; } \
	  || echo "No Chromium: the tests in a browser will be skipped (Debian: apt install chromium-headless-shell)"
	@touch $@

clean:  ## remove .venv and all caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14
