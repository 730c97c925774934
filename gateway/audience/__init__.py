"""Who gets a broadcast: audience rules on what is on file, counted, explained and read in chunks."""
