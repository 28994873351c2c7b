#!/usr/bin/env bash
# A GPU for half an hour: everything that wants one, the most important first.
#
#     make wheels                                  # here, once: the packages that are not there
#     OUT=/some/folder bash benchmarks/gpu_day.sh first      # there, under 9 minutes
#     OUT=/some/folder bash benchmarks/gpu_day.sh study standard "0 1 2" # then, likewise
#     OUT=/some/folder bash benchmarks/gpu_day.sh study mechanism "0 1 2"
#     OUT=/some/folder bash benchmarks/gpu_day.sh study controls "0 1 2" --controls
#     OUT=/some/folder bash benchmarks/gpu_day.sh paper
#
# It needs Python 3.11 or later with torch for CUDA, numpy, scipy and pandas, and the folder wheels/.
# Every result goes to $OUT as soon as it is there. SMALL=1 tries everything on a CPU in minutes.
set -u
OUT=${OUT:?name a folder for the results}
DEVICE=${DEVICE:-cuda}
CORES=$(nproc)
WORKERS=${WORKERS:-$((CORES > 4 ? CORES - 2 : CORES))}
SMALL=${SMALL:-}
SIMULATED=7  # the seed of the studies' people
PEOPLE=$([ -n "$SMALL" ] && echo 2 || echo 20)
SCRATCH=$(mktemp -d)
DATA=${DATA:-$SCRATCH/data}
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1
mkdir -p "$OUT" "$DATA"
began=$(date +%s)
log() { echo "[$(($(date +%s) - began)) s] $*" | tee -a "$OUT/log.txt"; }

set_up() {
  export PYTHONPATH=$PWD:$SCRATCH/site
  python3 -c "import kdlib, distributed, nilearn" 2>/dev/null ||
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \
      --target "$SCRATCH/site" wheels/*.whl || exit 1
  log "packages installed"
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null |
    tee -a "$OUT/log.txt"
}

# Several processes share a GPU at the same moment only through this daemon of NVIDIA's.
share() {
  local control
  control=$(command -v nvidia-cuda-mps-control || ls /usr/local/nvidia/bin/nvidia-cuda-mps-control 2>/dev/null)
  [ -n "$control" ] || { log "no MPS here"; return 1; }
  export CUDA_MPS_PIPE_DIRECTORY=$SCRATCH/mps CUDA_MPS_LOG_DIRECTORY=$SCRATCH/mps-log
  mkdir -p "$SCRATCH/mps" "$SCRATCH/mps-log"
  "$control" -d && sleep 1 && log "MPS is there"
}

tests() {
  timeout 240 python3 -m pytest -q -p no:cacheprovider -n "${SHARE:-4}" --dist loadfile \
    tests/methods tests/study tests/own_scans tests/test_training.py tests/test_networks.py \
    tests/test_losses.py tests/test_augmentation.py > "$OUT/tests.txt" 2>&1
  log "tests: $(tail -1 "$OUT/tests.txt")"
}

speed() {
  local counts="1 4 8 $WORKERS" seconds=3
  [ -z "$SMALL" ] || { counts="1 2"; seconds=1; }
  timeout 150 python3 benchmarks/device_speed.py "$OUT/speed.csv" --device "$DEVICE" \
    --processes $counts --seconds "$seconds" 2>&1 | tee -a "$OUT/log.txt"
  log "speed done"
}

speed_shared() {
  echo "with MPS,," >> "$OUT/speed.csv"
  timeout 100 python3 benchmarks/device_speed.py "$OUT/speed.csv" --device "$DEVICE" --only-at-once \
    --processes 1 4 8 "$WORKERS" --seconds 3 2>&1 | tee -a "$OUT/log.txt"
}

plateau() {
  timeout $((${PLATEAU:-240} + 60)) python3 benchmarks/plateau.py "$OUT/plateau.csv" \
    --data "$DATA/plateau" --device "$DEVICE" --workers "$WORKERS" --seconds "${PLATEAU:-240}" \
    ${SMALL:+--small 1000 --seeds 0} > "$OUT/plateau.txt" 2>&1
  log "plateau: $(tail -1 "$OUT/plateau.txt")"
}

KDLIB=(python3 -c "from kdlib.cli import main; main()")

# study NAME "SEEDS": each finished seed goes to $OUT as one archive. Unpack it into a folder, which
# `kdlib record` merges.
study() {
  local limit=${LIMIT:-500} left archive
  share
  "${KDLIB[@]}" simulate "$DATA/clinics" --grid 2mm --seed "$SIMULATED" \
    ${SMALL:+--training 4 --test 1} ${3:-} \
    > "$OUT/simulate.txt" 2>&1
  log "simulated"
  for seed in $2; do
    left=$((limit - $(date +%s) + began))
    [ "$left" -gt 20 ] || { log "no time for $1, seed $seed"; break; }
    timeout "$left" "${KDLIB[@]}" study "$1" --data "$DATA/clinics" \
      --store "$DATA/runs" --device "$DEVICE" --workers "$WORKERS" --seeds "$seed" \
      --export "$SCRATCH/$seed" > "$OUT/study.txt" 2>&1
    [ -f "$SCRATCH/$seed/provenance.json" ] || { log "$1, seed $seed: not finished"; break; }
    archive="$OUT/$(basename "$1" .toml)-$seed.tar.gz"
    tar -czf "$archive.part" -C "$SCRATCH/$seed" . && mv "$archive.part" "$archive" \
      || { log "$1, seed $seed: not saved"; break; }
    log "$1, seed $seed: finished"
  done
}

# paper: what its methods cost, and what the whole study would take.
paper() {
  timeout 200 python3 benchmarks/device_speed.py "$OUT/paper.csv" --device "$DEVICE" --paper \
    2>&1 | tee -a "$OUT/log.txt"
}

first() {
  (python3 -c "
from kdlib.simulator import simulate
simulate('$DATA/plateau', grid='2mm', training=$PEOPLE, test=$PEOPLE, seed=100)
" && log "simulated") &
  local simulating=$!
  speed
  share && speed_shared
  wait $simulating
  python3 -c "
import kdlib, sys
for c in kdlib.open_clinics('$DATA/plateau').values():
    for s in c.training[:2]: print('digest', c.name, s.id, s.fingerprint[:16])
" | tee -a "$OUT/log.txt"
  tests &
  WORKERS=$((CORES > 6 ? CORES - 4 : CORES)) plateau
  wait
}

set_up
"$@"
log "end"
