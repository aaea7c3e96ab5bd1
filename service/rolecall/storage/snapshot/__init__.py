"""The snapshot file, from which a replica starts while its database is unreachable."""
