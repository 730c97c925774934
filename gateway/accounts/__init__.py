"""Who may do what: staff logins, roles and areas, sign-in, sessions, and the audit log."""
