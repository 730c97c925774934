"""The web application, made by `create_app(settings)`; nothing runs at import."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from gateway import links, webhooks
from gateway.api.app import ApiMount
from gateway.api.context import context_from
from gateway.carriers.simulated import handset
from gateway.carriers.simulated.network import SimulatedNetwork
from gateway.carriers.simulated.sender import SimulatedCarrier, Taken
from gateway.clock import ticking
from gateway.console.app import attach_console, console_running
from gateway.database import reading
from gateway.http_webhooks import router_for
from gateway.logs import set_up_logs
from gateway.migrate import behind
from gateway.outbox.setup import http_profile
from gateway.outbox.worker import Worker, worker_from
from gateway.overrides.carrier_account import settings_at_start
from gateway.reception import Reception, attach
from gateway.service import Service
from gateway.settings import Settings, load_settings

log = structlog.get_logger()


class Gateway(FastAPI):
    """The application, with inbound texts taken out before its middleware."""

    def __init__(self, sms: webhooks.SmsWebhook, **options: Any) -> None:
        super().__init__(**options)
        self._sms = sms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        texts = scope["type"] == "http" and scope["path"] in webhooks.SMS_PATHS
        await (self._sms(scope, receive, send) if texts else super().__call__(scope, receive, send))


def create_app(
    settings: Settings | None = None, beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
) -> FastAPI:
    """Return the application for these settings, or for those of the environment.

    :param beside: makes what runs as long as the application does
    :raises SettingsError: a setting is bad or missing
    """
    settings = settings_at_start(settings or load_settings())
    set_up_logs(settings)
    service = Service(settings)
    reception = Reception(service)
    network: SimulatedNetwork | None = None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.watch.start()
        await service.start()
        sweeping = asyncio.create_task(reception.keep_sweeping())
        stop = asyncio.Event()
        worker: asyncio.Task[None] | None = None
        if settings.runs_worker:
            sender = _worker(service, network)
            attach(sender, reception)
            worker = asyncio.create_task(sender.run(stop))
        log.info("gateway_started", carrier=settings.first_carrier)
        async with console_running(live), beside():
            with ticking(service.engine, service.watch) if worker else nullcontext():
                yield
        sweeping.cancel()
        stop.set()
        if worker:
            await worker
        if network:
            await network.close()
        await service.collector.stop()
        service.close()
        log.info("gateway_stopped")

    app = Gateway(
        webhooks.SmsWebhook(service), title="Jalsa", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.service = service
    app.include_router(webhooks.router)
    app.include_router(links.router)
    if profile := http_profile(settings):
        app.include_router(router_for(profile, reception, settings.public_base_url))
    app.router.routes.append(ApiMount(context_from(service.engine, lambda: service.settings, lambda: service.notifier)))
    app.add_api_route("/healthz", _healthz, methods=["GET"], include_in_schema=False)
    app.add_api_route("/readyz", _readyz, methods=["GET"], include_in_schema=False)
    app.add_api_route("/metrics", _metrics, methods=["GET"], include_in_schema=False)
    if settings.simulated:
        network = SimulatedNetwork(
            sign=service.signatures.sign,
            base_url=settings.public_base_url,
            account_sid=settings.account_sid,
            short_code=settings.short_code,
            region=settings.default_region,
        )
        app.state.handset = handset.Handset(network, settings.zone, settings.default_region)
        app.include_router(handset.router)
    live = attach_console(app, service)
    return app


def _worker(service: Service, network: SimulatedNetwork | None) -> Worker:
    """Return the worker that sends inside this process; its simulated carrier texts the phones of the handset page."""
    settings, now = service.watch.settings, service.watch.accounts_now
    if network is None:
        return worker_from(settings, service.engine, accounts_now=now)

    async def deliver(taken: Taken) -> None:
        callback = settings.status_callback(taken.text.id)
        await network.deliver(taken.text.number, taken.text.body, status_callback=callback, sid=taken.carrier_id)

    return worker_from(settings, service.engine, {"simulated": SimulatedCarrier(deliver=deliver)}, now)


async def _healthz() -> Response:
    """The process is alive."""
    return Response("ok\n", media_type="text/plain")


async def _readyz(request: Request) -> Response:
    """Texts can be recorded: the database answers and is migrated."""
    service: Service = request.app.state.service

    def problem() -> str | None:
        try:
            with reading(service.engine) as connection:
                return behind(connection)
        except SQLAlchemyError as error:
            return f"The database does not answer ({type(error).__name__})."

    if sentence := await run_in_threadpool(problem):
        return Response(sentence + "\n", 503, media_type="text/plain")
    return Response("ready\n", media_type="text/plain")


async def _metrics(request: Request) -> Response:
    figures = getattr(request.app.state, "figures", REGISTRY)  # of several processes: added up
    return Response(await run_in_threadpool(generate_latest, figures), media_type=CONTENT_TYPE_LATEST)
