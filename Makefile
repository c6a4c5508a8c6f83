# `make demo` and `make test` do everything on a fresh machine: own virtual environment, locked install, run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := jppf_jax data configs tests setup.py
STAMP := $(VENV)/.installed

.PHONY: demo test lint format lock clean

demo: $(STAMP)
	$(BIN)/jppf demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

format: $(STAMP)
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

# One environment serves both targets: the demo needs only the core, the test extra costs few seconds more.
$(STAMP): setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $(STAMP)

# The exact versions that were tested, for Python 3.11 and newer in one file.
lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile setup.py --extra test --universal --python-version 3.11 --quiet --no-header -o constraints.txt

clean:
	rm -rf $(VENV) runs build dist *.egg-info
