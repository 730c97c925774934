"""Any aggregator that is spoken to over plain HTTP, described by one settings file instead of code."""
