# Everything a developer runs; .ci/run runs the same.

PYTHON = python3
# For each fuzz target.
SECONDS = 60
# Of the model test.
SCHEDULES = 100000
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: help test test-python wheels test-wheels test-aarch64 test-x86-levels lint interop fuzz model bench bench-payload bench-python bench-criterion bench-peers examples bench-lambda

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# moto, which stands in for DynamoDB and SQS, has no version for an older Python.
HAS_MOTO = $(shell $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 10))')

test: ## all tests, doctests too; those with DynamoDB and SQS need Python 3.10
ifeq ($(HAS_MOTO),True)
	tools/moto/run --install-only
	cargo test --workspace --all-features --locked
else
	@echo "left out, as moto needs Python 3.10: the tests of kinpack-lambda with DynamoDB and SQS"
	cargo test --workspace --all-features --locked --exclude kinpack-lambda
	cargo test -p kinpack-lambda --all-features --locked --lib --test events --test runtime --test ways
endif
	cargo test -p kinpack-payload --no-default-features --test disabled --locked
	PYTHON=$(PYTHON) tools/test-python

test-python: ## the Python package: pytest, mypy, ruff, pyright; PYTHON=python3.9 for another
	PYTHON=$(PYTHON) tools/test-python

wheels: ## wheels for Linux and a Lambda layer of each into dist/; MACHINES='x86_64 aarch64'
	PYTHON=$(PYTHON) tools/wheels $(MACHINES)

test-wheels: ## those wheels, on each Python at hand and under qemu; MACHINES='x86_64 aarch64'
	PYTHON=$(PYTHON) tools/test-wheels $(MACHINES)

test-aarch64: ## NEON and what is built on it, crossed and under qemu
	tools/test-aarch64

test-x86-levels: ## md5-lanes as processors with SSE2 or AVX2 only run it, under qemu
	tools/test-x86-levels

lint: ## format, clippy, docs, minimum Rust, other people's licences
	tools/check-rust-version
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path examples/Cargo.toml --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	cargo clippy --manifest-path fuzz/Cargo.toml --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --no-deps --locked
	cargo clippy -p kinpack --no-default-features --locked -- -D warnings
	cargo clippy -p kinpack-lambda --locked -- -D warnings
	cargo clippy -p kinpack-payload --no-default-features --all-targets --locked -- -D warnings
	tools/install cargo-deny
	cargo deny --locked check bans licenses sources

interop: ## against other libraries, live; ROUNDS=n SEED=n
	interop/run $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

examples: ## the example Lambda functions: packed as zips, and invoked; MACHINES='x86-64 arm64' PROFILE=ci
	examples/package $(MACHINES)
	examples/invoke $(MACHINES)

fuzz: ## every fuzz target, SECONDS=60 each
	tools/install cargo-fuzz
	$(PYTHON) fuzz/seeds.py
	fuzz/run $(SECONDS)

model: ## the consumer engine on a model of Lambda's trigger; SCHEDULES=100000 SEED=n
	cargo run --release --locked -p lambda-simulator --bin model -- $(SCHEDULES) $(SEED)

bench: ## one table: kinpack against its rivals, ratios first
	cargo run --release --locked -p benches --bin ratios

bench-payload: ## bytes and time of a message, by what is done to make it smaller
	cargo run --release --locked -p benches --bin payload

bench-python: ## the Python package and aws-kinesis-agg in one run: ratios first
	PYTHON=$(PYTHON) python/benches/run

bench-criterion: ## decode and encode by criterion
	cargo bench -p benches --locked

bench-peers: ## kinpack against the readers of other languages, on the same files
	benches/peers/run

bench-lambda: ## what kinpack costs a Lambda function in size, start and time
	benches/lambda/run
