"""The pages of broadcasts: the list, saved segments, and one page where a broadcast is made, approved and watched."""

from fastapi import APIRouter

from gateway.console.broadcasts import acts, drafting, listing, look, one, segments

router = APIRouter()
for part in (listing, segments, look, drafting, one, acts):  # fixed addresses before those with a key in them
    router.include_router(part.router)
