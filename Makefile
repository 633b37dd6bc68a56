# The few commands of a working day. What a command does stands in the package, not here.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)

.PHONY: help install demo test test-all checks lint format bench audit constraints clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(STAMP) ## Make the environment in .venv from the pinned constraints

# The stamp carries a checksum of what it was made from, so a switched branch installs again and nothing else does.
$(STAMP):
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing: install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than 3.11: install Python 3.11 or newer, or name it: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) lacks venv: install it (on Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned dependencies into $(VENV) (a few minutes the first time) …"
	@if command -v uv >/dev/null; then \
	    uv pip install --quiet --python $(BIN)/python --constraints constraints.txt --editable '.[dev]'; \
	else \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'; \
	fi
	@rm -f $(VENV)/.installed-*
	@touch $@

demo: install ## Generate, load and check a month of sales, then serve the UI (ARGS="--days 7 --no-serve")
	@$(BIN)/sales-platform demo $(ARGS)

test: lint ## Lint, types and the quick tests: at most 15 minutes on two cores
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" $(ARGS)

test-all: lint ## The same with the slow tests
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

# In a folder of its own, so that no .env and no variable of the developer leads it to a real warehouse.
checks: install ## Check the warehouse of a week's demo, made and removed here: build/checks.xml (JUnit)
	@mkdir -p build; report="$$PWD/build/checks.xml"; bin="$$(cd $(BIN); pwd)"; \
	unset WAREHOUSE_URL DAGSTER_PG_URL INVOICING_OLTP_URL ACCOUNTS_OLTP_URL; \
	export SALES_PLATFORM_HOME="$$(mktemp -d)"; trap 'rm -rf "$$SALES_PLATFORM_HOME"' EXIT; \
	export SALES_PLATFORM_DATA="$$SALES_PLATFORM_HOME/data"; \
	cd "$$SALES_PLATFORM_HOME"; \
	"$$bin/sales-platform" demo --days 7 --no-serve; \
	"$$bin/sales-platform" check --format junit >"$$report" || { cat "$$report"; exit 1; }

lint: install ## Lint, types, SQL and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint sql
	@$(BIN)/lint-imports

format: install ## Put Python and SQL into the common format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix --quiet sql

bench: install ## Compare speed with a hand-written floor
	@if command -v uv >/dev/null; then \
	    uv pip install --quiet --python $(BIN)/python --constraints constraints.txt --editable '.[bench]'; \
	else \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'; \
	fi
	@$(BIN)/python -m benchmarks $(ARGS)

audit: install ## Look for known vulnerabilities in the pinned set (needs the network)
	@$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

constraints: ## Pin every dependency anew after a change in pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "error: uv is missing: install it (python3 -m pip install uv)" >&2; exit 1; }
	@uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-emit-index-url --no-annotate --no-header pyproject.toml --output-file constraints.txt

clean: ## Remove the environment and all caches; the state of local mode stays
	@rm -rf $(VENV) node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
