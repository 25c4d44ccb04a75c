# `make` alone lists the targets. All of them run from a fresh clone; see e2e/README.md for what is behind.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test build bench test-faults openapi fmt lint clean-containers

# On a CI machine what was built outlives the clone.
ifeq ($(CI),true)
export CARGO_TARGET_DIR ?= $(HOME)/.cache/mainstay/target
endif

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## see it work: a sample stack, backed up and proven, then the dashboard until Ctrl-C
	@e2e/demo.sh

test: ## everything: format, lints, unit, integration, end to end (STAGES="rust browser" for a part)
	@e2e/test.sh $(STAGES)

build: ## target/release/mainstay with the dashboard inside
	@e2e/build.sh

bench: ## archives beside other tools, the stop by itself, then what a backup costs with the release binary
	@e2e/bench.sh

test-faults: ## everything that can go wrong, on purpose (KILLS=500 SEED=7 ONLY="kill- store-")
	@KILLS="$(KILLS)" SEED="$(SEED)" ONLY="$(ONLY)" LANES="$(LANES)" e2e/faults.sh

openapi: ## regenerate openapi/openapi.json and the dashboard's types out of it
	@e2e/openapi.sh

fmt: ## format everything
	cargo fmt --all
	cd frontend && npm run --silent format

lint: ## the quick checks alone: formats, scripts, front end, clippy
	@e2e/test.sh format scripts frontend clippy

clean-containers: ## remove the containers, networks and volumes of tests and demo, and no others
	@e2e/setup.sh clean all
