# Two commands do it all: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := benchmarks/peers/node_modules/.package-lock.json
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What hundreds of processes import, in the tests, is compiled once.
export PYTHONDONTWRITEBYTECODE :=
INSTALL := $(BIN)/python -m pip install --quiet

.PHONY: help run test mutants torture bench audit lock clean

help:  ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(VENV)/installed  ## Install what is needed and serve in development mode
	@exec $(BIN)/apogee-idp serve --dev

test: $(VENV)/installed-dev  ## Lint, types, import contracts and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto

mutants: $(VENV)/installed-dev  ## Do the tests notice a changed line? A sample of them
	$(BIN)/python -m tests.mutants

torture: $(VENV)/installed-dev  ## The same promises at long sizes, in hours
	$(BIN)/pytest -n auto --torture -o faulthandler_timeout=14400
	$(BIN)/python -m tests.mutants --all --hours 4

bench: $(VENV)/installed-dev $(PEERS)  ## What a grant costs, beside its peers, and overload; needs node and wrk
	$(BIN)/python -m benchmarks.signing
	$(BIN)/python -m benchmarks.clients
	$(BIN)/python -m benchmarks.grants
	$(BIN)/python -m benchmarks.overload

audit: $(VENV)/installed-dev  ## Known vulnerabilities of what is locked; without a network: DATABASE=FILE.zip
	$(BIN)/python scripts/audit $(if $(DATABASE),--database $(DATABASE))

lock: $(VENV)/installed-dev  ## Resolve the lock files anew
	scripts/lock $(BIN)/uv

clean:  ## Remove what was installed or built
	rm -rf $(VENV) build dist mutants *.egg-info

$(VENV)/installed: requirements.lock requirements-build.lock setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements-build.lock
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(PEERS): benchmarks/peers/package-lock.json
	npm ci --prefix benchmarks/peers --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
