"""`/api/v1`: the gateway for other programs, each with a key of its own."""
