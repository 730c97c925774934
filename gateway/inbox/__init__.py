"""The inbox: texts that no command took, read and answered by people."""
