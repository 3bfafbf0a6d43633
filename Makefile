# `make demo` and `make test` are all a newcomer needs; both make the environment first.
PYTHON ?= python3
BIN := .venv/bin
LOCK := envs/requirements.lock
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-slow bench peers report rulegraph containers env lint clean-demo

env: .venv/ready

# torch comes first and alone: whatever needs it then takes this version as it is.
.venv/ready: $(LOCK)
	@echo "making the environment in .venv (a few minutes, once)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --quiet "$$(grep '^torch==' $(LOCK))"
	@$(BIN)/pip install --quiet --quiet --requirement $(LOCK)
	@touch $@

demo: env
	@$(BIN)/python tests/demo/run_demo.py

report: env
	@$(BIN)/snakemake --report results/report.html --report-stylesheet workflow/report/report.css $(ARGS)

# The picture in README.md; needs Graphviz.
rulegraph: env
	$(BIN)/snakemake --configfile config/demo/config.yaml --forceall --rulegraph | grep -vE '^.0\[|-> 0$$' | tred \
		| dot -Nfontname=sans -Nfontsize=11 -Tsvg > workflow/docs/rulegraph.svg

# What container images with all environments are built from (envs/README.md). Where an image is built there is no
# GPU, and conda takes builds for CUDA only when it is told of one.
containers: $(addprefix workflow/containers/, cpu.Dockerfile gpu.Dockerfile)

workflow/containers/%.Dockerfile: env $(wildcard envs/*.yaml)
	PATH=tests/workflow/conda_stub:$$PATH $(BIN)/snakemake \
		--configfile config/demo/config.yaml workflow/containers/every_environment.yaml \
		--config software='{torch: $*}' --containerize > $@.new
	$(if $(filter gpu,$*),sed -i '1a ENV CONDA_OVERRIDE_CUDA=12.9' $@.new)
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
