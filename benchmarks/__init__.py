"""Programs that print figures. None of them is a test: `python -m benchmarks NAME [--json]`."""
