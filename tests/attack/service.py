"""A service with a model that is watched, for `otel-mlsec attack --url`.  Arguments: model, reference, file for the port."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

import otel_mlsec

MODEL, REFERENCE, PORT = sys.argv[1:4]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        row = pd.DataFrame([asked["row"]], columns=list(model.feature_names_in_))
        with otel_mlsec.principal(self.headers.get("x-user", "nobody")):
            said = model.predict_proba(row)[0].tolist()
        body = json.dumps({"predictions": [{"probabilities": said}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


model = joblib.load(MODEL)
otel_mlsec.watch(model, name="credit", reference=REFERENCE)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
Path(PORT).write_text(str(server.server_address[1]))
server.serve_forever()
