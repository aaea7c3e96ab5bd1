"""The same question put to Rolecall and to its peers: `python -m bench.peers`, told in bench/peers/README.md."""
