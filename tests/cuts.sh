#!/bin/sh
# cuts.sh N SEED - runs the campaigns of kernel/store/rules.mk and adds up; any failure is the status.
set -u
n=$1 seed=$2
out=$(mktemp)
trap 'rm -f "$out"' EXIT

campaign() {
	env "$@" >"$out" 2>&1 || { cat "$out"; echo "make cuts: failed; again with: make cuts N=$n SEED=$seed"; exit 1; }
	grep ', 0 ' "$out"
	grep -h ' cuts, 0 lost' "$out" >>"$out.sum"
}

: >"$out.sum"
trap 'rm -f "$out" "$out.sum"' EXIT
campaign LINEAR=$((n / 2)) TORN=$((n * 3 / 10)) NESTED=$((n / 10)) TWICE=$((n / 20)) KILLED=$((n / 20)) SEED="$seed" build/cuts/cuts
[ ! -x build/cuts/kernel ] || campaign CUTS=$((n / 40)) SEED="$seed" build/cuts/kernel
campaign build/cuts/faults
campaign DAMAGE=$((n / 4)) SEED="$seed" build/cuts/damage
awk -v seed="$seed" '{ n += $1 } END { printf "%d cuts, 0 lost (seed %s)\n", n, seed }' "$out.sum"
