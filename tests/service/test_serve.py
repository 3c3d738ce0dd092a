"""The service's command: how it starts, what it refuses, what its image holds."""

import re
import socket
import ssl
import subprocess
import sys
from importlib import metadata

import httpx
import pytest
from helpers.scripts import ROOT, refusal, start, succeed
from packaging.requirements import Requirement

from sentiment.base.errors import UserError
from sentiment.service import address, serve

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model


def test_without_a_model_the_command_that_makes_one_is_named(tmp_path):
    (tmp_path / "model.keras").touch()
    for name in ("no.tflite", "model.keras"):
        line = refusal("scripts/serve.py", "--model", tmp_path / name)
        assert f"{name}: no exported model, a .tflite file" in line
        assert "python scripts/export_model.py MODEL.keras" in line


def test_a_wrong_flag_gets_one_line(model, tmp_path):
    (tmp_path / "damaged.tflite").write_bytes(model.read_bytes()[:5000])
    (tmp_path / "key").write_text("short")
    (tmp_path / "picture").write_bytes(bytes(range(256)))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for flags, expected in {
            ("--model", tmp_path / "damaged.tflite"): "damaged.tflite",
            ("--port", port): f"--port {port}: Address already in use",
            ("--port", 99999): "--port 99999: expected a port from 0 to 65535",
            ("--host", "a..b"): "--host a..b --port 8000: no name of a host",
            ("--host", "no.such.host.invalid"): "--host no.such.host.invalid",
            ("--allowed-origins", "example.org"): "expected such as https://example.org",
            ("--allowed-hosts", "https://example.org"): "without scheme and port, such as",
            ("--allowed-hosts", "example.org:443"): "without scheme and port, such as",
            ("--root-path", "photos/"): "--root-path photos/: expected such as /sentiment",
            ("--root-path", "/runtime"): "--root-path /runtime: the service's own address",
            ("--root-path", "/docs"): "--root-path /docs: the service's own address",
            ("--threads", 0): "--threads 0: expected 1 or more",
            ("--max-bytes", 10**9): "--max-bytes 1000000000: expected 1 to 67,108,864",
            ("--max-waiting", 4): "--max-waiting 4: expected 16 or more",
            ("--api-key-file", tmp_path / "key"): "expected a key of 16 or more",
            ("--api-key-file", tmp_path / "picture"): "expected a key of 16 or more",
            ("--api-key-file", tmp_path / "none"): "No such file",
            ("--api-key", "secret"): "--api-key",
        }.items():
            assert expected in refusal("scripts/serve.py", "--model", model, *flags)


def test_an_error_of_the_network_that_is_only_a_text_is_told(monkeypatch):
    def fail(*address: object, **options: object) -> None:
        raise OSError("the resolver is broken")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UserError, match="--host h --port 1: the resolver is broken"):
        serve._listen("h", 1)


def test_help_loads_no_training_library(tmp_path):
    for name in ("tensorflow", "keras", "fastapi"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('loaded for --help')")
    for script in ("scripts/serve.py", "scripts/load_test.py"):
        assert f"python {script}" in succeed(script, "--help", PYTHONPATH=str(tmp_path))


def test_the_load_test_compares_with_decoding_and_inference_alone(model, photos):
    words = ["--photos", photos[0].parent, "--model", model, "--requests", 8, "--rounds", 1]
    said = succeed("scripts/load_test.py", *words, "--steady", 20)
    assert re.search(r"2? ?threads?: [\d.]+ photos/s, CPU [\d.]+ ms a photo", said)
    rows = re.findall(r"^ +(\d+) +[\d.]+ +\d+ %( +[\d.]+){4}$", said, re.MULTILINE)
    assert [clients for clients, _ in rows] == ["1", "4", "32"]
    assert re.search(r"^ +20 +[\d.]+ MB$", said, re.MULTILINE)


def test_listening_to_others_is_said_aloud(serve):
    server = serve("--host", "0.0.0.0")
    assert "WARNING: reachable from other machines, by EVERYONE" in server.log.read_text()
    address = f"http://127.0.0.1:{server.port}/healthz"
    assert httpx.get(address, headers={"Host": "my.example"}).status_code == 200


def test_every_address_of_ipv6_is_every_address_of_ipv4_too(serve):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    server = serve("--host", "::")
    assert server.url == f"http://localhost:{server.port}"
    for host in ("127.0.0.1", "[::1]"):
        assert httpx.get(f"http://{host}:{server.port}/healthz").status_code == 200


@pytest.fixture
def certificate(tmp_path):
    """A certificate for this machine that it has signed itself, and its key."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [*words, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def test_with_a_certificate_it_speaks_https(serve, model, certificate, tmp_path):
    cert, key = certificate
    server = serve("--tls-cert", cert, "--tls-key", key, "--host", "0.0.0.0")
    assert server.url == f"https://127.0.0.1:{server.port}"
    trusted = ssl.create_default_context(cafile=cert)
    assert httpx.get(f"{server.url}/healthz", verify=trusted).status_code == 200
    log = server.log.read_text()
    assert re.search(rf"  https://\S+:{server.port}/ on other machines of this network", log)
    assert "without live camera" not in log
    for flags, expected in {
        ("--tls-key", key): f"--tls-key {key}: expected --tls-cert too",
        ("--tls-cert", cert): "no certificate with its private key",
        ("--tls-cert", key, "--tls-key", cert): "no certificate with its private key",
        ("--tls-cert", tmp_path / "none"): "No such file",
    }.items():
        assert expected in refusal("scripts/serve.py", "--model", model, *flags)


def test_a_phone_is_shown_the_way(caplog, monkeypatch):
    caplog.set_level("INFO", "sentiment")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    serve._show_to_phones("http://192.0.2.7:8000/", "http")
    first, camera, drawn = caplog.messages
    assert "http://192.0.2.7:8000/ on other machines" in first
    assert "needs https: --tls-cert and --tls-key" in camera
    rows = drawn.splitlines()
    assert len({len(re.sub(r"\x1b\[\d*m", "", row)) for row in rows}) == 1
    assert len(rows) > 12
    assert address.url("https", "[::1]", 8000) == address.url("https", "::1", 8000)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert address.outer(listening) == "127.0.0.1"
    with socket.create_server(("0.0.0.0", 0)) as listening:
        assert address.own(listening) == "127.0.0.1"
        assert address.outer(listening) != "0.0.0.0"


IMPORTS = """
import sys
sys.path.insert(0, sys.argv[1])
from sentiment.service import app, connections, security, serve
print(*{name.partition(".")[0] for name in sys.modules})
"""


def requirements(file: str) -> dict[str, str]:
    """Names and version pins of a file of requirements."""
    lines = (ROOT / file).read_text().splitlines()
    lines = [line for line in lines if line and line[0] != "#"]
    return {line.partition("==")[0]: line.partition(";")[0].strip() for line in lines}


def test_the_service_imports_only_what_its_image_installs():
    wanted = list(requirements("scripts/serve_requirements.txt"))
    assert set(wanted) <= set(requirements("requirements.txt"))
    installed = {"pi-heif"}  # which reads HEIC photos where it is there, and need not be
    while wanted:
        name = wanted.pop().lower().replace("_", "-")
        if name not in installed:
            installed.add(name)
            required = map(Requirement, metadata.requires(name) or [])
            wanted += [r.name for r in required if not r.marker or r.marker.evaluate({"extra": ""})]
    done = start(sys.executable, "-S", "-c", IMPORTS, ROOT / "src", PYTHONPATH=":".join(sys.path))
    assert done.returncode == 0, done.stderr
    packages = metadata.packages_distributions()
    for module in done.stdout.split():
        names = {name.lower().replace("_", "-") for name in packages.get(module, [])}
        assert not names or names & installed, f"{module} is of {names}"


def test_what_the_dockerfile_copies_is_there():
    text = (ROOT / "scripts" / "Dockerfile").read_text()
    copied = [line.split()[1:-1] for line in text.splitlines() if re.match("COPY (?!--from)", line)]
    assert copied
    default = re.search("ARG MODEL=(.*)", text)[1]
    for source in (source for sources in copied for source in sources):
        assert (ROOT / source.replace("${MODEL}", default)).exists(), source
