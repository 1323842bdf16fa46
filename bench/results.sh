#!/usr/bin/env bash
# Reruns the measurements behind docs/results.md and prints their tables. What is done already is left alone, so that the
# script can be stopped and started again; a training goes on from its checkpoint.
#   bench/results.sh DIR [OUT]    DIR: a folder with Fashion-MNIST's four .gz files; OUT: where results go, default out/results
#   CIFAR=DIR adds a part on CIFAR-10 (binary version); ONLY="cifar ..." starts with it: DIR is not looked at then.
#   SEEDS="1 2 3" and THREADS=2 are the defaults; ONLY="labels distilled" leaves the other parts out.
set -euo pipefail
data=${1:?"expected the folder with Fashion-MNIST's files"}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${2:-$root/out/results}
seeds=${SEEDS:-1 2 3}
cifar_parts="cifar cifar-iad cifar-fast cifar-peer cifar-mixed cifar-rates cifar-autoattack cifar-full"
parts=${ONLY:-underfit labels distilled iad natural temperature alpha free fast-ard transfer autoattack full fast ${CIFAR:+$cifar_parts}}
ard=${ARD:-$root/ard}

run() { # folder, then the arguments of distill
    local folder=$1
    shift
    [[ -e $folder/done ]] && return
    $ard distill --data "$data" --eps "${eps:-0.1}" --validation 0 --threads "${THREADS:-2}" --resume \
        --weight-decay 5e-4 --schedule onecycle --augmentation "${augmentation:-none}" --output "$folder" "$@"
    touch "$folder/done"
}

measure() { # file, then the arguments of evaluate
    local file=$1
    shift
    [[ -e $file ]] && return
    mkdir -p "$(dirname "$file")"
    $ard evaluate --data "$data" --eps "${eps:-0.1}" --threads "${THREADS:-2}" --json "${file%.txt}.json" "$@" > "$file.part"
    mv "$file.part" "$file"
}

# Students with few images: they overfit. Every method with the settings of its release, on the same schedule. The divergences of ARD, RSLAD
# and AdaAD are means over batch and classes, a tenth of the usual mean, so their learning rate is larger; docs/results.md says how it was chosen.
few() { # folder, seed, learning rate, teacher file, methods, what differs
    local folder=$1 seed=$2 rate=$3 teacher=$4 methods=$5
    shift 5
    run "$folder" --train-images 1000 --teacher smallcnn-32 --teacher-checkpoint "$teacher" --student smallcnn-16-bn --epochs "${epochs:-50}" --batch 50 \
        --steps 5 --step-size 0.05 --seed "$seed" --lr "$rate" --method "$methods" "$@"
}

# The part on CIFAR-10. Its learning rates are those of Fashion-MNIST: nothing was chosen on these images.
cifar() { # folder, then what differs
    local folder=$out/$1
    shift
    data=${CIFAR:?"expected the folder of CIFAR-10's binary version"} eps=8/255 augmentation=crop-flip run "$folder" --seed "$seed" --steps 5 --step-size 4/255 \
        --test-images 2000 "$@"
}
cifar_student() { # folder, teacher, learning rate, methods, what differs
    local folder=$1 teacher=$2 rate=$3 methods=$4
    shift 4
    cifar "$folder" --train-images 1000 --teacher smallcnn-32-bn --student smallcnn-16-bn --epochs "${epochs:-50}" --batch 50 \
        --teacher-checkpoint "$out/cifar-teachers/$seed/student-$teacher.safetensors" --lr "$rate" --method "$methods" "$@"
}

# All training images, shifted and flipped; every setting of the methods by default but for the length and five attack steps, where there
# are several.
full() { # folder, network, methods, what differs
    local folder=$out/$1 network=$2 methods=$3
    shift 3
    [[ -e $folder/done ]] && return
    $ard distill --data "$data" --eps "${eps:-0.1}" --validation 0 --threads "${THREADS:-2}" --resume --augmentation crop-flip \
        --epochs "${epochs:-6}" --batch "${batch:-128}" --seed "$seed" --student "$network" --method "$methods" --test-images 1000 \
        --output "$folder" "$@"
    touch "$folder/done"
}
full_size() { # full or cifar-full, a step of the attack
    local five=(--steps 5 --step-size "$2") taught=(--teacher smallcnn-32-bn --teacher-checkpoint "$out/$1-teachers/$seed/student-at.safetensors")
    full "$1-teachers/$seed" smallcnn-32-bn at "${five[@]}"
    full "$1/$seed/ard" smallcnn-16-bn ard "${five[@]}" "${taught[@]}"
    full "$1/$seed/at" smallcnn-16-bn at "${five[@]}"
    full "$1/$seed/fast" smallcnn-16-bn ard+fast,rslad+fast,kd "${taught[@]}"
    full "$1/$seed/fast-at" smallcnn-16-bn at+fast,natural
    full "$1/$seed/rslad" smallcnn-16-bn rslad "${five[@]}" "${taught[@]}"
    full "$1/$seed/trades" smallcnn-16-bn trades "${five[@]}"
    epochs=2 full "$1/$seed/fast-ard" smallcnn-16-bn fast-ard --replays 4 "${taught[@]}"
    full "$1/$seed/more" smallcnn-16-bn adaad+fast,saad+fast "${taught[@]}"
    full "$1/$seed/slow" smallcnn-16-bn adaad+igdm,saad "${five[@]}" "${taught[@]}"
    full "$1/$seed/averaged" smallcnn-16-bn trades+awp "${five[@]}" --swa 5
    for student in "$out/$1/$seed"/*/student-*.safetensors; do
        measure "$out/$1-autoattack/$(basename "$student" .safetensors)/$seed.txt" --model "$student" --attacks pgd-20,autoattack \
            --test-images 1000
    done
}

for seed in $seeds; do
    # The teachers have seen 12,000 images. They appear in the tables as students of their own kind.
    robust=$out/teachers/$seed/student-at.safetensors natural=$out/teachers/$seed/student-natural.safetensors
    [[ $parts == cifar* || $parts == full ]] || run "$out/teachers/$seed" --train-images 12000 --student smallcnn-32 --method at,natural --seed "$seed" --epochs 12 --batch 100 --lr 0.05
    for part in $parts; do
        case $part in
            underfit) # two convolutions without BatchNorm, many images
                for rate in 0.05:at 0.4:kd,ard; do
                    run "$out/underfit/$seed/${rate%:*}" --train-images 12000 --teacher smallcnn-32 --teacher-checkpoint "$robust" \
                        --student smallcnn-16 --seed "$seed" --epochs 10 --batch 100 --lr "${rate%:*}" --method "${rate#*:}"
                done ;;
            labels) few "$out/labels/$seed" "$seed" 0.05 "$robust" at,trades,mart ;;
            distilled) few "$out/distilled/$seed" "$seed" 0.4 "$robust" kd,ard,rslad,adaad,adaad+igdm ;;
            iad) few "$out/iad/$seed" "$seed" 0.1 "$robust" iad,adaiad ;;
            natural) few "$out/natural/$seed" "$seed" 0.4 "$natural" kd,ard ;;
            temperature) for t in 1 5 100; do few "$out/temperature-$t/$seed" "$seed" 0.4 "$robust" ard --temperature $t; done ;;
            alpha) for a in 0.9 0.5; do few "$out/alpha-$a/$seed" "$seed" 0.4 "$robust" ard --alpha $a; done ;;
            free) epochs=10 few "$out/free/$seed" "$seed" 0.05 "$robust" free --replays 5 ;;
            fast-ard) epochs=10 few "$out/fast-ard/$seed" "$seed" 0.4 "$robust" fast-ard --replays 5 ;;
            cifar) # the teachers have seen 10,000 images, the students 1,000
                cifar "cifar-teachers/$seed" --train-images 10000 --student smallcnn-32-bn --method at,natural --epochs 20 --batch 100 --lr 0.05
                cifar_student "cifar/$seed/0.05" at 0.05 at,trades
                cifar_student "cifar/$seed/0.4" at 0.4 kd,ard,rslad,adaad,adaad+igdm
                cifar_student "cifar-natural/$seed" natural 0.4 kd ;;
            cifar-fast)
                epochs=10 cifar_student "cifar-fast/$seed/0.05" at 0.05 free --replays 5
                epochs=10 cifar_student "cifar-fast/$seed/0.4" at 0.4 fast-ard --replays 5 ;;
            cifar-peer) cifar_student "cifar-peer/$seed" at 0.1 peeraid ;;
            cifar-mixed) cifar_student "cifar-mixed/$seed" at 0.4 ard,rslad --mixed ;;
            cifar-iad) cifar_student "cifar-iad/$seed" at 0.1 iad,adaiad ;;
            cifar-rates) # how much the learning rate matters, at the first seed
                [[ $seed == 1 ]] || continue
                for rate in 0.02 0.1 0.2; do cifar_student "cifar-rates/$rate" at $rate at,trades; done
                for rate in 0.1 1.5; do cifar_student "cifar-rates/$rate-distilled" at $rate ard; done ;;
            cifar-autoattack)
                for student in 0.05/student-{at,trades} 0.4/student-{ard,rslad,adaad+igdm}; do
                    data=$CIFAR eps=8/255 measure "$out/cifar-autoattack/$(basename "$student")/$seed.txt" \
                        --model "$out/cifar/$seed/$student.safetensors" --attacks pgd-20,autoattack --test-images 500
                done ;;
            full) full_size full 0.05 ;;
            cifar-full) data=${CIFAR:?"expected the folder of CIFAR-10's binary version"} eps=8/255 full_size cifar-full 4/255 ;;
            fast) # one attack step in place of five, which are not for them
                few "$out/fast/$seed/0.05" "$seed" 0.05 "$robust" at+fast
                few "$out/fast/$seed/0.4" "$seed" 0.4 "$robust" ard+fast,rslad+fast,adaad+fast ;;
            transfer) # perturbations found on another network
                for student in labels/$seed/student-at distilled/$seed/student-{kd,ard,rslad}; do
                    for teacher in at natural; do
                        measure "$out/transfer/$(basename "$student")-from-$teacher/$seed.txt" --model "$out/$student.safetensors" \
                            --surrogate "$out/teachers/$seed/student-$teacher.safetensors" --attacks pgd-20 --test-images 2000
                    done
                done ;;
            autoattack)
                for student in labels/$seed/student-at distilled/$seed/student-{ard,rslad}; do
                    measure "$out/autoattack/$(basename "$student")/$seed.txt" --model "$out/$student.safetensors" \
                        --attacks pgd-20,autoattack --test-images 250
                done ;;
            *) echo "results.sh: no part '$part'" >&2; exit 2 ;;
        esac
    done
done

for folder in "$out"/*/; do
    attacks=()
    case $(basename "$folder") in
        transfer) attacks=(clean pgd-20 'transfer(pgd-20)') ;;
        *autoattack) attacks=(clean pgd-20 autoattack) ;;
    esac
    printf '\n%s\n\n' "$(basename "$folder")"
    "$root/ard" bench table "$folder" ${attacks[@]+"${attacks[@]}"}
done
