"""TwiML, the answer that Twilio reads: at most one message."""

import re
from xml.sax.saxutils import escape, quoteattr

EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
# What XML 1.0 cannot hold, not even escaped (section 2.2).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def message(body: str, status_callback: str) -> str:
    """Return a response that texts `body` back, with receipts to the absolute URL `status_callback`."""
    words = escape(_NOT_XML.sub("\ufffd", body))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        f"<Message statusCallback={quoteattr(status_callback)}>{words}</Message></Response>"
    )
