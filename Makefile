VENV := .venv
BIN := $(VENV)/bin
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: run watch test lint bench bpf clean

run: $(VENV)/.installed  ## start with the bundled rules on 127.0.0.1:9765/k8s-audit
	$(BIN)/falcocore run --source k8s_audit

watch: $(VENV)/.installed  ## watch this machine with the bundled rules
	$(SUDO) $(BIN)/falcocore run --source syscall

test: lint  ## lint, types, all tests, and the tests of the bundled rules
	$(BIN)/pytest
	$(BIN)/falcocore test rules/ --fail-under 100

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks

bpf:  ## the kernel program of live capture, from its source
	python3 plugins/syscall/tools/build_program.py

$(VENV)/bin/python:
	python3 -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
