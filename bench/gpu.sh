#!/usr/bin/env bash
# Everything that is measured on a GPU, on a Linux machine that has a PyTorch with CUDA, but neither .NET nor a network.
#   bench/gpu.sh pack FILE       where the .NET SDK is: what has to be carried, as FILE, a .tar.gz. Unpacked there, it holds this script.
#   ./gpu.sh DATA OUT [PART...]  there. DATA: the folder cifar-10-batches-bin. OUT: results and checkpoints; give the same again to go on.
#                                PART: libtorch tests steps train; default all, in this order.
#   ARD_LIBTORCH: the folder with that PyTorch's libtorch.so; default what python3 says. TorchSharp of libtorch 2.10 runs on it, if it loads.
#   DEVICE=cuda (or cuda:N, cpu), MINUTES=9 for the training in one call (it goes on from its checkpoint in the next), BATCH=128, ROUNDS=5.
#   DRY=1, for pack too: tiny sizes, on the CPU, DATA may be builtin. It shows that the script works, and measures nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

pack() { # file
    local root
    root=$(dirname "$here")
    folder=$(mktemp -d) # not local: the trap runs after this function
    trap 'rm -rf "$folder"' EXIT
    for project in bench/Ard.Bench examples/Distill tests/Gpu.Tests; do # into one folder: they share the runtime
        dotnet publish "$root/$project" -c Release -r linux-x64 --self-contained -p:ArdOlderCxxLibrary=true -o "$folder/app" -m:1 -v:q -clp:ErrorsOnly
    done
    find "$folder/app" \( -name '*.pdb' -o -name '*.xml' \) -delete
    # There is a libtorch with CUDA; for a dry run that of the packages is carried.
    [[ -n ${DRY-} ]] || find "$folder/app" \( -name 'libtorch*' -o -name 'libc10*' -o -name 'libgomp*' -o -name 'libaoti*' -o -name 'libbackend*' \
        -o -name 'libjit*' -o -name 'libnnapi*' -o -name 'libshm*' \) -delete
    cp "$here/gpu.sh" "$folder/"
    tar -C "$folder" -czf "$1" .
    du -h "$1"
}

libtorch() { # which one the programs here run on
    [[ -n $dry ]] || echo "$ARD_LIBTORCH"
    nvidia-smi -L 2>/dev/null || echo 'no GPU'
}

tests() { # as on the CPU within rounding, the same twice, no leak
    ARD_TEST_DEVICE=$device "$here/app/Gpu.Tests" | tee "$out/tests.txt"
}

steps() { # beside PyTorch in the same run
    for precision in '' --mixed; do
        # shellcheck disable=SC2086 # one word an option
        "$here/app/Ard.Bench" step --device "$device" --batch "$batch" --rounds "$rounds" $precision | tee "$out/steps$precision.txt"
    done
}

# ResNet-18 by adversarial training; with it as teacher, MobileNetV2 and ResNet-18 by adversarial training, ARD and RSLAD.
train() {
    local teacher=resnet18 students='mobilenetv2 resnet18' sizes=(--epochs 100 --checkpoint-steps 100)
    [[ -z $dry ]] || teacher=tinycnn-2-bn students=tinycnn-2-bn \
        sizes=(--epochs 1 --train-images 40 --test-images 20 --steps 1 --batch 10 --checkpoint-steps 1)
    deadline=$((SECONDS + 60 * ${MINUTES:-9}))
    distill teacher --student $teacher --method at "${sizes[@]}"
    for student in $students; do
        distill "$student" --student "$student" --teacher $teacher --teacher-checkpoint "$out/teacher/student-at.safetensors" \
            --method at,ard,rslad "${sizes[@]}"
    done
}

distill() { # folder, then options; ends the script when the time is up
    local folder=$out/$1 left=$((deadline - SECONDS)) status=0
    shift
    [[ ! -e $folder/done ]] || return 0
    ((left > 0)) || time_is_up
    # Interrupted as by Ctrl+C, which writes a checkpoint.
    timeout -s INT -k 60 "$left" "$here/app/Distill" distill --data "$data" --device "$device" --resume --output "$folder" "$@" ||
        status=$?
    case $status in
        0) touch "$folder/done" ;;
        124 | 130) time_is_up ;;
        *) exit $status ;;
    esac
}
time_is_up() { echo 'Time is up: the same command goes on.'; exit 0; }

if [[ ${1-} == pack ]]; then
    pack "${2:?expected the file to write, such as ard-gpu.tar.gz}"
    exit
fi
data=${1:?expected the folder of CIFAR-10, then the folder for results} out=${2:?expected the folder for results}
shift 2
dry=${DRY-}
device=${DEVICE-${dry:+cpu}} device=${device:-cuda} batch=${BATCH-${dry:+2}} batch=${batch:-128} rounds=${ROUNDS-${dry:+1}} rounds=${rounds:-5}
if [[ -z $dry ]]; then
    ARD_LIBTORCH=${ARD_LIBTORCH-$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')/lib}
    [[ -e $ARD_LIBTORCH/libtorch.so ]] || { echo "gpu.sh: ARD_LIBTORCH is '$ARD_LIBTORCH', expected a folder with libtorch.so" >&2; exit 2; }
    export LD_LIBRARY_PATH=$ARD_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
for part in "${@:-}"; do
    case $part in
        '') libtorch; tests; steps; train ;;
        libtorch | tests | steps | train) $part ;;
        *) echo "gpu.sh: no part '$part': expected libtorch, tests, steps or train" >&2; exit 2 ;;
    esac
done
