"""One entry for all fuzzing: `python -m tests.fuzzing --minutes 10`, or `make fuzz-all`."""
