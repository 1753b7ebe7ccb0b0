.DEFAULT_GOAL := help
.PHONY: site bundle release help clients kills run test flaky coverage check format types wheel constraints bench bench-router bench-gateway faults clean corpus fuzz fuzz-all fuzz-mcp npm-servers fuzz-imports decoding terminal-long bench-terminal docs licences audit pythons soak screenshots

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: ## Set everything up and open the chat
	@sh scripts/run.sh

test: ## Set everything up and run all tests; narrow it with ARGS="tests/core -k money"
	@sh scripts/test.sh $(ARGS)

flaky: ## The changed tests N=5 times in random order beside a load; others with ARGS="tests/store"
	@sh scripts/flaky.sh $(or $(N),5) $(ARGS)

coverage: ## What the tests run of the code, as a table and in build/coverage; narrow it with ARGS=
	@sh scripts/coverage.sh $(ARGS)

check: ## Format, lint, types and import contracts, without changing anything
	@sh scripts/check.sh

format: ## Format and mend what can be mended
	@sh scripts/setup.sh test
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

types: ## Types alone
	@sh scripts/setup.sh test
	@.venv/bin/mypy

wheel: ## Build the wheels and the sdist and use them in empty environments, on Python 3.11 to 3.14 as far as they are here
	@sh scripts/wheel.sh

bench: ## Start-up beside a bare Textual app, and import time by module
	@sh scripts/setup.sh test
	@.venv/bin/python benchmarks/startup.py

corpus: ## Decode all recorded provider traffic and print the score against the official SDKs
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.protocols.score --bytes

fuzz: ## Ten minutes of broken provider answers; other times with MINUTES=1
	@sh scripts/setup.sh test
	@nice -n 19 .venv/bin/python -m tests.protocols.fuzz --minutes $(or $(MINUTES),10)

fuzz-input: ## A million random sequences into the parser of the terminal's input; other numbers with COUNT=20000
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.tui.terminal.fuzz_input $(or $(COUNT),1000000)

fuzz-mcp: ## A hundred thousand conversations with broken MCP servers; other numbers with COUNT=1000
	@sh scripts/setup.sh test
	@nice -n 19 .venv/bin/python -m tests.protocols.mcp.fuzz_mcp --cases $(or $(COUNT),100000)

npm-servers: ## Fetch the MCP servers from npm that tests speak with, once
	@sh scripts/npm_servers.sh

fuzz-all: ## Sixteen minutes of broken bytes for every parser of what comes from outside; others with MINUTES=, some with ARGS="mcp settings"
	@sh scripts/setup.sh test
	@nice -n 19 .venv/bin/python -m tests.fuzzing --minutes $(or $(MINUTES),16) $(ARGS)

fuzz-imports: ## Ten minutes of broken exports, settings and themes; other times with MINUTES=1
	@sh scripts/setup.sh test
	@nice -n 19 .venv/bin/python -m tests.engine.fuzz_imports --minutes $(or $(MINUTES),10)

decoding: ## What decoding a streamed chunk costs, beside json.loads, httpx-sse with pydantic, and the openai SDK
	@sh scripts/setup.sh test
	@.venv/bin/python benchmarks/decoding.py

faults: ## Break a provider in every way and print what came of it; FULL=1 with the waits as they are in use (some minutes)
	@sh scripts/setup.sh test
	@.venv/bin/python -m tests.router.faults $(if $(FULL),--full)

bench-router: ## What the router costs beside raw httpx; LITELLM=1 installs litellm aside and measures it too
	@sh scripts/setup.sh test
	@sh scripts/bench_router.sh $(if $(LITELLM),--litellm)

bench-gateway: ## What the gateway adds beside the bare provider, and its memory; LITELLM=PATH names a litellm to measure too
	@sh scripts/setup.sh test
	@.venv/bin/python benchmarks/gateway.py $(if $(LITELLM),--litellm $(LITELLM))

clients: ## Official clients from npm and PyPI against the gateway, over providers of all five protocols, as a table; FOLDER= keeps them, DOCUMENT= is openapi.json, SUITE= a checkout of openresponses
	@sh scripts/setup.sh test
	@PYTHONPATH=src .venv/bin/python scripts/clients/run.py --folder $(or $(FOLDER),.clients) $(if $(DOCUMENT),--document $(DOCUMENT)) $(if $(SUITE),--suite $(SUITE)) $(ARGS)

terminal-long: ## The terminal's long tests: 300 baud in a real pty, many more random screens and documents
	@sh scripts/setup.sh test
	@ROUTERTERM_LONG=1 .venv/bin/python -m pytest -q tests/tui/terminal tests/tui/transcript tests/walks

bench-terminal: ## What a streamed answer costs the terminal, beside Textual's own, against the targets (a quarter of an hour)
	@sh scripts/setup.sh test
	@.venv/bin/python benchmarks/terminal.py --check

pythons: wheel ## The same as wheel

docs: ## Write what the code itself knows: docs/settings.md, docs/keys.md, the man page
	@sh scripts/setup.sh test
	@.venv/bin/python scripts/make_docs.py

site: ## Build the documentation site into build/site; a broken link is an error
	@sh scripts/site.sh

bundle: ## Make dist/routerterm.pyz and dist/routerterm_*.deb, for Python 3.11 to 3.14
	@sh scripts/bundle.sh TRY

release: ## Check everything, set VERSION=1.2.3 and the changelog's date, build, look into what was built, and tag it
	@sh scripts/release.sh $(VERSION)

licences: ## Every package of a plain install with its size, its licence and why it is there
	@sh scripts/setup.sh test
	@.venv/bin/python scripts/packages.py

audit: ## Look for known holes in all that is installed (pip-audit; needs the network)
	@sh scripts/audit.sh

soak: ## Chats, a terminal, a gateway and commands on one history: kills, lost networks, full and slow disks, clock jumps; MINUTES=60
	@sh scripts/setup.sh test
	@nice -n 10 .venv/bin/python -m tests.soak --minutes $(or $(MINUTES),3)

screenshots: ## Draw screenshots/ in a real terminal, and a contact sheet of each theme
	@sh scripts/setup.sh test
	@.venv/bin/python scripts/screenshots.py && .venv/bin/python scripts/contact_sheets.py

kills: ## Kill it hundreds of times while it writes, on good disks and bad (as root also on real ones), and cut the power
	@sh scripts/setup.sh test
	@ROUTERTERM_KILLS=300 ROUTERTERM_POWER_CUTS=500 .venv/bin/python -m pytest tests/store/test_kill.py tests/store/test_durability.py -q -s

constraints: ## Write constraints.txt anew
	@sh scripts/constraints.sh

clean: ## Remove what was made here; your history, settings and keys stay
	rm -rf .venv build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
