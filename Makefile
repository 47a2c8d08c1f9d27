# make run    the demo station on http://127.0.0.1:8080, on this machine alone
# make setup  only what `loa serve` needs: .venv, and what the pages need
# make test   set-up, lint and the whole suite; says what it skips, and how long it took
# make lint   ruff, mypy, import-linter          make format   let ruff lay the code out
# make pictures   every page in two sizes, to be looked at: build/pictures/index.html (needs Chromium)
# make lock   new locks from pyproject.toml and package.json (needs uv and npm)
# make clean  forget the environment and what was fetched; data/ stays
#
# PYTHON=python3.13 names another Python; PYTEST="-k path -x" goes to pytest.

PYTHON ?= python3
PYTEST ?=
# More than cores: many tests wait for a process or for the time of a broadcast.
WORKERS ?= 4
BIN := .venv/bin

.PHONY: help setup run test check lint format pictures lock clean
.DEFAULT_GOAL := help

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

setup:
	@$(PYTHON) setup/bootstrap.py run

run: setup
	@$(BIN)/loa serve --demo

test:
	@started=$$(date +%s); \
	$(MAKE) --no-print-directory check; result=$$?; \
	echo "make test: $$(( $$(date +%s) - started )) s"; \
	exit $$result

check:
	@$(PYTHON) setup/bootstrap.py test
	@$(BIN)/python setup/test_parts.py
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -n $(WORKERS) --maxschedchunk 1 $(PYTEST)

lint:
	@$(PYTHON) setup/bootstrap.py test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format:
	@$(PYTHON) setup/bootstrap.py test
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

pictures:
	@$(PYTHON) setup/bootstrap.py test
	@$(BIN)/python -m tests.pictures

# Hashes and versions only: whoever installs says by their own settings where from.
UV_LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock:
	$(UV_LOCK) --group node -o requirements/node.lock
	$(UV_LOCK) pyproject.toml --extra station --group build -o requirements/station.lock
	$(UV_LOCK) pyproject.toml --extra station --group build --group test \
		-c requirements/station.lock -o requirements/test.lock
	npm install --package-lock-only
	npm --prefix examples/receiver-node install --package-lock-only
	npm --prefix tests/axe install --package-lock-only

clean:
	rm -rf .venv node_modules examples/receiver-node/node_modules tests/axe/node_modules web/static/vendor loa.egg-info build dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -not -path './data/*' -prune -exec rm -rf {} +
