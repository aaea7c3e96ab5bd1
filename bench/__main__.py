"""`python -m bench`: see `bench/rpc.py`."""

from bench.rpc import main

main()
