"""The `jalsa` command's groups, a file for each noun."""
