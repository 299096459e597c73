# make setup   .venv with the engine for the CPU and everything the tests need
# make demo    audit the sample items on this machine
# make stream-demo   the same items as a Kafka stream; needs KAFKA_HOME or ASSAY_DEMO_KAFKA
# make test    the whole suite; its Kafka tests are skipped without KAFKA_HOME or ASSAY_TEST_KAFKA; with
#              ASSAY_THOROUGH=true in the environment more processes are killed at more random moments, and an
#              engine is compiled
# make check   lint, types, layering, and the quick tests with their coverage
# make bench-quick   every benchmark, about two minutes each
# make clean   remove what the above made, except .venv

PYTHON ?= python3
TORCH_VERSION ?= 2.13.0
# Where PyTorch itself publishes its CPU builds; asked only if pip's own index has none.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
# Of the quick tests alone; what runs in engines and clusters is reached by the others.
COVERAGE_FLOOR ?= 70

BIN := .venv/bin
STAMP := .venv/.assay-ready

.DEFAULT_GOAL := help
.PHONY: help setup demo stream-demo test check lint bench-quick clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "assay needs Python 3.11 or newer: make PYTHON=python3.12 setup")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet 'torch==$(TORCH_VERSION)+cpu' \
	  || $(BIN)/pip install --quiet 'torch==$(TORCH_VERSION)' --index-url $(TORCH_CPU_INDEX)
	$(BIN)/pip install --quiet -e '.[cpu,test]'
	@# Their builds for other devices can't be loaded beside torch for the CPU, and text models need none of them.
	$(BIN)/python -W ignore -c 'import torchvision' 2>/dev/null \
	  || $(BIN)/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

demo: $(STAMP)
	@$(BIN)/python -m jobs.demo

stream-demo: $(STAMP)
	@$(BIN)/python -m jobs.stream_demo

# Bytecode is kept whatever the environment says: the suite starts a thousand processes.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP)
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(BIN)/pytest -m "not vllm and not slow" --cov --cov-fail-under=$(COVERAGE_FLOOR)

bench-quick: $(STAMP)
	for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script --quick || exit 1; done

clean:
	rm -rf out .models build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
