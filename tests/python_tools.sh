# Sourced with $root set: python_tools puts the pinned Python test tools first in PATH.

# The Python tools are pinned and live in a virtual environment of their own, made once per set of versions.
python_tools() {
    local venv=$root/build/venv stamp
    stamp=$(sha256sum "$root/tests/requirements.txt" | cut -c1-16)
    exec 7>"$root/build/.venv.lock"
    flock 7
    if [ ! -f "$venv/$stamp" ]; then
        echo "Installing the Python test tools (tests/requirements.txt)" >&2
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$root/tests/requirements.txt" >&2
        touch "$venv/$stamp"
    fi
    exec 7>&-
    PATH=$venv/bin:$PATH
}
