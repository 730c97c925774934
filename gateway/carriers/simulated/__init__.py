"""A carrier that is no carrier: phones in a browser, texted over the same signed HTTP as a real one's."""
