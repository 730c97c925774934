"""The handset page: several phones in a browser that text the gateway through its signed webhook."""

from fastapi import APIRouter

router = APIRouter(prefix="/handset", include_in_schema=False)
