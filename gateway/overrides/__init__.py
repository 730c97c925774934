"""What organisers change while the gateway runs: words, replies, hours, limits, the carrier's account.

`store` keeps versions of anything; `in_force` says what holds now and is what every process asks; each kind of change
has a module that lists it, checks it by the functions that check the files, and changes it. `gateway/settings.py` stays
the only reader of the environment, and what stands there wins.
"""
