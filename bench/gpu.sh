#!/usr/bin/env bash
# Everything that is measured on a GPU, on a Linux machine that has a PyTorch with CUDA, but neither .NET nor a network.
#   bench/gpu.sh pack FILE       where the .NET SDK is: what has to be carried, as FILE, a .tar.gz. Unpacked there, it holds this script.
#   ./gpu.sh DATA OUT [PART...]  there. DATA: the folder cifar-10-batches-bin. OUT: results and checkpoints; give the same again to go on.
#                                PART: libtorch tests steps train evaluate; default all, in this order.
#   ARD_LIBTORCH: the folder with that PyTorch's libtorch.so; default what python3 says. TorchSharp of libtorch 2.10 runs on it, if it loads.
#   DEVICE=cuda (or cuda:N, cpu), BATCH=128, ROUNDS=5, MINUTES=12 for one call: training and evaluation go on from their files in the next,
#   and what is done of tests and steps is not done again.
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
    once tests env ARD_TEST_DEVICE="$device" "$here/app/Gpu.Tests"
}

steps() { # beside PyTorch in the same run
    for precision in '' --mixed; do
        # shellcheck disable=SC2086 # one word an option
        once "steps$precision" "$here/app/Ard.Bench" step --device "$device" --batch "$batch" --rounds "$rounds" $precision
    done
}

once() { # name, then the command; what it prints is kept, and where it is there nothing is done
    local file=$out/$1.txt
    shift
    [[ ! -e $file ]] || return 0
    "$@" | tee "$file.part"
    mv "$file.part" "$file"
}

# ResNet-18 by adversarial training; with it as teacher, MobileNetV2 and ResNet-18 by the methods of the table in docs/results.md.
teacher=resnet18 students='mobilenetv2 resnet18' methods='at trades ard rslad iad adaad'
train() {
    local sizes=(--epochs 100 --checkpoint-steps 100)
    [[ -z $dry ]] || sizes=(--epochs 1 --train-images 40 --test-images 20 --steps 1 --batch 10 --checkpoint-steps 1)
    distill teacher --student $teacher --method at "${sizes[@]}"
    for student in $students; do
        distill "$student" --student "$student" --teacher $teacher --teacher-checkpoint "$out/teacher/student-at.safetensors" \
            --method "${methods// /,}" "${sizes[@]}"
    done
}

distill() { # folder, then options
    local folder=$out/$1
    shift
    [[ ! -e $folder/done ]] || return 0
    in_time distill --data "$data" --resume --output "$folder" "$@"
    touch "$folder/done"
}

evaluate() { # clean, PGD-20, CW and AutoAttack, as the tables of the papers have them
    local attacks=pgd-20,cw-30,autoattack images=10000
    [[ -z $dry ]] || attacks=pgd-2,apgd-ce-2 images=20
    for student in $students; do
        for method in $methods; do
            local name=$out/$student/student-$method
            [[ ! -e $name.json ]] || continue
            in_time evaluate --model "$name.safetensors" --data "$data" --attacks $attacks --test-images $images \
                --state "$name.state" --json "$name.json" | tee "$name.txt"
        done
    done
}

in_time() { # a verb and its options; ends the script when the time is up
    local left=$((deadline - SECONDS)) status=0
    ((left > 0)) || time_is_up
    # Interrupted as by Ctrl+C, which writes a checkpoint.
    timeout -s INT -k 60 "$left" "$here/app/Distill" "$@" --device "$device" || status=$?
    case $status in
        0) ;;
        124 | 130) time_is_up ;;
        *) exit $status ;;
    esac
}
time_is_up() { echo 'Time is up: the same command goes on.'; kill -s USR1 $$; exit 0; }

if [[ ${1-} == pack ]]; then
    pack "${2:?expected the file to write, such as ard-gpu.tar.gz}"
    exit
fi
data=${1:?expected the folder of CIFAR-10, then the folder for results} out=${2:?expected the folder for results}
shift 2
dry=${DRY-}
[[ -z $dry ]] || teacher=tinycnn-2-bn students=tinycnn-2-bn
device=${DEVICE-${dry:+cpu}} device=${device:-cuda} batch=${BATCH-${dry:+2}} batch=${batch:-128} rounds=${ROUNDS-${dry:+1}} rounds=${rounds:-5}
if [[ -z $dry ]]; then
    ARD_LIBTORCH=${ARD_LIBTORCH-$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')/lib}
    [[ -e $ARD_LIBTORCH/libtorch.so ]] || { echo "gpu.sh: ARD_LIBTORCH is '$ARD_LIBTORCH', expected a folder with libtorch.so" >&2; exit 2; }
    export LD_LIBRARY_PATH=$ARD_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
deadline=$((SECONDS + 60 * ${MINUTES:-12}))
trap 'exit 0' USR1 # from time_is_up, which may be in a pipe
for part in "${@:-}"; do
    case $part in
        '') libtorch; tests; steps; train; evaluate ;;
        libtorch | tests | steps | train | evaluate) $part ;;
        *) echo "gpu.sh: no part '$part': expected libtorch, tests, steps, train or evaluate" >&2; exit 2 ;;
    esac
done
