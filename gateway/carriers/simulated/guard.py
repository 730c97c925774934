"""The handset can text as anyone, so only its own page on this machine may drive it.

A page of another site that is open in the same browser could post here or, by naming itself with our address (DNS
rebinding), read from here. Both are refused: by the Host that was asked for, and by what browsers say of the page that
asks (Fetch Metadata and the Origin header, https://www.w3.org/TR/fetch-metadata/).
"""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def only_from_here(request: Request) -> None:
    """:raises HTTPException: 403 for a request to another host's name, or sent by another site's page"""
    host = request.headers.get("host", "")
    if _hostname(f"//{host}") not in _HERE:
        raise HTTPException(403, "The handset is for this machine alone: open it at 127.0.0.1.")
    if request.method in ("GET", "HEAD"):
        return
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site != "same-origin" or (origin is not None and _netloc(origin) != host):
        raise HTTPException(403, "The handset takes texts from its own page only.")


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
