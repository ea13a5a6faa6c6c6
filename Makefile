# Rostrum. `make` lists what can be made; `make run` and `make test` need
# nothing beyond Go, Node 20 or newer, and make itself.
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN       := $(CURDIR)/.bin
BUILD     := $(CURDIR)/.build
DASHBOARD := functions/api/dashboard
FUNCTIONS := api generate review publish metrics
STAGE     := scripts/stage

GOLANGCI_VERSION := v2.15.0
SQLC_VERSION     := v1.31.1

# What ships: no cgo, no symbol tables, no paths of this machine.
GO_SHIP := CGO_ENABLED=0 GOOS=linux go build -buildvcs=false -tags lambda.norpc,grpcnotrace -trimpath -ldflags "-s -w"

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-zA-Z0-9\/-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

##@ Use

.PHONY: run
run: need-go need-node dashboard ## Run everything on this machine: http://localhost:8080
	@mkdir -p $(BUILD) && go build -o $(BUILD)/local ./scripts/local
	@exec $(BUILD)/local

.PHONY: demo
demo: need-go ## Run the whole loop headless on a throw-away folder, step by step
	@mkdir -p $(BUILD) && go build -o $(BUILD)/demo ./scripts/demo
	@exec $(BUILD)/demo

##@ Check

.PHONY: test
test: need-go need-node ## Check everything; sets up by itself what it needs
	@start=$$SECONDS; \
	$(STAGE) 'set up' $(MAKE) setup; \
	$(STAGE) 'format and lint' $(MAKE) lint; \
	$(STAGE) 'generated code' $(MAKE) test/generated; \
	$(STAGE) 'dashboard: types, lint, units' $(MAKE) test/dashboard; \
	$(STAGE) 'Go, on real Postgres' $(MAKE) test/race; \
	$(STAGE) 'browser' $(MAKE) e2e; \
	echo "test: ok in $$((SECONDS - start)) s"

# The race detector needs cgo, and cgo a C compiler, which a fresh machine may lack.
.PHONY: test/race
test/race: dashboard ## Go tests with the race detector, on a throw-away Postgres
	@race=-race; \
	if ! command -v "$$(go env CC)" >/dev/null 2>&1; then race=; \
	  echo 'There is no C compiler here, so the Go tests run without the race detector: install gcc to have it.'; fi; \
	go run ./scripts/testdb -- go test $$race -shuffle=on -count=1 -timeout=10m ./...

.PHONY: test/short
test/short: dashboard ## Go tests without the race detector
	@go run ./scripts/testdb -- go test -shuffle=on -timeout=10m ./...

.PHONY: test/dashboard
test/dashboard: $(DASHBOARD)/node_modules/.package-lock.json ## The dashboard's types, lint and unit tests
	@cd $(DASHBOARD) && npm run --silent typecheck && npm run --silent lint && npm run --silent test

.PHONY: test/generated
test/generated: ## Is the committed generated code that of its sources? (by checksum; verify generates)
	@go test -count=1 -run 'TestGenerated' ./scripts/parity

.PHONY: e2e
e2e: dashboard ## The main story in a real browser
	@CHROMIUM="$$(scripts/chromium)" go run ./scripts/e2e

.PHONY: kill
kill: ## Kill the local stack again and again while it sends, and count doubles and losses
	@go run ./scripts/kill

# The fault suite. SEEDS, SEED (the first) and SCENARIO (numbers with commas)
# choose, FLOOD is how many posts scenario 27 has one tenant send in a minute, RACES
# how many race a person in 24; a run that fails prints the command that replays it.
FAULT = mkdir -p $(BUILD) && go build -tags fault -o $(BUILD)/faulttest ./scripts/faulttest && exec $(BUILD)/faulttest

.PHONY: fault
fault: need-go ## Every fault scenario, by seed: kill, freeze, cut, lose, and judge by the network's ledger
	@$(FAULT) -seeds $(or $(SEEDS),5) -seed $(or $(SEED),1) -scenario "$(SCENARIO)" -flood $(or $(FLOOD),10000) -races $(or $(RACES),4000)

.PHONY: fault/short
fault/short: need-go ## One seed of each fault scenario that CI runs
	@$(FAULT) -short -seed $(or $(SEED),1) -scenario "$(SCENARIO)" -flood $(or $(FLOOD),2000)

# A seed means the same story only with the same POSTS and LANES.
SOAK = mkdir -p $(BUILD) && go build -o $(BUILD)/soak ./scripts/soak && exec $(BUILD)/soak

.PHONY: soak
soak: need-go ## 100,000 posts (POSTS) in virtual time under random faults (SEED), held against what the audience saw
	@$(SOAK) -posts $(or $(POSTS),100000) -seed $(or $(SEED),1) -lanes $(or $(LANES),4)

.PHONY: soak/short
soak/short: need-go ## The same with 2,000 posts
	@$(SOAK) -posts 2000 -seed $(or $(SEED),1) -lanes 2

# BENCH chooses (B1,B3); BENCH_JSON=file also writes the table as JSON.
BENCHES := floor,B1,B2,B3,B6,B7,B8,B10
.PHONY: bench
bench: need-go ## Measure beside this machine's floors: bursts, lateness, pipeline, growth, memory, cold start, recovery
	@mkdir -p $(BUILD) && go build -o $(BUILD)/loadtest ./scripts/loadtest
	@exec $(BUILD)/loadtest -bench "$(or $(BENCH),$(BENCHES))"

.PHONY: lint
lint: $(BIN)/.golangci-lint-$(GOLANGCI_VERSION) ## Formatters and linters, without changing anything
	@$(BIN)/golangci-lint fmt --diff ./...
	@$(BIN)/golangci-lint run ./...

.PHONY: fmt
fmt: $(BIN)/.golangci-lint-$(GOLANGCI_VERSION) ## Format Go and TypeScript
	@$(BIN)/golangci-lint fmt ./...
	@cd $(DASHBOARD) && npm run --silent format

.PHONY: verify
verify: ## Generate everything anew and fail if that changes a file
	@$(MAKE) generate
	@changed=$$(git status --porcelain -- shared/store functions/api/openapi.json functions/api/docs.html $(DASHBOARD)/src/api); \
	  [ -z "$$changed" ] || { echo "$$changed"; echo 'Generated files were out of date: commit what make generate has changed.'; exit 1; }

##@ Build

.PHONY: build
build: need-go dashboard $(foreach arch,arm64 x86_64,$(foreach f,$(FUNCTIONS),$(BUILD)/$(arch)/$(f)/bootstrap)) ## The five functions for Lambda, arm64 and x86-64, into .build
	@ls -l $(BUILD)/{arm64,x86_64}/*/bootstrap | awk '{ printf "  %5.1f MB  %s\n", $$5 / 1e6, $$NF }'

GOARCH_arm64  := arm64
GOARCH_x86_64 := amd64

.PHONY: FORCE
$(BUILD)/%/bootstrap: FORCE
	@echo "building $*"
	@GOARCH=$(GOARCH_$(firstword $(subst /, ,$*))) $(GO_SHIP) -o $@ ./functions/$(notdir $*)/lambda

# `sam build` calls these. It does not say for which processor: ARCH=x86_64 for
# functions that are to run in local containers on a PC.
ARCH ?= arm64
SAM_TARGETS := build-ApiFunction build-GenerateFunction build-ReviewFunction build-PublishFunction build-MetricsFunction
.PHONY: $(SAM_TARGETS)
# SAM empties its folder each time: a program kept in ours need not be linked anew.
$(SAM_TARGETS): build-%Function:
	@name=$$(echo $* | tr A-Z a-z); kept=$(BUILD)/$(ARCH)/$$name/bootstrap; \
	GOARCH=$(GOARCH_$(ARCH)) $(GO_SHIP) -o $$kept ./functions/$$name/lambda; cp $$kept $(ARTIFACTS_DIR)/bootstrap

.PHONY: dashboard
dashboard: $(DASHBOARD)/dist/index.html ## Build the dashboard, when its sources have changed

DASHBOARD_SOURCES := $(shell find $(DASHBOARD)/src $(DASHBOARD)/public -type f 2>/dev/null) \
	$(wildcard $(DASHBOARD)/*.json $(DASHBOARD)/*.html $(DASHBOARD)/*.ts $(DASHBOARD)/*.cjs)
$(DASHBOARD)/dist/index.html: $(DASHBOARD_SOURCES) $(DASHBOARD)/node_modules/.package-lock.json
	@echo 'building the dashboard'
	@cd $(DASHBOARD) && VITE_CONFIG_NATIVE_IGNORE_WARNING=true npm run --silent build -- --logLevel warn
	@touch $@

$(DASHBOARD)/node_modules/.package-lock.json: $(DASHBOARD)/package-lock.json
	@$(MAKE) need-node
	@echo "installing the dashboard's packages (0.4 GB, once)"
	@cd $(DASHBOARD) && npm ci --no-audit --no-fund --loglevel error
	@touch $@

.PHONY: generate
generate: $(BIN)/.sqlc-$(SQLC_VERSION) $(DASHBOARD)/node_modules/.package-lock.json ## SQL code, openapi.json and the dashboard's types from their sources
	@cd shared/store && $(BIN)/sqlc generate
	@go test -count=1 -run 'TestOpenAPI' ./functions/api -update
	@cd $(DASHBOARD) && npm run --silent types
	@go test -count=1 -run 'TestGenerated' ./scripts/parity -update

##@ Set up

.PHONY: setup
setup: $(BIN)/.golangci-lint-$(GOLANGCI_VERSION) $(DASHBOARD)/node_modules/.package-lock.json ## Fetch the tools that the checks need
	@scripts/chromium >/dev/null

$(BIN)/.golangci-lint-$(GOLANGCI_VERSION):
	@echo 'building golangci-lint from source, once (some minutes)'
	@GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@touch $@

$(BIN)/.sqlc-$(SQLC_VERSION):
	@echo 'building sqlc from source, once (some minutes; needs a C compiler)'
	@GOBIN=$(BIN) go install github.com/sqlc-dev/sqlc/cmd/sqlc@$(SQLC_VERSION)
	@touch $@

.PHONY: need-go
need-go:
	@command -v go >/dev/null || { echo 'Go is missing: install Go 1.26 or newer from https://go.dev/dl and try again.'; exit 1; }

.PHONY: need-node
need-node:
	@command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' \
	  || { echo 'Node 20 or newer is missing: install it from https://nodejs.org and try again.'; exit 1; }

##@ In containers: SAM and LocalStack

# They take the SAM CLI and a container engine from the PATH, LocalStack's address
# from LOCALSTACK_URL, and this machine's, as containers reach it, from HOST_ADDRESS
# (Docker's own bridge when unset). What SAM prints goes to SAM_LOG, .build/sam.log if unset.
SAMSTACK = mkdir -p $(BUILD) && go build -o $(BUILD)/samstack ./scripts/samstack && exec $(BUILD)/samstack

.PHONY: sam-validate
sam-validate: ## Hold template.yaml to SAM's rules and cfn-lint's
	@command -v sam >/dev/null || { echo 'The SAM CLI is missing: install it, so that sam is on the PATH.'; exit 1; }
	@SAM_CLI_TELEMETRY=0 sam validate --lint --region eu-central-1

.PHONY: sam-build
sam-build: need-go dashboard ## The functions as SAM builds them, with the time it took
	@$(SAMSTACK) build

.PHONY: sam-invoke
sam-invoke: need-go dashboard ## One function in a container with one payload: FN=publish EVENT=publish/one-due.json
	@$(SAMSTACK) invoke "$(FN)" "$(EVENT)"

.PHONY: sam-invoke-all
sam-invoke-all: need-go dashboard ## Every function with each payload of events/, as a table
	@$(SAMSTACK) invoke-all

.PHONY: sam-api
sam-api: need-go dashboard ## The HTTP API under sam local start-api
	@$(SAMSTACK) api

.PHONY: sam-stack
sam-stack: need-go dashboard ## The whole product in containers, on LocalStack
	@$(SAMSTACK) serve

.PHONY: sam-demo
sam-demo: need-go dashboard ## The demo against the product in containers
	@$(SAMSTACK) demo

.PHONY: sqs-conformance
sqs-conformance: need-go ## Hold our queues and SQS_SERVERS="name=http://... ..." to the contract of SQS, as a table
	@mkdir -p $(BUILD)
	@log=$(BUILD)/sqs-conformance.log; code=0; \
	ROSTRUM_SQS_SERVERS="$(SQS_SERVERS)" go test -count=1 -v -timeout=10m -run TestServersKeepTheContract ./shared/queue/sqsqueue >$$log 2>&1 || code=$$?; \
	grep '^ *|' $$log || tail -1 $$log; \
	[ $$code = 0 ] || { grep -A 8 'conformance.go:[0-9]*: [^a]' $$log; echo "The whole log is $$log."; }; \
	exit $$code

##@ Cloud

ACTIONLINT_VERSION := v1.7.12

.PHONY: package
package: build ## The functions as zips for Lambda, with checksums, into .build/release
	@go run ./scripts/bundle $(BUILD) $(BUILD)/release

.PHONY: infra/check
infra/check: need-go ## Terraform: format, validity, plans and tests (TERRAFORM_CHECK names another checker)
	@scripts/infra-check

.PHONY: lint/workflows
lint/workflows: $(BIN)/.actionlint-$(ACTIONLINT_VERSION) ## Check the GitHub workflows
	@$(BIN)/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml

$(BIN)/.actionlint-$(ACTIONLINT_VERSION):
	@echo 'building actionlint, once'
	@GOBIN=$(BIN) go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	@touch $@

##@ Operate

# -- migrations, and suites on real servers --
.PHONY: migrate
migrate: need-go ## Show (DO=plan), apply (DO=apply) or list (DO=status) the schema's migrations of DATABASE_URL; DO=logins makes the functions' logins
	@go run ./scripts/migrate $(or $(DO),plan)

# Of the local stack that runs, or of what DATABASE_URL, AUDIT_KEY (or
# AUDIT_PUBLIC_KEYS) and HEADS name.
.PHONY: audit/verify
audit/verify: need-go ## Check that nobody has changed the audit log: names the first row that is not as it was written
	@mkdir -p $(BUILD) && go build -o $(BUILD)/audit ./scripts/audit && exec $(BUILD)/audit verify $(HEADS)

.PHONY: test/upgrade
test/upgrade: need-go dashboard ## Does an earlier commit's code (REF) run on today's schema, and today's on the oldest that it allows?
	@scripts/upgrade-check $(REF)

.PHONY: test/redis
test/redis: need-go ## The suites of the request limits and of kept reads on a real Redis: ROSTRUM_REDIS_URL, else redis-server is started
	@if [ -n "$${ROSTRUM_REDIS_URL:-}" ]; then exec go test -count=1 ./shared/ratelimit ./shared/cache; fi; \
	command -v redis-server >/dev/null || { echo 'redis-server is missing: install the package redis-server, or set ROSTRUM_REDIS_URL.'; exit 1; }; \
	dir=$$(mktemp -d); trap 'kill $$redis 2>/dev/null; wait; rm -rf $$dir' EXIT; \
	redis-server --port 0 --unixsocket $$dir/redis.sock --save '' --dir $$dir >$$dir/log 2>&1 & redis=$$!; \
	for _ in $$(seq 100); do [ -S $$dir/redis.sock ] && break; sleep 0.1; done; \
	ROSTRUM_REDIS_URL="unix://$$dir/redis.sock?db=0" go test -count=1 ./shared/ratelimit ./shared/cache

.PHONY: test/localstack
test/localstack: need-go ## Secrets, parameters, keys, files and rules against the LocalStack at LOCALSTACK_URL
	@[ -n "$${LOCALSTACK_URL:-}" ] || { echo 'LOCALSTACK_URL is not set: start LocalStack and set it to its address, for example http://127.0.0.1:4566'; exit 1; }
	@go test -count=1 -run 'OutOfAWS|ThatKMSClosed' -v ./shared/secrets ./shared/vault/awskms ./shared/blob | grep -v '^=== '
	@go test -count=1 -tags localstack -v ./scripts/internal/localstack | grep -v '^=== '
# -- end of this block --
