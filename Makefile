# One command each: `make demo` for a first look, `make test` for the tests. Python 3.11 or newer with pip is all it takes.
# Everything is installed into $(VENV) and nowhere else. `make PYTHON=python3.13 VENV=.venv-3.13 test` tries another Python.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Stamps: what is installed already is not installed again.
MADE := $(VENV)/.made
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench prices wheel lock clean

help: ## show what there is
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(RUN) ## set up, then report on an invented company
	$(BIN)/tokenaudit demo

test: $(DEV) ## set up, then run the tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(DEV) ## style, types and import direction
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## put the code into its one layout
	$(BIN)/ruff check --fix-only --exit-zero
	$(BIN)/ruff format

bench: $(BENCH) ## measure against ccusage and DuckDB (ARGS=--quick for a small run)
	$(BIN)/python -m bench.run $(ARGS)

prices: $(DEV) ## build the bundled price tables from genai-prices and LiteLLM
	$(PIP) download --no-deps --only-binary :all: --platform manylinux_2_28_x86_64 --python-version 3.11 \
		--implementation cp --abi abi3 --require-hashes --requirement requirements/prices.txt --dest $(VENV)/prices
	$(BIN)/python scripts/build_prices.py --litellm $(VENV)/prices/litellm-*.whl

wheel: $(DEV) ## build dist/*.whl
	rm -rf dist
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

lock: $(MADE) ## pin the development packages anew
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock' \
		pyproject.toml --group dev --output-file requirements/dev.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock' \
		--constraints requirements/dev.txt --group bench --output-file requirements/bench.txt

clean: ## remove everything that was made here
	rm -rf $(VENV) build dist .bench .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find tokenaudit tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'error: $(PYTHON) is older than Python 3.11; try make PYTHON=python3.13' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUN): pyproject.toml | $(MADE)
	$(PIP) install --editable .
	@touch $@

$(DEV): pyproject.toml requirements/dev.txt | $(MADE)
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(RUN)

$(BENCH): requirements/bench.txt $(DEV)
	$(PIP) install --require-hashes --requirement requirements/bench.txt
	@touch $@
