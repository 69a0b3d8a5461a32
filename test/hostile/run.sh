#!/usr/bin/env bash
# Runs the tests of this folder, without a network and with a mount namespace of its own, so that a test can mount a
# small disk. `--full` runs more cases; every other argument is for Jest.
set -euo pipefail
cd "$(dirname "$0")/../.."

arguments=()
for argument in "$@"; do
  if [[ $argument == --full ]]; then export HOSTILE_FULL=1; else arguments+=("$argument"); fi
done
exec scripts/without-network.sh unshare --mount \
  node --experimental-vm-modules --disable-warning=ExperimentalWarning \
  node_modules/jest/bin/jest.js --config jest.hostile.config.js "${arguments[@]+"${arguments[@]}"}"
