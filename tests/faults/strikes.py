"""The faults that a soak draws from: each breaks something for some seconds and mends it again."""

import os
import signal
import subprocess
import time

from gate import TO_CLIENT, TO_SERVER
from test_processes import END_SESSIONS, freeze, tree

from conftest import BINARY, wait_for


def gated(gate_name, do):
    def strike(world, seconds, random):
        gate = getattr(world, gate_name)
        try:
            do(gate, seconds, random)
        finally:
            gate.heal()
    return strike


def again_and_again(act, seconds, every):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        act()
        time.sleep(every)


def held(set_up):
    def do(gate, seconds, _):
        set_up(gate)
        time.sleep(seconds)
    return do


def torn(towards):
    return lambda gate, seconds, random: again_and_again(lambda: gate.cut_after(random.choice([1, 17, random.randint(1, 2_500)]), towards), seconds, 0.25)


# do(gate, seconds, random); the gate is healed by the caller.
NETWORK = {
    "slow": held(lambda g: g.delay(0.02, jitter=0.04)),
    "thin": held(lambda g: g.throttle(60_000)),
    "in crumbs": held(lambda g: g.split(3)),
    "answers vanish": held(lambda g: g.silence(TO_CLIENT)),
    "requests vanish": held(lambda g: g.silence(TO_SERVER)),
    "cut off": held(lambda g: g.partition()),
    "refused": held(lambda g: (g.refuse(), g.reset())),
    "reset": lambda g, seconds, _: again_and_again(g.reset, seconds, 0.3),
    "answers torn": torn(TO_CLIENT),
    "requests torn": torn(TO_SERVER),
}


def stand_still(pids):
    def strike(world, seconds, _):
        freeze(pids(world), seconds)
    return strike


def restart_database(how):
    def strike(world, seconds, _):
        world.server.stop(how)
        time.sleep(min(seconds, 2))
        world.server.start()
    return strike


def kill_backend(world, _, __):
    """PostgreSQL ends all its sessions and recovers."""
    pids = world.server.psql("SELECT pid FROM pg_stat_activity WHERE usename = 'bv_orders'", database="shop").stdout.split()
    if pids:
        os.kill(int(pids[0]), signal.SIGKILL)
    wait_for(lambda: world.server.psql("SELECT 1", check=False).returncode == 0, 60)


def end_sessions(world, seconds, _):
    again_and_again(lambda: world.server.psql(END_SESSIONS, database="shop", check=False), seconds, 0.5)


def kill_provider(world, seconds, _):
    world.provider_process.kill()
    world.provider_process.wait(20)
    time.sleep(min(seconds, 2))
    world.start_provider()


def kill_platform(world, _, __):
    world.platform.kill()
    world.platform.start()


FAULTS = {
    **{f"way to the database: {name}": gated("database", do) for name, do in NETWORK.items()},
    **{f"way to the provider: {name}": gated("provider", do) for name, do in NETWORK.items()},
    "the database stands still": stand_still(lambda w: tree(w.server.process.pid)),
    "the platform stands still": stand_still(lambda w: [w.platform.process.pid]),
    "the provider stands still": stand_still(lambda w: [w.provider_process.pid]),
    "the database restarts": restart_database(signal.SIGINT),
    "the database crashes": restart_database(signal.SIGQUIT),
    "a backend of the database is killed": kill_backend,
    "sessions are ended": end_sessions,
    "the provider is killed": kill_provider,
}
# Its memory begins anew with it: a soak strikes so in its first third only, and measures drift on the process that lives after.
KILL = "the platform is killed"
ALL = {**FAULTS, KILL: kill_platform}


def start_provider(platform, port):
    """The development provider as a process of its own."""
    port_file = platform.folder / "provider-port"
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen([BINARY, "provider", "--data-dir", str(platform.folder), "--platform-url", platform.url, "--port", str(port),
                                "--port-file", str(port_file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for(port_file.exists)
    return process
