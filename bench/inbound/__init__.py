"""How many texts a second the gateway records, decides and answers: `python -m bench.inbound`."""
