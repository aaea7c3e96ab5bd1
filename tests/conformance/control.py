"""The control of a world: what an interpreter of the fault script can let happen, by an HTTP request that is answered when it is done."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from rolecall_client import ConnectionSettings, RolecallClient, RolecallError, query
from rolecall_client.connection.settings import TlsFiles
from rolecall_client.v1 import role_pb2 as r
from tests.chaos.asking import eventually
from tests.chaos.replicas import Replica, ReplicaError
from tests.conformance.roles import ALICE, GRANTED, OF_FAULTS, REVOKED
from tests.conformance.tls_files import CLIENT
from tests.conformance.world import AGENT, CALL_SECONDS, START_SECONDS, World

Json = dict[str, Any]
_TICKS = os.sysconf("SC_CLK_TCK")


class UnknownRequestError(Exception):
    """There is no such request, or it lacks a value."""


class Control:
    """Makes the faults of one world, one at a time."""

    def __init__(self, world: World) -> None:
        self._world, self._lock = world, threading.Lock()
        self._names: dict[str, str] = {}
        for replica in world.processes.values():
            self._learn(replica)

    def do(self, path: str, body: Mapping[str, str]) -> Json:
        """Do what a request asks; return its answer."""
        action = self._actions.get(path)
        if action is None:
            raise UnknownRequestError(f"there is no `{path}`; one of {', '.join(sorted(self._actions))}")
        with self._lock:
            return action(self, body) or {}

    def _reset(self, _: Mapping[str, str]) -> None:
        """Undo every fault that an earlier scenario has left."""
        for proxy in (self._world.proxy, self._world.upstream):
            proxy.open()
        for replica in self._world.processes.values():
            replica.signal(signal.SIGCONT)
            if not replica.running:
                self._start_replica(replica)
        self._world.tls.set_token("first")
        if self._world.tls.name != CLIENT:
            self._world.tls.rotate(CLIENT)
        for role in OF_FAULTS:
            self._write(role, GRANTED)

    def _restart(self, body: Mapping[str, str]) -> None:
        self._stop(body)
        self._start(body)

    def _stop(self, body: Mapping[str, str]) -> None:
        replica = self._replica(body)
        replica.terminate()
        replica.wait_ended()

    def _start(self, body: Mapping[str, str]) -> None:
        replica = self._replica(body)
        if not replica.running:
            self._start_replica(replica)

    def _start_replica(self, replica: Replica) -> None:
        replica.start()
        replica.wait_ready(START_SECONDS)
        self._learn(replica)

    def _pause(self, body: Mapping[str, str]) -> None:
        self._replica(body).signal(signal.SIGSTOP)

    def _resume(self, body: Mapping[str, str]) -> None:
        self._replica(body).signal(signal.SIGCONT)

    def _revoke(self, body: Mapping[str, str]) -> None:
        self._write(_value(body, "role"), REVOKED)

    def _grant(self, body: Mapping[str, str]) -> None:
        self._write(_value(body, "role"), GRANTED)

    def _write(self, role: str, policy: Json) -> None:
        update = r.UpdateRoleRequest(role=role, assume_role_policy_document=json.dumps(policy))
        with self._world.client() as client:
            client.update_role(update)

    def _rotate(self, body: Mapping[str, str]) -> None:
        self._world.tls.rotate(_value(body, "name"))

    def _token(self, body: Mapping[str, str]) -> None:
        self._world.tls.set_token(_value(body, "name"))

    def _cpu(self, _: Mapping[str, str]) -> Json:
        return {name: _cpu_seconds(one.pid) for name, one in self._world.processes.items() if one.running}

    def _who(self, body: Mapping[str, str]) -> Json:
        """Return the name of the process that made a decision."""
        return {"process": self._names.get(_process_of(_value(body, "decision_id")), "unknown")}

    def _replica(self, body: Mapping[str, str]) -> Replica:
        name = _value(body, "replica")
        if name not in self._world.processes:
            raise UnknownRequestError(f"there is no replica `{name}`; one of {', '.join(self._world.processes)}")
        return self._world.processes[name]

    def _learn(self, replica: Replica) -> None:
        """Remember how the decisions of a process that has just started begin."""
        with self._client_of(replica) as client:
            decision_id = eventually(lambda: _decision_id(client))
        self._names[_process_of(decision_id)] = replica.name

    def _client_of(self, replica: Replica) -> RolecallClient:
        tls = self._world.tls.described()
        files = TlsFiles(ca=Path(tls["ca"]), cert=Path(tls["cert"]), key=Path(tls["key"]), server_name="localhost")
        settings = ConnectionSettings(
            address=replica.address.replace("unix://", "unix:"),
            tls=files if replica.name == "secured" else None,
            timeout=CALL_SECONDS,
        )
        return RolecallClient.connect(settings)

    _actions: ClassVar[Mapping[str, Callable[[Control, Mapping[str, str]], Json | None]]] = {
        "/reset": _reset,
        "/restart": _restart,
        "/stop": _stop,
        "/start": _start,
        "/pause": _pause,
        "/resume": _resume,
        "/cut": lambda self, _: self._world.proxy.cut(),
        "/revoke": _revoke,
        "/grant": _grant,
        "/agent/stop": lambda self, _: self._stop({"replica": AGENT}),
        "/agent/start": lambda self, _: self._start({"replica": AGENT}),
        "/agent/pause": lambda self, _: self._pause({"replica": AGENT}),
        "/agent/resume": lambda self, _: self._resume({"replica": AGENT}),
        "/upstream/stop": lambda self, _: self._world.upstream.refuse(),
        "/upstream/start": lambda self, _: self._world.upstream.open(),
        "/rotate": _rotate,
        "/token": _token,
        "/cpu": _cpu,
        "/who": _who,
    }


class ControlServer:
    """Serves the control of a world over HTTP, on this machine only."""

    def __init__(self, world: World) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(Control(world)))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="control", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the URL of the control."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(control: Control) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            try:
                status, answer = 200, control.do(self.path, json.loads(self.rfile.read(length) or b"{}"))
            except (UnknownRequestError, ValueError) as error:
                status, answer = 400, {"error": str(error)}
            except (RolecallError, ReplicaError, AssertionError) as error:
                status, answer = 500, {"error": str(error)}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler


def _value(body: Mapping[str, str], name: str) -> str:
    if not isinstance(value := body.get(name), str):
        raise UnknownRequestError(f"`{name}` is missing")
    return value


def _decision_id(client: RolecallClient) -> str:
    try:
        return client.check(query(ALICE, "orders")).decision.decision_id
    except RolecallError:
        return ""


def _process_of(decision_id: str) -> str:
    return decision_id.partition("-")[0]


def _cpu_seconds(pid: int) -> float:
    # The name of the command, in parentheses, may itself have spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
