#!/usr/bin/env bash
# Reruns the measurements behind docs/results.md and prints their tables. What is done already is left alone, so that the
# script can be stopped and started again; a training goes on from its checkpoint.
#   bench/results.sh DIR [OUT]    DIR: a folder with Fashion-MNIST's four .gz files; OUT: where results go, default out/results
#   SEEDS="1 2 3" is the default.
set -euo pipefail
data=${1:?"expected the folder with Fashion-MNIST's files"}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${2:-$root/out/results}
seeds=${SEEDS:-1 2 3}

run() { # folder, then the arguments of distill
    local folder=$1
    shift
    [[ -e $folder/done ]] && return
    "$root/ard" distill --data "$data" --eps 0.1 --validation 0 --resume --output "$folder" "$@"
    touch "$folder/done"
}

for seed in $seeds; do
    # Students that underfit: two convolutions without BatchNorm, 12,000 images.
    run "$out/underfit/$seed" --train-images 12000 --teacher smallcnn-32 --student smallcnn-16 --method at,kd,ard --seed "$seed" \
        --teacher-epochs 12 --epochs 10 --batch 100 --lr 0.05 --steps 10 --temperature 1
    # Students that overfit: BatchNorm, 1,000 images, 50 epochs; the same teacher.
    run "$out/overfit/$seed" --train-images 1000 --teacher smallcnn-32 --teacher-checkpoint "$out/underfit/$seed/teacher-at.safetensors" \
        --student smallcnn-16-bn --method at,kd,ard --seed "$seed" --epochs 50 --batch 50 --lr 0.05 --steps 5 --step-size 0.05 --temperature 4
done

for regime in underfit overfit; do
    printf '\n%s\n\n' "$regime"
    "$root/ard" bench table "$out/$regime"
done
