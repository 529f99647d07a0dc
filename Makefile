.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

PYTHON ?= python3
UV_VERSION := 0.13.9
UV_HOME := .uv/$(UV_VERSION)
UV_BIN := $(UV_HOME)/bin/uv
BIN := .venv/bin
SYNCED := .venv/.synced
FAULTS ?= 70
EVENTS ?= 20000
SEED ?= 1
SPREAD := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The embedded stack fetches its Java with the same uv.
export UV := $(CURDIR)/$(UV_BIN)
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Set in many images; some hundred processes of a test run would each compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test planted years fuzz lint reset coverage lock secrets chaos bench browser screenshots catalogue

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

run: $(SYNCED) ## start everything, play the 2025 cycle, stay up until Ctrl-C
	@exec $(BIN)/python -m deploy.cycle $(ARGS)

test: $(SYNCED) ## every test but those of other targets (make test ARGS="-m unit")
	$(BIN)/python -m pytest -m "not browser and not fuzz and not years and not planted" $(SPREAD) $(ARGS)

lint: $(SYNCED) ## style, types, the laws of the house, Dockerfile and compose
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/docker-compose --env-file .env.example config --quiet
	$(BIN)/python -m pytest -q tests/contract/test_deploy_files.py

chaos: $(SYNCED) ## faults under load: make chaos FAULTS=60 EVENTS=20000 SEED=1
	@exec $(BIN)/python -m tests.chaos --faults $(FAULTS) --events $(EVENTS) --seed $(SEED) $(ARGS)

planted: $(SYNCED) ## what counts for chaos finds each bug that is planted into the kernel
	$(BIN)/python -m pytest -m planted $(ARGS)

years: $(SYNCED) ## whole years in which services are killed and databases put back
	$(BIN)/python -m pytest -m years $(ARGS)

reset: $(SYNCED) ## stop the stack and forget its state
	@exec $(BIN)/python -m deploy.local reset

coverage: $(SYNCED) ## the tests with branch coverage, report in htmlcov/
	$(BIN)/python -m pytest -m "not browser" --cov --cov-report=term --cov-report=html $(ARGS)

bench: $(SYNCED) ## the kernel beside its peers, at most half an hour (make bench ARGS=--quick)
	@exec $(BIN)/python -m bench $(ARGS)

browser: $(SYNCED) ## every page of every role in real Chromium (Debian's package chromium)
	$(BIN)/python -m pytest -m browser $(ARGS)

fuzz: $(SYNCED) ## thousands of made-up requests to each service, by its own OpenAPI
	$(BIN)/python -m pytest -m fuzz -n auto --maxprocesses 4 --dist load $(ARGS)

screenshots: $(SYNCED) ## a picture of every page at two widths, into .screenshots/
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

catalogue: $(SYNCED) ## collect every label of the pages into shared/web/catalogue.pot
	$(BIN)/python -m tests.labels

lock: $(UV_BIN) ## solve the dependencies again into uv.lock
	$(UV_BIN) lock

secrets: ## passwords and keys for docker compose, made once
	@deploy/compose/init-secrets

$(SYNCED): uv.lock pyproject.toml | $(UV_BIN)
	$(UV_BIN) sync --locked --all-extras --compile-bytecode --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

# A Debian without python3-venv has no ensurepip; its pip can still install into a folder.
$(UV_BIN):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "thidua needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is not one." >&2; \
	  echo "Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@rm -rf $(UV_HOME)
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  $(PYTHON) -m venv $(UV_HOME) && $(UV_HOME)/bin/python -m pip install --quiet uv==$(UV_VERSION); \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
	  $(PYTHON) -m pip install --quiet --target $(UV_HOME) uv==$(UV_VERSION); \
	else \
	  echo "'$(PYTHON)' has neither venv nor pip. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi
