#!/usr/bin/env bash
# build a virtual environment from a hashed requirements file
# usage: install.sh VENV REQUIREMENTS [--project]
# uv where it is at hand or can be had from the index, pip otherwise
set -euo pipefail
venv=$1 requirements=$2 project=${3:-}
python=${PYTHON:-python3}

"$python" - <<'CHECK' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}\n"
             "  help: make PYTHON=python3.12 ...")
CHECK

rm -rf "$venv"
find_uv() { command -v uv || { [ -x .venv/bin/uv ] && echo "$PWD/.venv/bin/uv"; }; }

if uv=$(find_uv); then
    "$uv" venv --quiet --seed --python "$python" "$venv" 2>/dev/null || "$python" -m venv "$venv"
elif "$python" -m venv "$venv"; then
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r requirements/bootstrap.txt && uv=$PWD/$venv/bin/uv || uv=
else
    echo "error: this Python cannot make virtual environments" >&2
    echo "  help: install its venv package, on Debian: apt-get install python3-venv" >&2
    exit 1
fi

tool=pip
if [ -n "${uv:-}" ]; then tool=uv; fi
count=$(grep -c == "$requirements")
echo "installing $count packages of $requirements into $venv, with $tool: 10 s to 2 min"
if [ -n "${uv:-}" ]; then
    "$uv" pip install --quiet --python "$venv/bin/python" --no-deps --require-hashes \
        --compile-bytecode -r "$requirements"
else
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r "$requirements"
fi
if [ "$project" = --project ]; then
    if [ -n "${uv:-}" ]; then
        "$uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e .
    else
        "$venv/bin/pip" install --quiet --no-deps --no-build-isolation -e .
    fi
fi
touch "$venv/installed"
echo "installed in $SECONDS s: $venv, $(du -sh "$venv" | cut -f 1)"
