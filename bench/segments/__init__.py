"""How long counting and reading an audience takes, at one and at ten million members."""
