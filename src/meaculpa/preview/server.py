"""Serves a desk to browsers on this machine, and to nobody else."""

import asyncio
import logging
import mimetypes
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hmac import compare_digest
from pathlib import Path

import uvicorn
from msgspec import Struct
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from meaculpa.preview.desk import Desk, Shown
from meaculpa.preview.letters import PlansFolder
from meaculpa.preview.pages import View, decode, shop_policy, with_banner, with_script

# What goes wrong with a browser is no news for whoever writes; a page that cannot be made is answered with 500.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())

PREFIX = "/__desk"
_LOOPBACK = "127.0.0.1"
# A page elsewhere whose name leads to this machine (DNS rebinding) does not call us by these.
_HOSTS = ["localhost", _LOOPBACK]
_NEIGHBOURS = r"http://(localhost|127\.0\.0\.1)(:\d+)?"
_KEEP_ALIVE_SECONDS = 15.0
_GOODBYE_SECONDS = 2
_LARGEST_REQUEST = 1_000
_MOST_AT_ONCE = 200
# What a browser saves with shop.html: the names that browsers give, and nothing that is only called alike.
_SAVED_WITH = ("_files", ".files")
_FURTHEST = timedelta(days=3_660)
_HTML = "text/html; charset=utf-8"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Service(Struct, frozen=True):
    """What is served: the desk, its own files by name, the plans of letters and the key to them.

    `storefront` is a page of the shop that was saved to disk; nothing of the folder `hidden`, the project, is served
    beside it. `moved` is called when another moment was chosen.
    """

    desk: Desk
    pages: Mapping[str, bytes]
    plans: PlansFolder
    key: str
    storefront: Path | None
    hidden: Path
    moved: Callable[[], None]


# A page that opened the desk from elsewhere gets no hold of it, and shows nothing of it.
_ALONE = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"}


class Served:
    """A desk that is being served, at `url`, until it is stopped."""

    def __init__(self, service: Service, port: int) -> None:
        self._desk = service.desk
        # With its protocol named, asyncio sends small answers at once (TCP_NODELAY): otherwise each costs 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((_LOOPBACK, port))
            # Whoever is told the address may come before the thread is ready: they wait.
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise
        # By its number: a name may lead elsewhere first (::1), to somebody who would then learn the key.
        self.url = f"http://{_LOOPBACK}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(service),
            log_config=None,
            access_log=False,
            lifespan="off",
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
            limit_concurrency=_MOST_AT_ONCE,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let everybody go, and the port."""
        self._desk.close()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def make_app(service: Service) -> Starlette:
    """Make what answers: the site as it stands, and the desk around it."""
    answers = _Answers(service)
    routes = [
        Route(PREFIX, lambda _: RedirectResponse(f"{PREFIX}/")),
        Route(f"{PREFIX}/events", answers.events),
        Route(f"{PREFIX}/clock", answers.clock, methods=["POST"]),
        Route(f"{PREFIX}/letters/{{plan}}/{{number:int}}", answers.letter),
        Route(f"{PREFIX}/shop/{{path:path}}", answers.shop),
        Route(f"{PREFIX}/{{name:path}}", answers.own),
        Route("/{path:path}", answers.published),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS, www_redirect=False),
        # Storefronts under development, on other ports of this machine, may embed the banner.
        Middleware(CORSMiddleware, allow_origin_regex=_NEIGHBOURS, expose_headers=["Date"]),
    ]
    return Starlette(routes=routes, middleware=middleware)


class _Answers:
    """One method an address."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._desk = service.desk

    async def published(self, request: Request) -> Response:
        """A file of the build that is shown, at the address where it would be published."""
        shown = self._desk.shown
        files, view = shown.files, self._view(request, shown)
        name = request.path_params["path"].strip("/")
        file = files.get(name) or files.get(f"{name}/index.html".lstrip("/"))
        status = 200 if file else 404
        file = file or files.get("404.html")
        if file is None:
            waiting = self._service.pages["waiting.html"]
            return self._answer(with_script(waiting.decode(), view).encode(), _HTML, 503)
        is_page = file.content_type.startswith("text/html")
        body = with_script(file.body.decode(), view).encode() if is_page else file.body
        return self._answer(body, file.content_type, status)

    async def own(self, request: Request) -> Response:
        """A file of the desk itself."""
        name = request.path_params["name"] or "desk.html"
        body = self._service.pages.get(name)
        if body is None or name in ("shop.html", "waiting.html"):
            return PlainTextResponse("The desk has no such page.\n", 404)
        kind = _HTML if name.endswith(".html") else (mimetypes.guess_type(name)[0] or "text/plain")
        return self._answer(body, kind, policy=_POLICY, more=_ALONE)

    async def shop(self, request: Request) -> Response:
        """A page of the shop with the banner: the one that was saved, or a pretended one."""
        view, page = self._view(request, self._desk.shown), self._service.storefront
        wanted = request.path_params["path"]
        if wanted:
            found = _saved_with(page, wanted, self._service.hidden) if page else None
            policy = {"Content-Security-Policy": "sandbox"}
            return FileResponse(found, headers=policy) if found else PlainTextResponse("Not saved.\n", 404)
        if page is None:
            html = with_banner(self._service.pages["shop.html"].decode(), view)
            return self._answer(html.encode(), _HTML)
        try:
            html = await run_in_threadpool(_read_storefront, page, view)
        except OSError as error:
            return PlainTextResponse(f"{page} cannot be read: {error.strerror}\n", 404)
        return self._answer(html.encode(errors="replace"), _HTML, policy=shop_policy(view.origin))

    async def letter(self, request: Request) -> Response:
        """One letter of a plan; it holds personal data, so the key must be shown, which no other user can know."""
        if not compare_digest(request.headers.get("x-desk-key", "").encode(), self._service.key.encode()):
            return PlainTextResponse("This needs the address that the terminal shows.\n", 403)
        plan, number = request.path_params["plan"], request.path_params["number"]
        found = await run_in_threadpool(self._service.plans.letter, plan, number)
        if found is None:
            return PlainTextResponse("There is no such letter.\n", 404)
        names = ("recipient", "name", "email", "locale", "subject", "html", "text")
        return JSONResponse({name: found.get(name) for name in names}, headers={"Cache-Control": "no-store"})

    async def clock(self, request: Request) -> Response:
        """Show the site as of another moment, or with null as of now."""
        # A form of some other page cannot send this type, and its script would have to ask first (CORS).
        if request.headers.get("content-type") != "application/json":
            return PlainTextResponse("Say it in JSON.\n", 415)
        try:
            length = int(request.headers.get("content-length", ""))
            wanted = (await request.json())["at"] if length <= _LARGEST_REQUEST else ""
            shift = datetime.fromisoformat(wanted) - datetime.now(UTC) if wanted is not None else timedelta(0)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return PlainTextResponse('Name a moment: {"at": "2026-11-22T09:20:00Z"}, or null for now.\n', 400)
        if abs(shift) > _FURTHEST:
            return PlainTextResponse("That is too far from now: ten years at most.\n", 400)
        self._desk.shift = shift
        self._service.moved()
        return Response(status_code=204)

    async def events(self, _: Request) -> Response:
        """Server-sent events: the state at once, then after each change."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._news(), media_type="text/event-stream", headers=headers)

    async def _news(self) -> AsyncIterator[str]:
        loop, rung, told = asyncio.get_running_loop(), asyncio.Event(), ""

        def wake() -> None:
            loop.call_soon_threadsafe(rung.set)

        self._desk.listen(wake)
        try:
            while not self._desk.closed:
                rung.clear()
                news = self._desk.news
                yield f"data: {news}\n\n" if news != told else ": still here\n\n"
                told = news
                with suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), _KEEP_ALIVE_SECONDS)
        finally:
            self._desk.leave(wake)

    def _view(self, request: Request, shown: Shown) -> View:
        return View(f"{request.url.scheme}://{request.url.netloc}", shown.build, self._desk.shift)

    def _answer(
        self,
        body: bytes,
        kind: str,
        status: int = 200,
        policy: str = "frame-ancestors 'self'",
        more: Mapping[str, str] | None = None,
    ) -> Response:
        headers = {
            "Content-Type": kind,
            "Cache-Control": "no-store",
            "Date": format_datetime(self._desk.now(), usegmt=True),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": policy,
            **(more or {}),
        }
        return Response(body, status, headers)


def _read_storefront(page: Path, view: View) -> str:
    """Read the saved page anew each time: somebody may save it again; raises OSError."""
    if not page.is_file():
        raise FileNotFoundError(2, "it is no file any more")
    return with_banner(decode(page.read_bytes()), view)


def _saved_with(page: Path, wanted: str, hidden: Path) -> Path | None:
    """What a browser saved with a page: it lies in a folder beside it that has its name."""
    asked = (page.parent / wanted).resolve()
    folders = [page.with_name(f"{page.stem}{ending}").resolve() for ending in _SAVED_WITH]
    is_inside = any(asked.is_relative_to(folder) for folder in folders) and not asked.is_relative_to(hidden.resolve())
    return asked if is_inside and asked.is_file() else None
