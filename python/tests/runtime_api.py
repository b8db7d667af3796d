"""A function as Lambda runs it: by Lambda's own client, under a Runtime API, to a deadline."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ARN = "arn:aws:lambda:us-east-2:123456789012:function:tested"


@dataclass
class Answer:
    """What a function answered: a response, or an error's name and message."""

    response: Any = None
    error_type: str | None = None
    error_message: str | None = None
    #: It had not answered at its deadline, and was killed.
    timed_out: bool = False


class _RuntimeApi(ThreadingHTTPServer):
    """Gives out invocations, and keeps what comes back."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.invocations: queue.Queue[tuple[str, int, bytes]] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Answer]] = queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is killed breaks off its connection."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _RuntimeApi

    def do_GET(self) -> None:
        assert self.path == "/2018-06-01/runtime/invocation/next", self.path
        request_id, deadline, event = self.server.invocations.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1",
        }
        self.respond(200, event, headers)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        *_, request_id, kind = self.path.split("/")
        answer = Answer(response=body)
        if kind == "error":
            answer = Answer(error_type=body["errorType"], error_message=body["errorMessage"])
        self.server.answers.put((request_id, answer))
        self.respond(202, b'{"status":"OK"}', {})

    def respond(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """In one piece: a body that comes after its headers costs 40 ms (Nagle)."""
        lines = [f"HTTP/1.1 {status} OK", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)

    def log_message(self, *arguments: object) -> None:
        pass


class Function:
    """A function, by its module and name: a process that is started when one is needed."""

    def __init__(self, handler: str, folder: Path = HERE / "functions", **environment: str) -> None:
        self.handler = handler
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)]),
            "LAMBDA_TASK_ROOT": str(folder),
            "AWS_LAMBDA_FUNCTION_NAME": "tested",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/tested",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            **environment,
        }
        self.folder = tempfile.TemporaryDirectory()
        self.log = Path(self.folder.name, "log")
        self.process: subprocess.Popen[bytes] | None = None
        self.count = 0

    def __enter__(self) -> Function:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.kill()
        self.folder.cleanup()

    def invoke(self, event: Any, time_out: float = 30.0) -> Answer:
        """The answer; a function that gives none in time is killed, as Lambda does."""
        if self.process is None:
            self.start()
        self.count += 1
        request_id = f"00000000-0000-4000-8000-{self.count:012}"
        deadline = time.time() + time_out
        body = json.dumps(event).encode()
        self.api.invocations.put((request_id, int(deadline * 1000), body))
        while True:
            try:
                of, answer = self.api.answers.get(timeout=max(0.0, deadline - time.time()))
            except queue.Empty:
                self.kill()
                return Answer(timed_out=True)
            if of in (request_id, "init"):
                return answer

    def start(self) -> None:
        self.api = _RuntimeApi()
        host, port = self.api.server_address[:2]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", self.handler],
                env={**self.environment, "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.api.shutdown()
            self.api.server_close()

    def printed(self) -> list[str]:
        """The lines of its log."""
        return self.log.read_text(encoding="utf-8").splitlines()
