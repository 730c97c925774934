"""Every text that we start: put in a row, claimed with the consent test, sent, recorded. See docs/outbox.md."""
