"""The same server with no work: every text is answered 204, unread."""

from fastapi import FastAPI, Response

from bench.inbound.texts import PATH


def create_app() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response("ok\n")

    @app.post(PATH)
    async def sms() -> Response:
        return Response(status_code=204)

    return app
