# Everything a newcomer types. `make run` to try it, `make test` to check it.
# The distribution's own Python comes first: built with profile-guided optimisation, as many are not (docs/decisions/0016).
PYTHON ?= $(or $(shell for one in /usr/bin/python3 python3; do \
	$$one -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$one && break; done),python3)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test demo screenshots lint types chaos bench-reports bench-inbound bench-outbound bench-pickups bench-segments lock clean

help: ## say what can be typed
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Jalsa needs Python 3.11 or newer; set PYTHON=… to one." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Could not make .venv: on Debian or Ubuntu, install python3-venv." >&2; exit 1; }

.venv/.installed: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing the locked dependencies into .venv ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-dev: requirements/dev.txt .venv/.installed
	@echo "Installing the development tools into .venv ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

setup: .venv/.installed ## install into .venv (quick when nothing changed)

setup-dev: .venv/.installed-dev ## install the development tools too

run: setup ## migrate, load a sample rally, serve on 127.0.0.1:8000 (PORT=… for another)
	@$(BIN)/jalsa migrate
	@$(BIN)/jalsa sample
	@$(BIN)/jalsa serve

test: setup-dev ## lint, types, import contracts, migrations, then every test on SQLite and PostgreSQL
	@$(MAKE) --no-print-directory lint types
	@$(BIN)/python -m pytest -q -n auto

demo: setup ## play a morning of 200 texts from 60 phones and look up every effect (no browser, no questions)
	@$(BIN)/python -m demo

screenshots: setup-dev ## make the pictures in docs anew (needs chromium and the Noto fonts)
	@$(BIN)/python -m tests.browser.screenshots

lint: setup-dev ## ruff and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Run: .venv/bin/ruff format ." >&2; exit 1; }
	@$(BIN)/lint-imports --no-cache

types: setup-dev ## mypy, strict where we decide
	@$(BIN)/python -m mypy

bench-reports: setup-dev ## an hour of reports in five minutes, and how right triage and clusters are (CRISIS=file.csv)
	@$(BIN)/python -m bench.reports $(if $(CRISIS),--crisis $(CRISIS))

bench-inbound: setup-dev ## texts per second on SQLite and PostgreSQL, against the usual way
	@$(BIN)/python -m bench.inbound

chaos: setup-dev ## kill workers at every boundary, N times on each database (N=200)
	@$(BIN)/python -m tests.chaos --kills $(or $(N),200)

bench-outbound: setup-dev ## texts per second of the outbox, beside the bare SDK and a naive loop
	@$(BIN)/python -m bench.outbound

bench-pickups: setup-dev ## nearest of 10,000 points and matching among 50,000 names, beside looking at every one
	@$(BIN)/python -m bench.pickups

bench-segments: setup-dev ## counting an audience at a million members, beside the usual ways (MEMBERS=10000000)
	@$(BIN)/python -m bench.segments --members $(or $(MEMBERS),1000000)

lock: ## write requirements/*.txt anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements/run.txt
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements/dev.txt

clean: ## remove .venv and var
	rm -rf .venv var
