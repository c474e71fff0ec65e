# Everything runs in its own environments below .venv/ and .cache/.
# VERSION selects another interpreter: make test VERSION=3.11
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
# Keep the stamps of inner layers.
.SECONDARY:
# Some containers set it. The suite starts hundreds of hosts, and each would compile the
# package anew: a third of the processor time.
unexport PYTHONDONTWRITEBYTECODE

# VERSION=PATH for each interpreter found, the default last. The search starts each
# interpreter, so a caller that runs make often can pass the list.
ifndef pythons
pythons := $(shell tools/find_python.sh)
endif
versions := $(foreach found,$(pythons),$(firstword $(subst =, ,$(found))))
python = $(or $(patsubst $(1)=%,%,$(filter $(1)=%,$(pythons))),$(error $(if $(versions),No \
	CPython $(1) with headers and venv found on PATH or in pyenv; install it$(comma) run make \
	versions$(comma) or choose VERSION=$(versions),$(shell tools/find_python.sh --missing))))
comma := ,

VERSION ?= $(or $(lastword $(versions)),3.13)
others := $(filter-out $(VERSION),$(versions))
bin := .venv/$(VERSION)/bin

# Without a C compiler on PATH, zig's is installed from PyPI and serves as cc.
zig_cc := $(CURDIR)/tools/zig/cc
compilers := $(filter-out $(zig_cc),$(if $(filter default,$(origin CC)),,$(CC)) $(shell type -P cc gcc))
ifeq ($(compilers),)
zig := .venv/zig/pip.stamp
export CC := $(zig_cc)
# Debian's own flags for its linker are unknown to zig's.
export LDSHARED := $(zig_cc) -shared
export PATH := $(dir $(zig_cc)):$(PATH)
endif

native := $(wildcard ops_service/heap/_walker/*.[ch] \
	clients/python/ops_client/heap_graph/_native/*.[ch])
sources := $(shell find ops_service clients/python -name '*.py')
tools := -c constraints/tools.txt
newest := $(tools) -c constraints/runtime-newest.txt
oldest := $(tools) -c constraints/runtime-oldest.txt
install = $(1)/bin/pip -qq install --no-build-isolation
# Three at a time, because most of a test is a wait for a process. worksteal keeps
# all workers busy to the end.
pytest := --durations=5 -n 3 --dist worksteal
# For CI alone; the script explains it.
again := tools/pytest_again.sh
# The oldest pytest runs only on CPython 3.11. Without 3.11, tests that need it are skipped.
oldest_pytest := $(if $(filter 3.11,$(versions)),.venv/oldest-pytest/pytest.stamp)
# These have their own targets.
left_out := --ignore tests/analysis --ignore tests/browser --ignore tests/docs --ignore tests/faults --ignore tests/node --ignore tests/ecosystem --ignore tests/frameworks --ignore tests/mesh --ignore tests/how_to
# What grpcio and protobuf could break: calls of every kind, from every client. test-grpcio
# runs the forks, with the oldest release too.
wire := $(patsubst %,tests/integration/test_%.py,authorities authorization bad_requests client client_streams \
	credentials evaluation growth grpcurl host_life port reflection repl_session \
	snapshot_stream store store_downloads thread_room validity)
# What a release of CPython could break: all that reads its structures. The client's own
# native module reads none.
structures := --ignore tests/native/test_dominators.py tests/native $(wildcard \
	tests/unit/test_leaks*.py $(patsubst %,tests/integration/test_%.py,kinds_of_python memory \
	nothing_kept stack_proofs stacks tasks))
# Tests whose results depend on the release of grpcio.
forks := $(wildcard tests/integration/test_fork*.py)
# The parts of test-extra, in the order in which they run.
extra := $(addprefix test-,long others oldest grpcio native node browser analysis ecosystem frameworks mesh how-to) \
	faults fuzz install-test test-bare
benchmarks := $(addprefix benchmarks/,capture.py growth.py analysis.py quota.py runtimes.py stacks.py evaluation.py forks.py)
# The interpreter is not built for AddressSanitizer, so the library is loaded first.
# PYTHONMALLOC lets it see single objects.
# Without the tests of faults and of the child's life: a sanitizer intercepts their signals.
# Without those of copied pages: its shadow of the memory is copied too.
small_heaps := $(patsubst %,tests/native/test_%.py,bounds boxed groups handle probes referrers sites walk)
# Without the test of shares of processor time: it finds nothing here and takes long.
timed := tests/native/test_bounds.py::test_within_a_quota_the_child_and_our_threads_share_a_share
sanitizers := -fsanitize=address,undefined
sanitized = LD_PRELOAD="$$(gcc -print-file-name=libasan.so)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0:log_path=$(CURDIR)/.cache/sanitized/report

# A group begins with five number signs. It is printed if one of its targets has a text.
help: ## Print this list
	@awk -F ':.*## ' '/^##### / {group = "\n" substr($$0, 7) "\n"} \
		/^[a-z0-9-]+:.*## / {printf "%s  %-16s %s\n", group, $$1, $$2; group = ""}' $(MAKEFILE_LIST)
	@echo
	@echo "Interpreters: $(or $(versions),none found) (VERSION=$(VERSION))"

##### What a new user runs

demo: .venv/$(VERSION)/run.stamp ## Start a small host application and inspect it, in half a minute
	$(bin)/python examples/tour.py demo

play: .venv/$(VERSION)/play.stamp ## Keep the demo host running and print lines to paste
	$(bin)/python examples/tour.py play

##### Tests

test: .venv/$(VERSION)/check.stamp .cache/stubs.stamp $(oldest_pytest) ## Run the suite on one interpreter, in some minutes: BUT='--ignore tests/unit'
	$(again) $(bin)/pytest $(pytest) -m "not long" $(left_out) $(BUT)

# With make -k, the parts after a failed part run too.
test-extra: $(extra) ## Run everything that CI tests besides the suite: every part below

test-all: .venv/$(VERSION)/check.stamp $(versions:%=.venv/%/test.stamp) .cache/stubs.stamp $(oldest_pytest) test-oldest ## Run the suite and the long tests on every interpreter, with the oldest and newest grpcio and protobuf
	for version in $(versions); do \
		$(again) .venv/$$version/bin/pytest $(pytest) $(left_out); \
	done

versions: ## Unpack CPythons of Debian into .cache/pythons: 3.14, 3.15, a late 3.13 and its own 3.11
	tools/debian_pythons.sh

nightly: ## Run the long form of every test that has one: hours, on a machine without other work
	for version in $(versions); do $(MAKE) test-long VERSION=$$version; done
	$(MAKE) test-grpcio FORK_CHILDREN=1000
	$(MAKE) faults FORK_CHILDREN=1000 FAULT_ROUNDS=500
	$(MAKE) test-native RANDOM_HEAPS=30
	for version in $(versions); do $(MAKE) captures-500 VERSION=$$version; done
	$(MAKE) fuzz SECONDS=900
	$(MAKE) leakbench
	$(MAKE) bench
	$(MAKE) bench-versions
	$(MAKE) soak MINUTES=30
	$(MAKE) soak-servers MINUTES=30
	$(MAKE) test-aarch64
	$(MAKE) test-bare BUT=

##### The parts of make test-extra

test-long: .venv/$(VERSION)/check.stamp .cache/stubs.stamp $(oldest_pytest) ## Run the suite's long tests, which take many seconds each
	$(again) $(bin)/pytest $(pytest) -m long $(left_out)

test-others: $(others:%=.venv/%/test.stamp) ## Run the tests that depend on the interpreter's structures, on all other interpreters
	for version in $(others); do \
		$(again) .venv/$$version/bin/pytest $(pytest) -m "not long" $(structures); \
	done

test-oldest: .venv/oldest/test.stamp ## Run tests over the wire with the oldest grpcio and protobuf
	$(again) .venv/oldest/bin/pytest $(pytest) tests/unit $(wire)

# The oldest has its own target. The newest release may be newer than the pinned one.
releases := 1.74.0 1.80.0 newest

test-grpcio: $(releases:%=.venv/grpcio-%/test.stamp) .venv/oldest/test.stamp ## Fork the host, with releases of grpcio that treat forks differently: FORK_CHILDREN=60
	for each in $(releases:%=grpcio-%) oldest; do \
		$(again) .venv/$$each/bin/pytest $(pytest) $(forks); \
	done

test-native: .venv/sanitized/test.stamp .venv/$(VERSION)/run.stamp ## Run native tests and hostile files with native code built for sanitizers, and a walk under valgrind: RANDOM_HEAPS=3
	env $(sanitized) RANDOM_HEAPS=$(or $(RANDOM_HEAPS),3) .venv/sanitized/bin/pytest --durations=10 \
		--timeout 900 -n 2 --dist worksteal $(small_heaps) --deselect $(timed)
	env $(sanitized) .venv/sanitized/bin/python tests/fuzz/native.py --seconds 20
	env $(sanitized) .venv/sanitized/bin/python tests/fuzz/reader.py --seconds 20 --sanitized
	rm -rf .cache/valgrind
	mkdir -p .cache/valgrind
	PYTHONMALLOC=malloc valgrind --quiet --child-silent-after-fork=no --log-file=.cache/valgrind/%p.log \
		$(bin)/python tests/native/programs/walk_once.py
	@echo "valgrind: what it found in the process and its children, if anything:"
	@! grep . .cache/valgrind/*.log

test-node: .venv/$(VERSION)/test.stamp tests/node/node_modules/.stamp ## Load converted snapshots with three readers under Node
	$(again) $(bin)/pytest $(pytest) tests/node

test-browser: .venv/$(VERSION)/test.stamp ## Open opsctl's pages in Chromium
	$(again) $(bin)/pytest --durations=5 tests/browser

test-analysis: .venv/$(VERSION)/analysis.stamp ## Query Parquet tables with DuckDB and with Spark (needs Java 17)
	$(again) $(bin)/pytest --durations=5 tests/analysis

test-ecosystem: .venv/$(VERSION)/ecosystem.stamp ## Capture a heap full of third-party C types
	$(again) $(bin)/pytest $(pytest) tests/ecosystem

test-frameworks: .venv/$(VERSION)/frameworks.stamp ## Run each kind of host with its hook: gunicorn, FastAPI, Django, Flask, Celery, uWSGI
	$(again) $(bin)/pytest $(pytest) tests/frameworks

test-mesh: .venv/$(VERSION)/mesh.stamp tests/node/node_modules/.stamp ## Run the recipes of examples/mesh with a real Envoy, and check their manifests by schema
	$(again) $(bin)/pytest $(pytest) tests/mesh

test-how-to: .venv/$(VERSION)/mesh.stamp .venv/$(VERSION)/frameworks.stamp ## Type the tutorial and the pages of docs/how-to and of examples/mesh as they stand
	$(again) $(bin)/pytest $(pytest) -n 0 tests/how_to

faults: .venv/$(VERSION)/mesh.stamp ## Try the catalogue of faults on a real host, and print a table: FAULT_ROUNDS=500 FORK_CHILDREN=100
	FAULT_ROUNDS=$(or $(FAULT_ROUNDS),500) $(again) $(bin)/pytest $(pytest) -n 0 tests/faults

# The same seed and number of calls repeat a run: SEED=7 CALLS=1
fuzz: .venv/$(VERSION)/test.stamp ## Try hostile heap graph files, columns, and calls over mTLS, for SECONDS=60 each: SEED=
	$(bin)/python tests/fuzz/reader.py --seconds $(or $(SECONDS),60) --seed $(or $(SEED),0)
	$(bin)/python tests/fuzz/native.py --seconds $(or $(SECONDS),60) --seed $(or $(SEED),0)
	$(bin)/python tests/fuzz/port.py --seconds $(or $(SECONDS),60) --seed $(or $(SEED),0) --calls $(or $(CALLS),0)

# One interpreter of each minor release: the installed one, else one of make versions.
wheel_versions := $(foreach minor,3.11 3.12 3.13 3.14 3.15,$(firstword \
	$(filter $(minor),$(versions)) $(filter $(minor)-%,$(versions))))

install-test: build .venv/wheels/pip.stamp .venv/3.11/pip.stamp ## Install wheels into new environments, as users would, on a slim image too
	rm -rf .cache/installed
	$(call python,$(VERSION)) -m venv .cache/installed
	.cache/installed/bin/pip -qq install $(newest) "$$(ls dist/*.whl)[cli]"
	cd .cache && installed/bin/opsctl --help >/dev/null && installed/bin/python -c \
		"from ops_service.heap.engine import engine_status as status; print(status()); assert status().available"
	$(call build_wheels,.cache/wheels/dist,3.11,manylinux_2_17_x86_64)
	tools/install_wheel.sh .cache/wheels/dist .venv/wheels/lib/python*/site-packages/pip /usr/bin/python3

# What compiles or builds. BUT= stands for the whole suite.
bare := $(or $(BUT),$(if $(filter undefined,$(origin BUT)),tests/native/test_walk.py \
	tests/native/test_unreached.py tests/packaging tests/unit/test_malloc_provider.py))

test-bare: ## Type make demo and make test in a minimal Debian without a compiler, as another user (needs root, debootstrap): BUT=
	tools/bare_machine.sh $(bare)

##### Soaks and benchmarks

# Each target has its own default here. A make variable has only one default, next to
# whichever target it is set.
soak: .venv/$(VERSION)/test.stamp ## Use and abuse one host for MINUTES=10, and print the losses
	GRPC_VERBOSITY=NONE $(bin)/python tests/soak/run.py --minutes $(or $(MINUTES),10)

soak-servers: .venv/$(VERSION)/frameworks.stamp ## Run gunicorn, uvicorn and Celery under load with the background watch on, for MINUTES=30
	$(bin)/python benchmarks/soak_servers.py --minutes $(or $(MINUTES),30) $(if $(OUT),--out $(OUT))

captures-500: .venv/$(VERSION)/test.stamp ## Capture 500 times while threads allocate from one arena, and 200 times amid CPython's own tests
	OPS_WALKER_CAPTURES=500 $(bin)/pytest $(pytest) -n 0 tests/native/test_life.py \
		-k captures_amid_threads_that_allocate
	OPS_WALKER_CAPTURES=200 $(bin)/pytest $(pytest) -n 0 tests/native/test_cpython_tests.py

bench: .venv/$(VERSION)/bench.stamp ## Measure captures, and compare them with bare forks and other tools
	for each in $(benchmarks); do $(bin)/python $$each; done

bench-short: .venv/$(VERSION)/bench.stamp ## Run the benchmarks on a small heap, to check that they work
	set -e; for each in $(benchmarks); do $(bin)/python $$each --short; done

bench-versions: .venv/$(VERSION)/bench.stamp $(others:%=.venv/%/run.stamp) ## Compare captures between the interpreters: SHORT=--short
	$(bin)/python benchmarks/interpreters.py $(SHORT) $(others:%=.venv/%/bin/python)

leakbench: .venv/$(VERSION)/bench.stamp ## Watch leak scenarios with ground truth: SCENARIOS=DIR OUT=FILE PEERS=1
	$(bin)/python benchmarks/leakbench.py $(if $(SCENARIOS),--scenarios $(SCENARIOS)) \
		$(if $(OUT),--out $(OUT)) $(if $(PEERS),--peers) $(if $(JOBS),--jobs $(JOBS))

leakbench-short: .venv/$(VERSION)/bench.stamp ## Watch a handful of the project's own scenarios
	$(bin)/python benchmarks/leakbench.py --short

##### Checks and generated files

check: .venv/$(VERSION)/check.stamp .cache/stubs.stamp ## Check format, lint, types, contract and architecture
	$(bin)/ruff format --check
	$(bin)/ruff check
	$(bin)/mypy
	$(bin)/buf lint
	$(bin)/buf format --diff --exit-code
	tools/buf_breaking.sh $(bin)/buf
	$(bin)/pytest -q tests/contract

fix: .venv/$(VERSION)/check.stamp ## Format the code, and fix what the linters can fix
	$(bin)/ruff check --fix
	$(bin)/ruff format
	$(bin)/buf format -w

docs: .venv/$(VERSION)/docs.stamp ## Build the documentation site into .cache/docs/html, strictly, and test it
	PYTHONPATH=tools $(bin)/python -m docs_site
	$(bin)/pytest -q tests/docs

proto: .cache/stubs.stamp ## Generate ops_service/v1 from protos/
	.cache/stubs/bin/python tools/generate_stubs.py

##### Packages

wheels: .venv/wheels/pip.stamp $(wheel_versions:%=.venv/%/pip.stamp) ## Build wheels for each CPython, x86_64 and aarch64, glibc and musl, and the source distribution, into dist/
	rm -rf dist
	$(call build_wheels,dist,$(wheel_versions))
	cp .cache/wheels/*.tar.gz dist

build_from_source := .venv/wheels/bin/python tools/build_wheels.py

# Into a folder, with some interpreters, for all targets or the named ones.
define build_wheels
	rm -rf .cache/wheels
	mkdir -p .cache/wheels
	.venv/wheels/bin/python -m build --no-isolation --sdist --outdir .cache/wheels >/dev/null
	tar -xf .cache/wheels/*.tar.gz -C .cache/wheels
	$(build_from_source) $(1) .cache/wheels/ops_service-*/ $(2:%=.venv/%/bin/python) $(3)
endef

test-aarch64: .venv/wheels/pip.stamp .venv/3.11/pip.stamp ## Run the wheel for aarch64 under emulation (needs qemu-user)
	$(call build_wheels,.cache/wheels/dist,3.11,manylinux_2_17_aarch64)
	CFLAGS=-DEXIT_SIGNAL=SIGCHLD $(build_from_source) .cache/wheels/emulated \
		.cache/wheels/ops_service-*/ .venv/3.11/bin/python manylinux_2_17_aarch64
	tools/emulate_wheel.sh .cache/wheels/dist .cache/wheels/emulated .venv/wheels/bin/pip

build: .venv/$(VERSION)/check.stamp ## Build the source distribution and a wheel into dist/
	rm -rf dist
	$(bin)/python -m build --outdir dist

clean: ## Remove environments, caches and builds
	rm -rf .venv .cache .demo build dist *.egg-info tests/node/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find ops_service clients -name '*.so' -delete

.PHONY: help demo play test test-extra $(extra) test-all versions nightly soak captures-500 check docs fix proto bench bench-short bench-versions leakbench leakbench-short soak-servers wheels test-aarch64 build clean

##### Environments: a stamp for each layer, made again when a lower layer changes

define make_venv
	rm -rf $(@D)
	$(call python,$(1)) -m venv $(@D)
	$(@D)/bin/pip -qq install $(tools) pip setuptools
	touch $@
endef

.venv/%/pip.stamp: constraints/tools.txt
	$(call make_venv,$*)

.venv/%/run.stamp: .venv/%/pip.stamp setup.py pyproject.toml constraints/runtime-newest.txt $(native) | $(zig)
	$(call install,$(@D)) $(newest) -e '.[cli]'
	touch $@

.venv/%/play.stamp: .venv/%/run.stamp
	$(call install,$(@D)) $(newest) --group play
	touch $@

.venv/%/test.stamp: .venv/%/run.stamp
	$(call install,$(@D)) $(newest) --group test
	touch $@

.venv/%/check.stamp: .venv/%/test.stamp
	$(call install,$(@D)) $(newest) --group check
	touch $@

.venv/%/docs.stamp: .venv/%/test.stamp constraints/docs.txt
	$(call install,$(@D)) $(newest) -c constraints/docs.txt --group docs
	touch $@

.venv/%/bench.stamp: .venv/%/run.stamp constraints/peers.txt
	$(call install,$(@D)) $(newest) -c constraints/peers.txt --group bench
	touch $@

.venv/%/ecosystem.stamp: .venv/%/test.stamp constraints/ecosystem.txt
	$(call install,$(@D)) $(newest) -c constraints/ecosystem.txt --group ecosystem
	touch $@

.venv/%/frameworks.stamp: .venv/%/test.stamp constraints/frameworks.txt
	$(call install,$(@D)) $(newest) -c constraints/frameworks.txt --group frameworks
	touch $@

.venv/%/mesh.stamp: .venv/%/test.stamp constraints/mesh.txt constraints/frameworks.txt
	$(call install,$(@D)) $(newest) -c constraints/mesh.txt -c constraints/frameworks.txt --group mesh
	touch $@

.venv/%/analysis.stamp: .venv/%/test.stamp constraints/analysis.txt
	$(call install,$(@D)) $(newest) -c constraints/analysis.txt -e '.[analysis]' --group analysis
	touch $@

.venv/grpcio-%/pip.stamp: constraints/tools.txt
	$(call make_venv,$(VERSION))

# Health and reflection follow grpcio, but do not have all of its releases.
.venv/grpcio-%/test.stamp: .venv/grpcio-%/pip.stamp setup.py pyproject.toml $(native) | $(zig)
	$(call install,$(@D)) $(tools) -e '.[cli]' --group test $(if $(filter newest,$*),,grpcio==$* \
		grpcio-health-checking==$* grpcio-reflection==$*)
	touch $@

.venv/oldest/pip.stamp: constraints/tools.txt
	$(call make_venv,3.11)

.venv/oldest/test.stamp: .venv/oldest/pip.stamp setup.py pyproject.toml constraints/runtime-oldest.txt $(native) | $(zig)
	$(call install,$(@D)) $(oldest) -e '.[cli]' --group test
	touch $@

# A host of the marker no_leaks, with only the package and an old pytest.
.venv/oldest-pytest/pip.stamp: constraints/tools.txt
	$(call make_venv,3.11)

.venv/oldest-pytest/pytest.stamp: .venv/oldest-pytest/pip.stamp setup.py pyproject.toml constraints/runtime-newest.txt constraints/pytest-oldest.txt $(native) | $(zig)
	$(call install,$(@D)) -c constraints/runtime-newest.txt -c constraints/pytest-oldest.txt -e '.[pytest]'
	touch $@

# A build of the native modules that differs from that of the other environments, and has
# the same file names. So it is not editable. From a source distribution, so that no object
# file of another build is used.
define install_copy
	rm -rf .cache/$(notdir $(@D))
	$(@D)/bin/pip -qq install $(tools) build
	$(@D)/bin/python -m build --no-isolation --sdist --outdir .cache/$(notdir $(@D)) >/dev/null
	$(@D)/bin/pip -qq uninstall --yes ops-service
	$(1) $(call install,$(@D)) $(newest) "$$(ls .cache/$(notdir $(@D))/*.tar.gz)[cli]"
	touch $@
endef

# Other patch releases of 3.11 and 3.13.
$(patsubst %,.venv/%/run.stamp,$(filter %-debian %-late,$(versions))): .venv/%/run.stamp: \
		.venv/%/pip.stamp setup.py pyproject.toml constraints/runtime-newest.txt $(native) $(sources) | $(zig)
	$(call install_copy)

.venv/zig/pip.stamp: constraints/tools.txt
	$(call make_venv,$(VERSION))
	$(@D)/bin/pip -qq install $(tools) ziglang

.venv/wheels/pip.stamp: constraints/tools.txt
	$(call make_venv,$(VERSION))
	$(@D)/bin/pip -qq install $(tools) auditwheel build ziglang

.venv/sanitized/pip.stamp: constraints/tools.txt
	@type -P gcc >/dev/null || { echo "make test-native needs gcc's AddressSanitizer: apt install gcc libc6-dev" >&2; exit 1; }
	$(call make_venv,$(VERSION))

.venv/sanitized/run.stamp: .venv/sanitized/pip.stamp setup.py pyproject.toml constraints/runtime-newest.txt $(native) $(sources)
	$(call install_copy,CFLAGS="$(sanitizers) -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1")

# grpcio-tools 1.62 has wheels for CPython 3.11 and 3.12. Without either, the committed
# stubs are used as they are, and their test says so.
.cache/stubs.stamp: constraints/stubs.txt
	rm -rf .cache/stubs
	mkdir -p .cache
ifneq ($(filter 3.11 3.12,$(versions)),)
	$(call python,$(firstword $(filter 3.12 3.11,$(versions)))) -m venv .cache/stubs
	.cache/stubs/bin/pip -qq install -c constraints/stubs.txt grpcio-tools protobuf setuptools
endif
	touch $@

tests/node/node_modules/.stamp: tests/node/package.json
	npm install --prefix tests/node --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel error
	touch $@
