"""SMPP 3.4: the protocol of operators' own SMSCs. Source of every number here: SMPP 3.4, issue 1.2."""
