# `make demo` and `make test` are all a newcomer needs; both make the environment first.
PYTHON ?= python3
BIN := .venv/bin
LOCK := envs/requirements.lock
# Nothing is installed that a lock has no hash of; the locks list everything, so nothing is resolved.
PIP := pip install --quiet --quiet --require-hashes --no-deps
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo study test test-slow mutants bench peers report docs export-env rulegraph containers env lint lock sbom audit clean-demo

env: .venv/ready $(BIN)/molpath

# The command for users (`molpath init`). It finds the library of the clone that its .venv is in; programs that pip
# writes, such as snakemake, hold the path at which they were installed.
define LAUNCHER
#!/bin/sh
self=$$0
[ -h "$$self" ] && self=$$(readlink -f "$$self")
bin=$$(cd "$$(dirname "$$self")" && pwd)
clone=$$(cd "$$bin/../.." && pwd)
[ -d "$$clone/workflow/scripts/molpath" ] || clone='$(CURDIR)'
if [ ! -d '$(CURDIR)' ]; then
    echo "molpath: this clone was moved here from $(CURDIR): run make env in $$clone, which makes its .venv again" >&2
    exit 1
fi
PYTHONPATH="$$clone/workflow/scripts" exec "$$bin/python" -m molpath.init "$$@"
endef
export LAUNCHER

# Not empty where the clone was moved since: the Python that pip's own program names is no more. (A linked .venv is
# that of another clone.)
MOVED := $(shell test -f .venv/bin/pip -a ! -h .venv \
	&& ! test -x "$$(grep -om1 '/.*/\.venv/bin/python[0-9.]*' .venv/bin/pip)" && echo moved)

.PHONY: moved

$(BIN)/molpath: Makefile | .venv/ready
	@printf '%s\n' "$$LAUNCHER" > $@
	@chmod +x $@

# torch comes first, of the build that pip finds: PyPI's for CUDA, or one for CPUs where pip is set up for it
# (PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu). setuptools comes with it and builds what is no wheel.
.venv/ready: $(LOCK) envs/torch.lock envs/torch-cpu.lock $(MOVED)
	@test -w . || { echo "$(CURDIR) can't be written to: its owner has to run make env here, or clone the repository into a folder of your own" >&2; exit 1; }
	@echo "making the environment in .venv (a few minutes, once)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(if $(MOVED),--clear) .venv
	@$(BIN)/pip install --quiet --quiet --dry-run --no-deps --ignore-installed --report .venv/torch.json \
		"$$(grep -o '^torch==[0-9.]*' envs/torch.lock)"
	@$(BIN)/$(PIP) --requirement envs/torch$$(grep -q '"version": "[0-9.]*+cpu"' .venv/torch.json && echo -cpu).lock
	@$(BIN)/$(PIP) --no-build-isolation --requirement $(LOCK)
	@touch $@

# A study folder of your own: make study DIR=../study ARGS="--features /data/features --labels /data/labels.csv"
study: env
	@$(BIN)/molpath init '$(or $(DIR),$(error say DIR=../study))' $(ARGS)

demo: env
	@$(BIN)/python tests/demo/run_demo.py

report: env
	@$(BIN)/snakemake --report results/report.html --report-stylesheet workflow/report/report.css $(ARGS)

# The documentation site, in site/; it opens from disk and asks no other host for anything. The search field needs a
# server: .venv-docs/bin/mkdocs serve
docs: .venv-docs/ready
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict $(ARGS)

.venv-docs/ready: envs/docs.lock
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/$(PIP) --requirement $<
	@touch $@

# A Python with SpatialData for `snakemake export` without conda: export: {python: .venv-export/bin/python}
export-env: .venv-export/ready

.venv-export/ready: envs/export.lock
	@$(PYTHON) -m venv .venv-export
	@.venv-export/bin/$(PIP) --requirement $<
	@touch $@

# The picture of all rules; needs Graphviz.
rulegraph: env
	$(BIN)/snakemake --configfile config/demo/config.yaml --forceall --rulegraph | grep -vE '^.0\[|-> 0$$' | tred \
		| dot -Nfontname=sans -Nfontsize=11 -Tsvg > workflow/docs/rulegraph.svg

# What container images with all environments are built from (envs/README.md). An image is built without a GPU, and
# conda then needs CONDA_OVERRIDE_CUDA to accept builds for CUDA.
containers: $(addprefix workflow/containers/, cpu.Dockerfile gpu.Dockerfile)

# BASE: the image to begin with, best by digest: make containers BASE=condaforge/miniforge3@sha256:…
BASE ?= condaforge/miniforge3:latest

workflow/containers/%.Dockerfile: env $(wildcard envs/*.yaml)
	PATH=tests/workflow/conda_stub:$$PATH $(BIN)/snakemake \
		--configfile config/demo/config.yaml workflow/containers/every_environment.yaml \
		--config software='{torch: $*}' --containerize > $@.new
	$(if $(filter gpu,$*),sed -i '1a ENV CONDA_OVERRIDE_CUDA=12.9' $@.new)
	sed -i 's|^FROM .*|FROM $(BASE)|' $@.new
	mv $@.new $@

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint --configfile config/demo/config.yaml

test: env lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --no-loadscope-reorder --durations=20 -m "not slow" tests

# Three workers on two cores: clusters, kills and downloads wait more than they compute.
test-slow: env
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --no-loadscope-reorder --durations=20 -m slow tests

# More than 250 faults, one by one: does a test fail on each? (ARGS="--stage common"; tests/mutants)
mutants: env
	$(BIN)/python tests/mutants/run_mutants.py $(ARGS)

# Tools of the next three, apart from what the workflow runs with.
.venv-tools/ready: envs/tools.lock
	@$(PYTHON) -m venv .venv-tools
	@.venv-tools/bin/$(PIP) --requirement $<
	@touch $@

# Rewrites the locks with the hashes of every file: edit versions in them first.
lock: .venv-tools/ready
	.venv-tools/bin/python envs/make_locks.py

# What .venv holds, with licences, in CycloneDX's format.
sbom: env .venv-tools/ready
	.venv-tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file sbom.cdx.json $(BIN)/python

# Versions with known vulnerabilities; asks PyPI (ARGS="--vulnerability-service osv": OSV).
audit: .venv-tools/ready
	cat envs/torch.lock $(LOCK) > .venv-tools/all.lock
	.venv-tools/bin/pip-audit --strict --require-hashes --disable-pip --requirement .venv-tools/all.lock $(ARGS)

# Other tools that benchmarks compare with, in an environment of their own. torch comes first, as above.
peers: .venv-peers/ready

.venv-peers/ready: tests/benchmarks/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --quiet "$$(grep '^torch==' $<)"
	.venv-peers/bin/pip install --quiet --quiet --requirement $<
	@touch $@

bench: env
	$(BIN)/python tests/benchmarks/run_benchmarks.py

clean-demo:
	rm -rf results resources/demo resources/encoders/*.safetensors
