#!/usr/bin/env bash
# Installs what `npm run test:clients` runs and npm does not carry: the Azure CLI and the Azure SDK for Python, each in
# a virtual environment of its own below build/clients/, since their dependencies do not go together.
set -euo pipefail
cd "$(dirname "$0")/.."

install() {
  local folder=build/clients/$1 requirements=$2
  local stamp=$folder/installed.txt
  if cmp --silent "$requirements" "$stamp"; then
    echo "$folder is there already"
    return
  fi
  rm -rf "$folder"
  mkdir -p build/clients
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$stamp"
  echo "$folder installed: $(grep --invert-match '^#' "$requirements" | tr '\n' ' ')"
}

install azure-cli test/clients/azure-cli.requirements.txt
install azure-sdk examples/azure-sdk-python/requirements.txt
