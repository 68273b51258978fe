# Everything a developer does often, with the commands that CI uses. `make demo` is all that a newcomer needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PAGE := gateway/static/page/index.html
PAGE_SOURCES := page/index.html page/vite.config.ts page/tsconfig.json page/package.json \
	$(shell find page/src clients/javascript/src -type f)
WORKERS ?= 2
# Arguments for `demo`, `test`, `bench`, `faults` and `recovery`: make test ARGS="tests/unit -k cursor"
ARGS ?=
# Of `faults`: how many runs, from which seed on
RUNS ?= 200
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo page page-check client-types test check format lint types lock lock-check kafka-lock explore bench backpressure oracle faults recovery screenshots docs clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST)

install: $(INSTALLED) ## The virtual environment in .venv, from the lock file

$(INSTALLED): requirements.lock pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"Tracestream needs Python 3.11 or newer, {sys.executable} is {v[0]}.{v[1]}. Name another one: make PYTHON=python3.12")'
	@echo "Installing into $(VENV) (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python --editable .
	@touch $@

# Without a registry in reach the page can't be built; everything else works, and / says so.
demo: $(INSTALLED) ## The reference query from submit to page, with an embedded Kafka and database
	@$(MAKE) --no-print-directory --silent page || echo "The page at / was not built (see above); going on without it."
	@exec $(BIN)/tracestream demo $(ARGS)

page: $(PAGE) ## The page at /, built into the gateway's package

$(PAGE): page/node_modules/.installed $(PAGE_SOURCES)
	@.ci/npm --prefix page run --silent build -- --logLevel warn

# Order-only: a change of the Python environment brings no other JavaScript packages.
page/node_modules/.installed: page/package-lock.json page/.npmrc | $(INSTALLED)
	@echo "Installing the page's build tools into page/node_modules (once)"
	@.ci/npm --prefix page ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

clients/javascript/node_modules/.installed: clients/javascript/package-lock.json clients/javascript/.npmrc | $(INSTALLED)
	@echo "Installing the client's test tools into clients/javascript/node_modules (once)"
	@.ci/npm --prefix clients/javascript ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

client-types: clients/javascript/node_modules/.installed ## clients/javascript/types, from the JSDoc comments
	@rm -rf clients/javascript/types
	@.ci/npm --prefix clients/javascript run --silent types

# In the order of tests/conftest.py: xdist's own begins with the files that have the most tests, which are the short ones.
test: $(INSTALLED) page clients/javascript/node_modules/.installed ## All tests, or those in ARGS
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

page-check: page/node_modules/.installed ## Types and unit tests of the page
	@.ci/npm --prefix page run --silent check
	@.ci/npm --prefix page run --silent test

check: lint types lock-check ## Everything that needs no broker: format, lint, layers, types, lock file

format: $(INSTALLED) ## Rewrite the sources in the one format
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

types: $(INSTALLED)
	$(BIN)/mypy

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-package tracestream-client --group dev pyproject.toml

lock: ## Newest versions of all dependencies into requirements.lock
	$(COMPILE) --upgrade --output-file requirements.lock

lock-check: $(INSTALLED) ## requirements.lock is what pyproject.toml asks for, with hashes and without addresses
	.ci/lock-check $(COMPILE)

kafka-lock: $(INSTALLED) ## The jars of the embedded broker, resolved anew
	$(BIN)/python -m broker.jars

explore: $(INSTALLED) ## The model of the protocol explored for minutes; ARGS=--help says what it takes
	$(BIN)/python -m tests.model $(ARGS)

bench: $(INSTALLED) ## The ratios that the documentation quotes
	$(BIN)/python -m bench $(ARGS)

faults: $(INSTALLED) ## RUNS runs from SEED on with everything killed, stopped and cut off; an hour for 200
	$(BIN)/python -m tests.faults --runs $(RUNS) --seed $(SEED) $(ARGS)

recovery: $(INSTALLED) ## How long a job stands still when its worker or its processor is killed
	$(BIN)/python -m tests.faults.recovery $(ARGS)

oracle: $(INSTALLED) ## The reference job with Oracle's driver against the loopback server, compared with DuckDB
	$(BIN)/python -m tests.oracle.reference $(ARGS)

backpressure: $(INSTALLED) ## How far a slow consumer is felt: docs/backpressure.md, written anew; about six minutes
	$(BIN)/python -m bench.backpressure

screenshots: $(INSTALLED) page ## Pictures of the page into docs/screenshots
	$(BIN)/python -m bench.screenshots $(ARGS)

docs: $(INSTALLED) ## Generated files: schemas, API documents, tables
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m tracestream.documents

clean: ## Removes the environment and everything built
	rm -rf page/node_modules clients/javascript/node_modules gateway/static/page
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
