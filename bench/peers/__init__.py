"""Compare Rolecall with its peers on the same question: `python -m bench.peers`, described in bench/peers/README.md."""
