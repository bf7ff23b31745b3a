# All that one does with this project. It needs Python 3.11 or newer, make and git; the rest it sets up itself.
#
#   PYTHON=python3.12 make test          another Python for the environment
#   PIP_ARGS='--index-url ...' make test  more arguments for pip, such as another index
#   SERVE_PORT=9000 make serve           another port; .ci/serve lists more
#   SKIAGRAPH_DATA=/path make test       the data pack, if it does not lie in ../shared/data
.POSIX:
.SUFFIXES:

PYTHON = python3
PIP_ARGS =
BIN = .venv/bin
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt

.PHONY: help demo serve test lint bench docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

demo: .venv/.base ## draw a synthetic study, read it, write the report and hold it against the known truth
	@sh .ci/demo

serve: .venv/.server ## a server with an archive of synthetic studies: prints its address and the link of its first user
	@sh .ci/serve

test: .venv/.dev lint ## lint, then all tests (those that need data or programs that are not here say so and skip)
	@sh .ci/system-packages
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

lint: .venv/.dev ## style, format, floors and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

bench: .venv/.dev ## every number that the docs claim, measured anew on this machine
	@sh .ci/bench

docs: .venv/.dev ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean: ## remove what the other targets made, but for the environment (.venv)
	rm -rf build dist demo serve site .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# The environment, in three sizes: what reading needs, the server on top, and what training and the tests need on top.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Skiagraph needs Python 3.11 or newer; "$(PYTHON)" is missing or older: name another with PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo 'Skiagraph needs the venv module of Python: on Debian, apt-get install python3-venv.' >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.base: .venv/bin/python pyproject.toml constraints.txt
	$(PIP_INSTALL) -e .
	@touch $@

.venv/.server: .venv/bin/python pyproject.toml constraints.txt
	$(PIP_INSTALL) -e '.[server]'
	@touch .venv/.base $@

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	$(PIP_INSTALL) -e '.[train,server,dev]'
	@touch .venv/.base .venv/.server $@
