#!/bin/sh
# Prints the first Python that can run the program, or says on stderr what is missing.
# The tested versions come before newer ones; PYTHON=... overrides the choice.
set -u
for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
    if "$name" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        command -v "$name"
        exit 0
    fi
done
echo "No Python 3.11 or newer with venv was found${PYTHON:+ under the name $PYTHON}." \
    "Install one (on Debian and Ubuntu: apt-get install python3 python3-venv)" \
    "or name it: make run PYTHON=/path/to/python3.12" >&2
exit 1
