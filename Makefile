# Glem: every way to run it. Needs GNU make and a Python of 3.11 or later; the rest comes by itself.
.SHELLFLAGS := -eu -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is new enough and really runs: a version manager's stub may exist and still fail.
PYTHON_IS_FIT := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
FIND_PYTHON = $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	if "$$name" -c '$(PYTHON_IS_FIT)' >/dev/null 2>&1; then echo "$$name"; break; fi; done)
ifndef PYTHON
PYTHON = $(eval PYTHON := $(FIND_PYTHON))$(PYTHON)
endif

PACKAGES := shared/glem_contracts shared/glem shared/glem_retention shared/glem_verify \
	services/patron-api services/loan-api services/notifier services/retention-worker deploy/local services/embedded
VENV := .venv
STAMP := $(VENV)/.glem-installed
BIN := $(VENV)/bin
UV ?= uv
LOCKS := requirements.lock requirements-build.lock requirements-dev.lock

.PHONY: help setup demo run distributed test soak bench migration lint format lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(STAMP) ## Install everything that Glem needs into .venv

$(STAMP): $(LOCKS) $(PACKAGES:%=%/pyproject.toml)
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c '$(PYTHON_IS_FIT)' >/dev/null 2>&1; then \
		echo "Glem needs Python 3.11 or later with venv; $(if $(PYTHON),'$(PYTHON)' is not one,none was found on PATH)." >&2; \
		echo "Install one (on Debian: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
		exit 1; fi
	@"$(BIN)/python" -c '$(PYTHON_IS_FIT)' >/dev/null 2>&1 || { rm -rf $(VENV); "$(PYTHON)" -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(LOCKS:%=-r %)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PACKAGES:%=--editable ./%)
	@touch $@

demo: setup ## Run months of lending at four libraries; an oracle judges every erasure
	$(BIN)/python -m tests.proving.demo $(DEMO)

run: setup ## Serve the whole suite on this machine until stopped
	$(BIN)/python -m tests.proving.demo.playground

distributed: setup ## Run the flows on four processes, PostgreSQL and Apache Kafka
	$(BIN)/python -m pytest tests/flows -m distributed -v

test: setup ## Run all tests; the last line says which Kafka they ran on
	$(BIN)/python -m pytest

soak: setup ## Run what takes minutes: chaos, millions of records, long simulations
	$(BIN)/python -m pytest -m soak --timeout=3600 -v
	$(BIN)/python -m tests.proving.simulation $(SIMULATION)

bench: setup ## Measure, each figure beside a plain program that does the same work
	$(BIN)/python -m benchmarks

migration: setup ## Draft the migrations that the tables need: make migration MESSAGE="add the door log"
	@$(BIN)/python -m tests.house.draft_migration "$(MESSAGE)" "$(SERVICE)"

lint: setup ## Check style, types, import directions and plain words
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.house.riddles

format: setup ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes $(UPGRADE) --no-header \
	--no-emit-index-url --no-emit-find-links --quiet
# For the development lock: leave out what the other two hold, in whose versions it is resolved.
ELSEWHERE = $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package=\1/p' requirements.lock requirements-build.lock)

lock: ## Resolve requirements*.in again (needs uv); keeps versions, except with UPGRADE=--upgrade
	$(COMPILE) requirements.in --output-file requirements.lock
	$(COMPILE) requirements-build.in --output-file requirements-build.lock
	$(COMPILE) requirements-dev.in --output-file requirements-dev.lock $(ELSEWHERE)
	@# What runs in production has a source: this fails on a package that is published as a binary only.
	$(UV) pip compile --quiet --no-deps --no-binary :all: requirements.lock >/dev/null

clean: ## Remove the installation and the caches (not the data of make run)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
