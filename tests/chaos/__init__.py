"""Kill workers at every boundary; hold the ledger against the database. `python -m tests.chaos --kills N`."""
