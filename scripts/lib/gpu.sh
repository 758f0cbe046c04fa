# What scripts/gpu_check and scripts/pack_gpu share; sourced after common.sh.

# The Python that has torch: $RADIAL_PYTHON, else .venv's, else python3.
find_torch_python() {
  local python
  if [ -n "${RADIAL_PYTHON:-}" ]; then
    python=$RADIAL_PYTHON
  elif [ -x .venv/bin/python ]; then
    python=.venv/bin/python
  else
    python=python3
  fi
  "$python" -c 'import torch' > /dev/null 2>&1 ||
    die "$python has no torch: name one that has by RADIAL_PYTHON"
  printf '%s\n' "$python"
}

# Where programs find libradial and torch: the prebuilt folder, what it brought along, the wheel.
library_path() {
  local torch
  torch=$("$1" -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parent / "lib")')
  printf '%s\n' "$build_folder:$torch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}:$build_folder/others"
}

# PYTHONPATH: with the packed pytest where the Python has none.
python_path() {
  local packed=$build_folder/python
  if "$1" -c 'import pytest' > /dev/null 2>&1 || [ ! -d "$packed" ]; then
    printf '%s\n' "${PYTHONPATH:-}"
  else
    printf '%s\n' "$packed${PYTHONPATH:+:$PYTHONPATH}"
  fi
}

sampler=

# first_gpu: what nvidia-smi calls the first GPU that a CUDA program sees.
first_gpu() {
  local visible=${CUDA_VISIBLE_DEVICES:-0}
  printf '%s\n' "${visible%%,*}"
}

# start_sampling FILE: clocks, power and temperature of the first GPU, twice a second.
start_sampling() {
  nvidia-smi -i "$(first_gpu)" --format=csv,noheader,nounits -lms 500 \
    --query-gpu=clocks.sm,clocks.mem,power.draw,temperature.gpu,utilization.gpu,memory.used \
    > "$1" 2> /dev/null &
  sampler=$!
  trap stop_sampling EXIT
}

stop_sampling() {
  [ -n "$sampler" ] || return 0
  kill "$sampler" 2> /dev/null || true
  wait "$sampler" 2> /dev/null || true
  sampler=
}
