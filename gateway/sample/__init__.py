"""A sample rally to try the gateway on: places, pick-up points and departures written for this project."""
