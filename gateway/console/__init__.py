"""The web pages of organisers and field staff: rendered here, working as plain forms and links, live where they can."""
