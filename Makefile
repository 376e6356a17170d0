# All verbs of the project; `make` without a verb lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# A process gets whole test files, because the tests of some files share servers that start slowly (tests/scheduling.py).
PYTEST := $(BIN)/pytest -q --numprocesses 4 --dist loadfile

# Python's bytecode halves the start of a process, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:  ## List the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

# After a change of setup.cfg or pyproject.toml, the next verb updates the virtual environment.
.venv/ready: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[local,dev]'
	@touch $@

.PHONY: install
install: .venv/ready  ## Make .venv and install everything into it

.PHONY: run
run: .venv/ready  ## Run the whole connector here and send every sample through it (ONCE=1: exit at the end)
	@$(BIN)/connector sandbox run $(if $(ONCE),--once)

.PHONY: lint
lint: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/connector mappings check --strict
	$(BIN)/connector mappings test

.PHONY: check
check: lint  ## Run before each commit: format, lint, types, imports, mappings, fast tests
	$(PYTEST) -m 'not slow'

.PHONY: test
test: lint  ## Run all tests, on real servers, with whole processes started and killed
	$(PYTEST)

.PHONY: format
format: .venv/ready  ## Format the code and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The benchmark's baselines run an older Celery than the connector, because celery-batches needs it.
.local/bench/celery-batches:
	$(BIN)/pip install --quiet --disable-pip-version-check --target $@ celery-batches==0.11

.PHONY: bench
bench: .venv/ready .local/bench/celery-batches  ## Compare the cost of an event with other ways (docs/performance.md; six minutes; FULL=1: a long history)
	$(BIN)/python -m bench

.PHONY: faults
faults: .venv/ready  ## Break one part after another under load, and report the cost (docs/faults.md; an hour)
	$(BIN)/python -m faults

.PHONY: lock
lock: .venv/ready  ## Write requirements.txt, which hosts install, from setup.cfg
	@mkdir -p .local
	$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--no-header --no-annotate --output-file .local/lock.txt setup.cfg
	grep -E '^[a-zA-Z]' .local/lock.txt > requirements.txt
	@rm .local/lock.txt

.PHONY: clean
clean:  ## Remove the virtual environment and the state of local runs
	@test ! -d .local -o ! -x $(BIN)/python || find .local -name postgres.lock | while read -r lock; do \
		$(BIN)/python -c 'import pathlib, sys; from connector.sandbox.servers import EmbeddedPostgres; \
			EmbeddedPostgres(pathlib.Path(sys.argv[1]).parent).remove()' "$$lock"; done
	rm -rf .venv .local
