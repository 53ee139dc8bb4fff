# make run: set the program up and start it.   make test: set the tests up and run the whole check.

VENV ?= .venv
TORCH_INDEX ?=
export PYTHON

# Each test uses one thread; a process that has no tests left takes over some of another's.
# Three on two cores: some wait for windows and for processes of their own.
IN_PARALLEL ?= -n 3 --dist worksteal

BIN := $(VENV)/bin
CONSTRAINTS := packaging/constraints.txt
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
RUN_STAMP := $(VENV)/.installed-run
TEST_STAMP := $(VENV)/.installed-test

.PHONY: run test test-device check format constraints models judges example clean help

help:
	@echo "make run          set the program up in $(VENV) and start it"
	@echo "make test         the same with the test tools, then the whole check"
	@echo "make test-device  the engine's tests on the accelerator that is there, or that MSD_DEVICE names"
	@echo "make check        the whole check without pytest"
	@echo "make format       put the sources into the agreed form"
	@echo "make constraints  pin the newest versions that the ranges of pyproject.toml allow"
	@echo "make models       train the pretrained models anew, from real data (about an hour)"
	@echo "make judges       train anew the classifiers that judge samples of grey images (some minutes)"
	@echo "make example      train and measure anew the example comparison (about ten minutes)"
	@echo "make clean        remove $(VENV) and what the tools left"
	@echo "PYTHON=...        the interpreter to use;  TORCH_INDEX=URL  where else to look for torch"

run: $(RUN_STAMP)
	$(BIN)/msd-gui

# The static checks run beside the tests; what they say comes last. One process compiles what all tests import,
# and keeps it, also where the user's own Python keeps nothing.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(TEST_STAMP)
	@$(MAKE) --no-print-directory check > $(VENV)/check.log 2>&1 & check=$$!; \
		trap 'kill $$check 2>/dev/null; exit 130' HUP INT TERM; \
		export QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen}; \
		$(BIN)/python -c "from msd_engine.backend.compiled import PHILOX; PHILOX.wait()"; \
		$(BIN)/python -m pytest --collect-only > /dev/null; \
		$(BIN)/python -m pytest $(IN_PARALLEL); tested=$$?; \
		wait $$check; checked=$$?; cat $(VENV)/check.log; exit $$((tested || checked))

# On the device that MSD_DEVICE names, else the best that is there.
test-device: $(TEST_STAMP)
	MSD_DEVICE=$${MSD_DEVICE:-$$($(BIN)/python -c "from msd_engine.backend.device import choose_device; print(choose_device())")} \
		$(BIN)/python -m pytest tests/engine

check: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(TEST_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	@python=$$(sh packaging/find-python.sh) && echo "Setting up $(VENV) with $$python" && "$$python" -m venv $(VENV)

$(RUN_STAMP): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing the program; the first time takes a few minutes"
	$(PIP_INSTALL) -c $(CONSTRAINTS) -e .
	@touch $@

$(TEST_STAMP): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing the program and its test tools; the first time takes a few minutes"
	$(PIP_INSTALL) --no-compile -c $(CONSTRAINTS) -e ".[test]"
	@touch $@ $(RUN_STAMP)

constraints:
	sh packaging/pin.sh

models: $(RUN_STAMP)
	$(BIN)/python packaging/pretrain.py

judges: $(RUN_STAMP)
	$(BIN)/python packaging/judges.py --retrain

example: $(RUN_STAMP)
	$(BIN)/python packaging/example.py

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
