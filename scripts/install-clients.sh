#!/usr/bin/env bash
# Installs the clients that `npm run test:clients` runs and npm does not bring. build/clients/NAME links to each.
#
#   scripts/install-clients.sh [NAME …]     default: all clients, and old versions of Node
#
# Needs Python 3.11 and also 3.12 or later, Go, a JDK 17 with Maven, and npm. Debian or Ubuntu only.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/install-functions.sh

need python3 python3
need flock util-linux
need ip iproute2
need mvn maven
# Debian has a part of Python's venv in a package of its own.
python3 -c 'import ensurepip' 2>/dev/null || install_package python3-venv

# Each function fills the folder that it gets as its last argument.

# python_packages PYTHON REQUIREMENTS FOLDER
python_packages() {
  local python=$1 requirements=$2 folder=$3
  "$python" -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
}

# debian_packages PACKAGE FOLDER
# Unpacks what apt would install for this package on this machine. The machine's own packages stay as they are.
debian_packages() {
  local package=$1 folder=$2 archives=$2/archives archive
  mkdir -p "$archives/partial"
  local fetch=(apt-get install --quiet=2 --yes --download-only --no-install-recommends
    --option "Dir::Cache::archives=$archives" "$package")
  # The machine's package lists may be missing, or too old to fetch from.
  if ! "${fetch[@]}" >/dev/null 2>&1; then
    apt-get update --quiet=2 >/dev/null
    "${fetch[@]}" >/dev/null
  fi
  for archive in "$archives"/*.deb; do
    if [[ -e $archive ]]; then dpkg --extract "$archive" "$folder"; fi
  done
  rm -r "$archives"
}

# Debian's az in the unpacked folder finds its packages only there.
debian_az() {
  local folder=$1
  debian_packages azure-cli "$folder"
  mkdir "$folder/bin"
  cat >"$folder/bin/az" <<'SH'
#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
PYTHONPATH=$root/usr/lib/python3/dist-packages exec /usr/bin/python3 "$root/usr/bin/az" "$@"
SH
  chmod +x "$folder/bin/az"
}

# azcopy's binary is linked against libsecret.
azcopy_with_library() {
  local folder=$1
  cp test/clients/azcopy/package.json "$folder/"
  npm install --prefix "$folder" --silent --no-package-lock --no-audit --no-fund
  chmod +x "$folder"/node_modules/@azure-tools/azcopy-linux/dist/bin/*
  debian_packages libsecret-1-0 "$folder/debian"
}

# go_programs MODULE FOLDER
# A Go module builds our programs and the tools that its go.mod names.
go_programs() {
  local module=$1 folder=$2
  mkdir "$folder/bin"
  (cd "$module" && go build -o "$folder/bin/" ./... tool)
}

java_program() {
  mvn --quiet --batch-mode --file test/clients/java/pom.xml "-DbuildFolder=$1" \
    compile dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$1/lib" >/dev/null
}

# Software that serves packages, and what it serves for examples/azure-artifacts: wheels, and a Maven repository with the
# plugins of a build. The jobs of the tests start with empty folders and get all of it from the feed.
feed_software() {
  local folder=$1 example=examples/azure-artifacts greeting=$1/maven/com/contoso/greeting/1.0.0
  cp test/clients/feeds/package.json "$folder/"
  npm install --prefix "$folder" --silent --no-package-lock --no-audit --no-fund
  python_packages python3 test/clients/feeds/requirements.txt "$folder/python"
  grep --invert-match '^contoso' "$example/requirements.txt" >"$folder/wheels.txt"
  sed --quiet --regexp-extended 's/^requires = \["(.*)"\]/\1/p' "$example/pyproject.toml" >>"$folder/wheels.txt"
  "$folder/python/bin/pip" download --quiet --disable-pip-version-check --only-binary :all: \
    --requirement "$folder/wheels.txt" --dest "$folder/wheels"

  mkdir -p "$greeting" "$folder/build"
  cp test/clients/feeds/greeting.pom "$greeting/greeting-1.0.0.pom"
  python3 -m zipfile --create "$greeting/greeting-1.0.0.jar" "$greeting/greeting-1.0.0.pom"
  cp "$example/pom.xml" "$folder/build/"
  # Without the settings of the example, so that nothing is asked of its feed.
  mvn --quiet --batch-mode --file "$folder/build/pom.xml" "-Dmaven.repo.local=$folder/maven" \
    "-DaltDeploymentRepository=none::default::file://$folder/build/deployed" deploy >/dev/null
  rm -r "$folder/build" "$folder/maven/com/contoso/app"
}

# The first Python that can run the current Ansible.
newer_python() {
  local candidate
  for candidate in python3.12 python3.13 python3.14 "$HOME"/.pyenv/versions/3.1[2-9]*/bin/python3 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo 'Ansible needs Python 3.12 or later.' >&2
  return 1
}

# The content of each file below a folder, with its name.
contents() { find "$1" -type f | sort | xargs tail -n +1; }

# install NAME
install() {
  local name=$1 folder python requirements=test/clients/$1.requirements.txt
  case $name in
    azure-cli | fabric-cli | zizmor)
      folder=$(cached "$name" "$(python3 --version; cat "$requirements")" python_packages python3 "$requirements")
      ;;
    azure-sdk)
      folder=$(cached "$name" "$(python3 --version; cat "$requirements" examples/azure-sdk-python/requirements.txt)" \
        python_packages python3 "$requirements")
      ;;
    ansible)
      python=$(newer_python)
      folder=$(cached "$name" "$("$python" --version; cat "$requirements")" python_packages "$python" "$requirements")
      ;;
    azure-cli-debian)
      folder=$(cached "$name" "$(cat /etc/debian_version; declare -f debian_az debian_packages)" debian_az)
      ;;
    azcopy)
      folder=$(cached "$name" "$(cat /etc/debian_version test/clients/azcopy/package.json)" azcopy_with_library)
      ;;
    # Two modules: helm and kubelogin were released with different versions of the same libraries.
    go | go-registries)
      folder=$(cached "$name-programs" "$(go version; contents "test/clients/$name")" go_programs "test/clients/$name")
      ;;
    java) folder=$(cached "$name-program" "$(java -version 2>&1; contents test/clients/java)" java_program) ;;
    feeds)
      folder=$(cached feed-software "$(python3 --version; mvn --version; contents test/clients/feeds
        cat examples/azure-artifacts/{pom.xml,pyproject.toml,requirements.txt}; declare -f feed_software)" feed_software)
      ;;
    *) echo "Unknown client: $name" >&2; return 2 ;;
  esac
  mkdir -p build/clients
  rm -rf "build/clients/$name"
  ln -s "$folder" "build/clients/$name"
  echo "build/clients/$name: $folder"
}

clients=(azure-cli azure-cli-debian azure-sdk fabric-cli zizmor ansible azcopy java go go-registries feeds)
if (($# > 0)); then clients=("$@"); fi
for client in "${clients[@]}"; do install "$client"; done
if (($# == 0)); then scripts/install-old-nodes.sh; fi
