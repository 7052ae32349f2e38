"""Whose request is being served, through real servers, with and without tracing."""

import asyncio
import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from wsgiref.simple_server import WSGIRequestHandler, make_server

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("httpx")
import httpx
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider, sampling
from opentelemetry.trace import SpanKind
from sklearn.linear_model import LogisticRegression

from otel_mlsec import capture
from otel_mlsec.capture import server
from otel_mlsec.capture.identity import Asked, Request, principal, pseudonym, serving

X = np.eye(4)
ADDRESS = pseudonym(Asked("address", "127.0.0.1"))


@pytest.fixture
def model(calls):
    return LogisticRegression().fit(X, [0, 1, 0, 1])


class Joins:
    """The hook as the detection processor calls it."""

    def on_start(self, span, parent_context=None):
        server.on_start(span)

    def on_end(self, span): ...
    def _on_ending(self, span): ...
    def shutdown(self): ...
    def force_flush(self, timeout_millis=0):
        return True


def provider(sampler=sampling.ALWAYS_ON):
    made = TracerProvider(sampler=sampler)
    made.add_span_processor(Joins())
    return made


@contextlib.contextmanager
def uvicorn_server(app):
    uvicorn = pytest.importorskip("uvicorn")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        run = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", lifespan="auto"))
        thread = threading.Thread(target=run.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not run.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            run.should_exit = True
            thread.join()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_): ...


@contextlib.contextmanager
def wsgi_server(app):
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


def seen_by(calls, url, paths, headers=None):
    """{path: principal of its one observation}."""
    found = {}
    with httpx.Client(trust_env=False) as client:
        for path in paths:
            calls.clear()
            assert client.get(url + path, headers=headers).status_code == 200, path
            [call] = calls
            found[path] = capture.prediction(call)
    return {path: each.principal for path, each in found.items()}


def fastapi_app(model, tracer):
    fastapi = pytest.importorskip("fastapi")
    app, inner, pool = fastapi.FastAPI(), fastapi.FastAPI(), ThreadPoolExecutor(1)

    @app.get("/sync")
    def sync() -> int:
        return int(model.predict(X[:1])[0])

    @app.get("/async")
    async def in_the_loop() -> int:
        return int(model.predict(X[:1])[0])

    @app.get("/to_thread")
    async def to_thread() -> int:
        return int((await asyncio.to_thread(model.predict, X[:1]))[0])

    @app.get("/executor")
    async def executor() -> int:
        return int((await asyncio.get_running_loop().run_in_executor(pool, model.predict, X[:1]))[0])

    @app.get("/user")
    def user() -> int:
        trace.get_current_span().set_attribute("user.id", "alice")
        with tracer.start_as_current_span("inner"):
            return int(model.predict(X[:1])[0])

    @app.get("/told")
    def told() -> int:
        with principal("bob"):
            return int(model.predict(X[:1])[0])

    @inner.get("/user")
    def inner_user() -> int:
        return user()

    app.mount("/inner", inner)
    return app


def test_fastapi_without_tracing(model, calls):
    with uvicorn_server(fastapi_app(model, trace.get_tracer("none"))) as url:
        seen = seen_by(calls, url, ["/sync", "/async", "/to_thread", "/told", "/user"])

    assert seen == dict.fromkeys(["/sync", "/async", "/to_thread", "/user"], ADDRESS) | {"/told": pseudonym(Asked("app", "bob"))}


@pytest.mark.parametrize("sampled", [True, False])
def test_fastapi_under_its_instrumentation(sampled, model, calls):
    fastapi = pytest.importorskip("opentelemetry.instrumentation.fastapi")
    made = provider(sampling.ALWAYS_ON if sampled else sampling.ALWAYS_OFF)
    app = fastapi_app(model, made.get_tracer("app"))
    fastapi.FastAPIInstrumentor.instrument_app(app, tracer_provider=made)
    threads = pytest.importorskip("opentelemetry.instrumentation.threading").ThreadingInstrumentor()
    threads.instrument()
    try:
        with uvicorn_server(app) as url:
            seen = seen_by(calls, url, ["/sync", "/async", "/to_thread", "/executor", "/user", "/inner/user", "/told"])
    finally:
        threads.uninstrument()

    user = pseudonym(Asked("user", "alice")) if sampled else ADDRESS
    assert seen == {
        "/sync": ADDRESS,
        "/async": ADDRESS,
        "/to_thread": ADDRESS,
        "/executor": ADDRESS if sampled else "",  # only the OpenTelemetry context is there, and unsampled it has no request
        "/user": user,
        "/inner/user": user,
        "/told": pseudonym(Asked("app", "bob")),
    }


def test_a_header_that_is_configured_goes_before_the_address(model, calls):
    with uvicorn_server(fastapi_app(model, trace.get_tracer("none"))) as url:
        seen = seen_by(calls, url, ["/sync"], headers=[("x-user", "mallory"), ("X-User", "carol")])

    assert seen == {"/sync": pseudonym(Asked("header", "carol"))}
    assert capture.prediction(calls[0]).attributes == {"client.address": "127.0.0.1"}


def flask_app(model, tracer):
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)

    @app.get("/sync")
    def sync():
        return str(model.predict(X[:1])[0])

    @app.get("/stream")
    def stream():
        return flask.Response(str(model.predict(X[:1])[0]) for _ in range(1))

    @app.get("/user")
    def user():
        trace.get_current_span().set_attribute("enduser.pseudo.id", "alice")
        with tracer.start_as_current_span("inner"):
            return str(model.predict(X[:1])[0])

    @app.get("/told")
    def told():
        with principal("bob"):
            return str(model.predict(X[:1])[0])

    return app


def test_flask_without_tracing(model, calls):
    with wsgi_server(flask_app(model, trace.get_tracer("none"))) as url:
        seen = seen_by(calls, url, ["/sync", "/stream", "/told"])
        named = seen_by(calls, url, ["/sync"], headers={"X-User": "carol"})

    assert seen == {"/sync": ADDRESS, "/stream": ADDRESS, "/told": pseudonym(Asked("app", "bob"))}
    assert named == {"/sync": pseudonym(Asked("header", "carol"))}


def test_flask_under_its_instrumentation(model, calls):
    flask = pytest.importorskip("opentelemetry.instrumentation.flask")
    made = provider()
    app = flask_app(model, made.get_tracer("app"))
    flask.FlaskInstrumentor().instrument_app(app, tracer_provider=made)

    with wsgi_server(app) as url:
        seen = seen_by(calls, url, ["/sync", "/user", "/stream"])

    assert seen == {"/sync": ADDRESS, "/user": pseudonym(Asked("user", "alice")), "/stream": ADDRESS}


def django_view(model):
    django = pytest.importorskip("django")
    from django.conf import settings  # noqa: PLC0415 - it is to be configured before anything else of it is imported

    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=(), SECRET_KEY="x" * 50, USE_TZ=True)
        django.setup()
    from django.http import HttpResponse  # noqa: PLC0415
    from django.urls import path  # noqa: PLC0415

    settings.ROOT_URLCONF = (path("sync", lambda request: HttpResponse(str(model.predict(X[:1])[0]))),)


@pytest.mark.parametrize(("handler", "serve"), [("asgi", uvicorn_server), ("wsgi", wsgi_server)])
def test_django(handler, serve, model, calls):
    django_view(model)
    core = pytest.importorskip(f"django.core.{handler}")

    with serve(getattr(core, f"get_{handler}_application")()) as url:
        assert seen_by(calls, url, ["/sync"]) == {"/sync": ADDRESS}


def test_after_a_request_nobody_is_served(model, calls):
    testclient = pytest.importorskip("fastapi.testclient")

    with testclient.TestClient(fastapi_app(model, trace.get_tracer("none"))) as client:
        client.get("/sync")

    assert serving.get() is None


def test_an_answer_behaves_as_the_applications_own(calls):
    flask = pytest.importorskip("flask")
    closed = []

    class App(flask.Flask):
        def wsgi_app(self, environ, start_response):
            start_response("200 OK", [])

            class Answer(list):
                def close(self):
                    closed.append(serving.get() is not None)

            return Answer([b"a", b"b"])

    body = App("app")({"REMOTE_ADDR": "10.0.0.1"}, lambda *_: None)

    assert isinstance(body, list)
    assert (len(body), list(body)) == (2, [b"a", b"b"])
    body.close()
    body.close()
    assert closed == [True, False]
    assert serving.get() is None


def test_an_application_that_raises_leaves_nobody_served(calls):
    flask = pytest.importorskip("flask")
    error = LookupError("its own")

    class App(flask.Flask):
        def wsgi_app(self, environ, start_response):
            raise error

    with pytest.raises(LookupError) as caught:
        App("app")({}, lambda *_: None)

    assert caught.value is error
    assert error.__context__ is None
    assert serving.get() is None


def test_wrong_arguments_are_refused_at_the_call_and_not_at_the_await(calls):
    applications = pytest.importorskip("starlette.applications")

    with pytest.raises(TypeError):
        applications.Starlette()()


def test_requests_are_forgotten_with_their_end():
    request = Request(address="10.0.0.1")
    token = serving.set(request)
    with provider().get_tracer("t").start_as_current_span("s", kind=SpanKind.SERVER) as span:
        trace_id = span.get_span_context().trace_id
        assert server.by_trace[trace_id] is request
    serving.reset(token)
    del request

    assert trace_id not in server.by_trace
