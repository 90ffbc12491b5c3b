"""A unary call by the platform's gRPC and by grpc++: CPU of the server a call, in the clear and with certificates on both sides.

The platform's client calls each server in turn, several rounds, 32 callers on one connection and then a lone one, with a message of the size
of a small order that is given back as it came. grpc++ (Debian's) is built here for the purpose, and serves by its callback API.
"""

import pathlib
import shlex
import subprocess

from lib import charts, figures
from lib.environment import CannotMeasure, ensure

HERE = pathlib.Path(__file__).resolve().parent.parent
TARGET = 4.0
CALLERS = (32, 1)


def grpcpp(run):
    """The program that serves by grpc++."""
    ensure("libgrpc++-dev", "protobuf-compiler-grpc", "pkgconf")
    out, program = run.folder / "grpcpp", run.folder / "grpcpp-peer"
    out.mkdir()
    flags = shlex.split(subprocess.run(["pkg-config", "--cflags", "--libs", "grpc++", "protobuf"], capture_output=True, text=True, check=True).stdout)
    proto = HERE / "grpc/proto"
    steps = (["protoc", f"-I{proto}", f"--cpp_out={out}", f"--grpc_out={out}", "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin", str(proto / "bench/echo.proto")],
             ["clang++-19", "-O2", "-std=c++17", "-w", f"-I{out}", str(HERE / "peers/grpcpp/server.cpp"), str(out / "bench/echo.pb.cc"), str(out / "bench/echo.grpc.pb.cc"), "-o", str(program), *flags])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode != 0:
            raise CannotMeasure(f"grpc++'s server could not be built: {done.stderr.strip()[-400:]}")
    return str(program)


def serve(run, *command):
    child = run.start(list(command), stdout=subprocess.PIPE, text=True)
    line = child.stdout.readline().strip()
    if not line.isdigit():
        raise CannotMeasure(f"{command[0]} did not start")
    return child.pid, line


def measure(run):
    ours, client, theirs = run.program("bench/bench_grpc_server"), run.program("bench/bench_grpc_client"), grpcpp(run)
    certificates = run.folder / "certificates"
    certificates.mkdir()
    subprocess.run([ours, "--certificates", str(certificates)], check=True)
    servers = {"platform": serve(run, ours), "platform, mTLS": serve(run, ours, str(certificates)),
               "grpc++": serve(run, theirs), "grpc++, mTLS": serve(run, theirs, str(certificates))}
    found = {callers: by_callers(run, client, servers, certificates, callers) for callers in CALLERS}
    met = all(of["ratio"]["grpc++ to platform"]["median"] >= TARGET for of in found.values())
    print(f"   target: at least {TARGET} × less CPU than grpc++: {'met' if met else 'missed'}")
    return {"seconds": run.seconds(3), "by_callers": found, "target": {"at_least": TARGET, "met": met}}


def by_callers(run, client, servers, certificates, callers):
    microseconds = {name: [] for name in servers}
    for n in range(run.rounds(7) + 1):
        for name, (pid, port) in servers.items():
            before = figures.cpu(pid)
            command = [client, port, str(1 if n == 0 else run.seconds(3)), str(callers), *([str(certificates)] if "mTLS" in name else [])]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise CannotMeasure(f"{name}: {done.stderr.strip()}")
            if n > 0:  # the first warms up
                microseconds[name].append((figures.cpu(pid) - before) / int(done.stdout) * 1e6)
    ratios = {"grpc++ to platform": figures.ratio(microseconds["grpc++"], microseconds["platform"]),
              "grpc++ to platform, mTLS": figures.ratio(microseconds["grpc++, mTLS"], microseconds["platform, mTLS"]),
              "mTLS to plain, platform": figures.ratio(microseconds["platform, mTLS"], microseconds["platform"])}
    figures.table([f"unary call, {callers} caller{'s' if callers > 1 else ''} on one connection", "µs of server CPU a call", "platform = 1"],
                  [[name, figures.shown(figures.summary(us), 1), figures.shown(figures.ratio(us, microseconds["platform"]))] for name, us in microseconds.items()])
    for name, value in ratios.items():
        print(f"   {name}: {figures.shown(value)}")
    return {"cpu_us_per_call": {k: figures.summary(v) for k, v in microseconds.items()}, "ratio": ratios}


def picture(found):
    of = found["by_callers"][CALLERS[0]]["cpu_us_per_call"]
    rows = [(name, figures.ratio(us["rounds"], of["platform"]["rounds"])) for name, us in of.items()]
    return charts.bars("gRPC: server CPU a unary call", f"the platform in the clear is 1; {CALLERS[0]} callers on one connection", rows, " ×", reference=1.0)
