"""Generated stubs of the contract `rolecall.v1`."""
