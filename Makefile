# One target per job. Each makes its own .venv; nothing but Python >= 3.11 and make is needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers

.PHONY: setup demo test lint bench clean

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("roadworthy needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; set PYTHON=") if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all]"
	@touch $@

demo: setup
	$(BIN)/roadworthy run -m demo/efficientnet_lite0 -d demo/photos -s quick --keep -o results/demo
	$(BIN)/roadworthy report results/demo

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(PEERS)
	$(BIN)/python -m bench

$(PEERS): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all,bench]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps imagecorruptions-imaug==1.1.5 torchattacks==3.5.1 pyautoattack==0.2.0 adversarial-robustness-toolbox==1.20.1
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
