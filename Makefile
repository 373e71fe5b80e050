# make run     build and serve with sample traffic       make bench    measure this machine
# make test    everything that a change must pass        make kill9    the crash loop, ROUNDS=200 SEED=1
# make build   an optimised daybook in .build/release    make format   make lint   make deps

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

SWIFT ?= swift
DATA ?= data
ROUNDS ?= 200
SEED ?= 1
BENCH ?= --events 1000000

sources = $(shell find Sources Tests -name '*.swift') Package.swift

.PHONY: run test build format lint deps bench kill9 toolchain

run: build
	.build/release/daybook serve --data $(DATA) --demo

build: toolchain deps
	$(SWIFT) build -c release --product daybook

# Built whole first, so that compiler messages and test results do not mix.
test: toolchain deps
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

bench: build
	.build/release/daybook bench $(BENCH)

# Kills the server at $(ROUNDS) random moments under load; a seed repeats the moments and the load.
kill9: build
	$(SWIFT) build --build-tests
	DAYBOOK_EXECUTABLE=$(CURDIR)/.build/release/daybook DAYBOOK_KILL9_ROUNDS=$(ROUNDS) DAYBOOK_KILL9_SEED=$(SEED) \
	    $(SWIFT) test --skip-build --filter CrashTests

format: toolchain
	$(SWIFT) format format -i --configuration .swift-format $(sources)

# Style by swift-format, then a build in which a warning is an error. Its own folder keeps the usual build's work.
lint: toolchain deps
	$(SWIFT) format lint --strict --configuration .swift-format $(sources)
	mkdir -p .build-lint
	$(SWIFT) build --build-tests --scratch-path .build-lint 2>&1 | tee .build-lint/messages
	! grep -E '^$(CURDIR)/(Sources|Tests)/.*(warning|error):' .build-lint/messages

toolchain:
	@command -v $(SWIFT) > /dev/null || { \
	    echo "There is no '$(SWIFT)' in PATH. Daybook needs Swift 6.2 or newer: https://www.swift.org/install/linux" >&2; exit 1; }

# Debian names of the libraries below. Where all are installed this asks nothing of the network.
packages := libcurl4-openssl-dev libsqlite3-dev zlib1g-dev libdeflate-dev libsimdjson-dev

deps:
	@missing=; \
	for package in $(packages); do \
	    dpkg-query -W -f '$${Status}' $$package 2> /dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	    command -v apt-get > /dev/null || { echo "Install these libraries (Debian names):$$missing" >&2; exit 1; }; \
	    echo "Installing$$missing"; \
	    sudo=; if [ "$$(id -u)" != 0 ]; then sudo=sudo; fi; \
	    $$sudo apt-get update -q; \
	    $$sudo apt-get install -y -q --no-install-recommends $$missing; \
	fi
