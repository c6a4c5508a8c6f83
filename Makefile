# `make demo` and `make test` do everything on a fresh machine: own virtual environment, locked install, run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := jppf_jax data configs tests docs setup.py
STAMP := $(VENV)/.installed

.PHONY: help demo test docs lint types format lock clean

help:
	@echo 'make demo      install the locked versions into $(VENV), then generate, train, evaluate and draw'
	@echo 'make test      install the same, then run all tests'
	@echo 'make docs      make a site of the pages, to read without a network: build/docs/index.html'
	@echo 'make lint      check style, format (ruff) and types'
	@echo 'make types     check the types (mypy)'
	@echo 'make format    format the code and repair what ruff can'
	@echo 'make lock      pin the newest versions in constraints.txt'
	@echo 'make clean     delete $(VENV), runs/ and what was built'
	@echo
	@echo 'The first call makes $(VENV); PYTHON=python3.12 there chooses another Python.'
	@echo 'The commands lie in $(BIN): call $(BIN)/jppf, or type `. $(BIN)/activate` once, then jppf.'

demo: $(STAMP)
	$(BIN)/jppf demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# In the same environment: the site shows the help of the commands that are installed there.
docs: $(VENV)/.docs_installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo 'Open build/docs/index.html'

lint: types
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

# Links give data/ and configs/ the names under which they are installed.
types: $(STAMP)
	mkdir -p build/types
	ln -sfn ../../data build/types/jppf_jax_data
	ln -sfn ../../configs build/types/jppf_jax_configs
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

# One environment serves both targets: the demo needs only the core, the test extra costs few seconds more.
$(STAMP): setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $(STAMP)

$(VENV)/.docs_installed: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

# The exact versions that were tested, for Python 3.11 and newer in one file.
lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile setup.py --extra test --extra docs --universal --python-version 3.11 --quiet --no-header -o constraints.txt

clean:
	rm -rf $(VENV) runs build dist *.egg-info
