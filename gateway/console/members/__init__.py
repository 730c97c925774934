"""The members' pages: find and read, import, export, erase."""

from fastapi import APIRouter

from gateway.console.members import export_pages, import_pages, pages

router = APIRouter()
# The addresses of words come before those of people.
router.include_router(export_pages.router)
router.include_router(import_pages.router)
router.include_router(pages.router)

__all__ = ["router"]
