#!/usr/bin/env bash
# Installs what `npm run test:hostile` needs and npm does not have: libfaketime (Debian's package), which gives a process
# a wrong clock.
set -euo pipefail

if compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null; then exit 0; fi
if ((EUID != 0)); then
  echo 'libfaketime is missing. Run as root: apt-get install --no-install-recommends libfaketime' >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
apt-get install --quiet=2 --yes --no-install-recommends libfaketime
