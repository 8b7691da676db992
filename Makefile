# hashmatch: every target does its own set-up. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NATIVE := $(wildcard src_ext/*.pyx src_ext/*.h src_ext/*/*.cpp src_ext/*/*.h)

.DEFAULT_GOAL := help
.PHONY: help tools setup demo test test-heavy sanitize lint docs wheel-smoke clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tools:
	@command -v $(PYTHON) >/dev/null || { echo "hashmatch needs $(PYTHON) 3.11 or newer; install it or set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hashmatch needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version`. Set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module; install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import os, sysconfig; raise SystemExit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' || { echo "$(PYTHON) has no headers; install them (Debian: apt-get install python3-dev)" >&2; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || { echo "hashmatch needs a C++ compiler (Debian: apt-get install g++)" >&2; exit 1; }

$(STAMP): pyproject.toml setup.py $(NATIVE) | tools
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) and building the extension (a minute or two the first time) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

setup: $(STAMP) ## make the environment and build the extension

demo: setup ## the main job on real photographs, with its report
	@$(BIN)/python examples/demo.py demo

test: setup ## the whole test suite
	@$(BIN)/python tests/media/corpus.py
	$(BIN)/pytest

test-heavy: setup ## the suites that take minutes: crash points, hostile corpora, large lists
	@$(BIN)/python tests/media/corpus.py
	@$(BIN)/python tests/scan/corpus.py
	$(BIN)/pytest -m heavy --timeout 3600

SANITIZED := build/sanitize
SANITIZE_TESTS := $(wildcard tests/hashing tests/indexes)
LIBRARY = $(shell $(or $(CXX),c++) -print-file-name=$(1))

# the sources are copied without anything built, and pip always builds and reinstalls a folder
sanitize: tools ## the native code's tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@rm -rf $(SANITIZED)/src && mkdir -p $(SANITIZED)/src
	@cp -R hashmatch cli indexes src_ext pyproject.toml setup.py README.md LICENSE MANIFEST.in $(SANITIZED)/src
	@find $(SANITIZED)/src -name '*.so' -delete
	@test -x $(SANITIZED)/venv/bin/python || $(PYTHON) -m venv $(SANITIZED)/venv
	@echo "Building with sanitizers in $(SANITIZED) ..."
	@HASHMATCH_SANITIZE=1 $(SANITIZED)/venv/bin/python -m pip install -q --disable-pip-version-check '$(SANITIZED)/src[dev]'
	cd $(SANITIZED) && ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		LD_PRELOAD="$(call LIBRARY,libasan.so) $(call LIBRARY,libubsan.so) $(call LIBRARY,libstdc++.so.6)" \
		venv/bin/python -P -m pytest -c ../../pyproject.toml -p no:cacheprovider --timeout 1800 $(addprefix ../../,$(SANITIZE_TESTS))

lint: setup ## ruff and mypy --strict over every file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tests/typecheck.py

docs: setup ## write docs/commands.md from the commands' own help
	$(BIN)/python tests/cli/reference.py

wheel-smoke: setup ## build sdist and wheel, try the wheel in an environment of its own
	@rm -rf dist build/wheel-smoke
	@$(BIN)/python -m build --quiet --outdir dist .
	@$(PYTHON) -m venv build/wheel-smoke/venv
	@build/wheel-smoke/venv/bin/python -m pip install -q --disable-pip-version-check dist/*.whl
	@cp tests/wheel_smoke.py build/wheel-smoke/
	@cd build/wheel-smoke && venv/bin/python -P wheel_smoke.py

clean: ## remove what was built; the environment stays
	rm -rf build dist demo *.egg-info
	find hashmatch indexes cli -name '*.so' -o -name '*.pyd' | xargs rm -f
