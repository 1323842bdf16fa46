#!/usr/bin/env bash
# Reruns the measurements behind docs/results.md and prints their tables. What is done already is left alone, so that the
# script can be stopped and started again; a training goes on from its checkpoint.
#   bench/results.sh DIR [OUT]    DIR: a folder with Fashion-MNIST's four .gz files; OUT: where results go, default out/results
#   SEEDS="1 2 3" and THREADS="2" are the defaults; ONLY="few" leaves the other parts out.
set -euo pipefail
data=${1:?"expected the folder with Fashion-MNIST's files"}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${2:-$root/out/results}
seeds=${SEEDS:-1 2 3}
parts=${ONLY:-underfit few natural temperature alpha fast}
distill=${DISTILL:-$root/ard distill}

run() { # folder, then the arguments of distill
    local folder=$1
    shift
    [[ -e $folder/done ]] && return
    $distill --data "$data" --eps 0.1 --validation 0 --threads "${THREADS:-2}" --resume --output "$folder" "$@"
    touch "$folder/done"
}

# Students with few images: they overfit. Every method with the settings of its release, on the same schedule.
few() { # teacher file, then what differs
    local teacher=$1
    shift
    few=(--train-images 1000 --teacher smallcnn-32 --teacher-checkpoint "$teacher" --student smallcnn-16-bn --epochs 50 --batch 50 --lr 0.1
        --steps 5 --step-size 0.05 "$@")
}

for seed in $seeds; do
    # The teachers have seen 12,000 images. They appear in the tables as students of their own kind.
    robust=$out/teachers/$seed/student-at.safetensors natural=$out/teachers/$seed/student-natural.safetensors
    run "$out/teachers/$seed" --train-images 12000 --student smallcnn-32 --method at,natural --seed "$seed" --epochs 12 --batch 100 --lr 0.05
    for part in $parts; do
        case $part in
            underfit) # two convolutions without BatchNorm, many images
                run "$out/underfit/$seed" --train-images 12000 --teacher smallcnn-32 --teacher-checkpoint "$robust" --student smallcnn-16 \
                    --method at,kd,ard --seed "$seed" --epochs 10 --batch 100 --lr 0.05 ;;
            few)
                few "$robust"
                run "$out/few/$seed" "${few[@]}" --seed "$seed" --method at,trades,mart,kd,ard,ard+igdm,rslad,iad,adaad,adaiad,adaad+igdm ;;
            natural) # the teacher knows nothing of adversaries
                few "$natural"
                run "$out/natural/$seed" "${few[@]}" --seed "$seed" --method kd,ard ;;
            temperature)
                few "$robust"
                for t in 1 5 100; do run "$out/temperature-$t/$seed" "${few[@]}" --seed "$seed" --method ard --temperature $t; done ;;
            alpha)
                few "$robust"
                for a in 0.9 0.5; do run "$out/alpha-$a/$seed" "${few[@]}" --seed "$seed" --method ard --alpha $a; done ;;
            fast) # 5 replays: a fifth of the epochs
                few "$robust" --epochs 10 --replays 5
                run "$out/fast/$seed" "${few[@]}" --seed "$seed" --method free,fast-ard ;;
        esac
    done
done

for folder in "$out"/*/; do
    printf '\n%s\n\n' "$(basename "$folder")"
    "$root/ard" bench table "$folder"
done
