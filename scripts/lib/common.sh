# Shared by the scripts beside this folder; sourced from the repository's root under `set -euo
# pipefail`. A second run finds its stamps and touches no network.

say() { printf '\n== %s\n' "$*"; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# as_root COMMAND...: runs it as root, by sudo where we are not root.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    die "needs root for: $*"
  fi
}

# names_in FILE: its lines without comments.
names_in() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

# install_packages FILE: the Debian packages it names, those that are missing.
install_packages() {
  local missing=() name
  command -v dpkg-query > /dev/null ||
    { echo "no Debian here: taking the packages of $1 for installed"; return 0; }
  for name in $(names_in "$1"); do
    # A package of another name may provide it (g++ from a newer compiler, say), so ask for status.
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2> /dev/null | grep -qx installed ||
      missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Debian packages: ${missing[*]}"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# install_requirements FILE: into .venv, unless the very same file went in before.
install_requirements() {
  local stamp=".venv/.installed-$(basename "$1" .txt)"
  local wanted
  wanted=$(sha256sum < "$1")
  [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ] || return 0
  say "Python packages of $1"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$1"
  printf '%s\n' "$wanted" > "$stamp"
}

has_nvidia_driver() {
  [ -e /proc/driver/nvidia/version ] || command -v nvidia-smi > /dev/null
}

# The nvcc of this machine: $CUDACXX, the PATH, the usual folder, else the one of .venv; empty if none.
find_nvcc() {
  local candidate
  for candidate in "${CUDACXX:-}" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc \
    .venv/lib/python3*/site-packages/nvidia/cu13/bin/nvcc; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      realpath -s "$candidate"
      return
    fi
  done
}

# The compiler of requirements-cuda.txt, with the two names under which CMake looks for its runtime.
install_nvcc() {
  install_requirements requirements-cuda.txt
  local root
  for root in .venv/lib/python3*/site-packages/nvidia/cu13; do
    [ -e "$root/lib64" ] || ln -s lib "$root/lib64"
    [ -e "$root/lib/libcudart.so" ] || ln -s libcudart.so.13 "$root/lib/libcudart.so"
  done
}

# As many compilers as there are processors and pairs of GB of memory: a torch source takes 1.3 GB.
build_jobs() {
  local by_memory
  by_memory=$(awk '/MemAvailable/ { print int($2 / 2e6) }' /proc/meminfo)
  [ "$by_memory" -ge 1 ] || by_memory=1
  echo $(($(nproc) < by_memory ? $(nproc) : by_memory))
}

# configure PRESET [CMAKE ARGUMENT...]: into build/PRESET; its output is shown only when it fails.
configure() {
  local preset=$1
  shift
  mkdir -p build
  cmake --preset "$preset" "$@" > "build/$preset.log" 2>&1 || { cat "build/$preset.log"; exit 1; }
}

# compile PRESET [TARGET...]: all targets if none is named.
compile() {
  local preset=$1
  shift
  say "Build build/$preset"
  cmake --build "build/$preset" -j "$(build_jobs)" ${1:+--target "$@"}
}

# build PRESET [CMAKE ARGUMENT...]: configures and compiles all of it.
build() {
  configure "$@"
  compile "$1"
}

# prepare_release [CMAKE ARGUMENT...]: whatever build/release needs, and its configuration.
prepare_release() {
  install_packages scripts/packages.txt
  install_requirements requirements.txt
  if has_nvidia_driver; then
    [ -n "$(find_nvcc)" ] || install_nvcc
    configure release -DRADIAL_CUDA=ON -DCMAKE_CUDA_COMPILER="$(find_nvcc)" "$@"
  else
    configure release -DRADIAL_CUDA=OFF "$@"
  fi
}
