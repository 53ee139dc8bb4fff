#!/bin/sh
# Writes packaging/constraints.txt anew: every package that a clean environment with all extras holds, pinned.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(sh packaging/find-python.sh)" -m venv "$folder/venv"
# PySide6 is held back by hand: from 6.10 on it leaks or kills Python 3.11.
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "PySide6-Essentials==6.9.3" -e ".[test,dev,metrics,ray,slurm,sftp,s3]"
{
    echo "# Exact versions of everything that is installed, direct and indirect; made by 'make constraints'."
    echo "# Accelerator packages are left out: each build of torch pins its own."
    echo "# PySide6 6.9.3 is the newest that is sound on Python 3.11; it does not exist for 3.14."
    # The local part of a version (+cpu) would exclude the same release from other indexes.
    "$folder/venv/bin/python" -m pip freeze --all --exclude-editable --disable-pip-version-check \
        | grep -v -i -E '^(pip|msd-gui|nvidia-.*|cuda-.*|triton)[ =@]' \
        | sed -E -e 's/\+[a-z0-9.]+$//' \
            -e 's/^((PySide6_Essentials|shiboken6)==.*)$/\1; python_version < "3.14"/'
    echo 'PySide6_Essentials==6.12.0; python_version >= "3.14"'
    echo 'shiboken6==6.12.0; python_version >= "3.14"'
} > "$folder/constraints.txt"
mv "$folder/constraints.txt" packaging/constraints.txt
