#!/usr/bin/env bash
# Two hosts that are network namespaces of this machine, with addresses of their own and a link between: tests/two-hosts.sh MPI COMMAND ...
# runs COMMAND as a rank on each (RANKS=3: two on the first), over TCP, by the mpirun of MPI, mpich or openmpi. Where the environment says
# CUT=SECONDS, the link is cut after so many. Needs root and iproute2.
set -euo pipefail
mpi=$1; shift
id=$$ a=ard-a-$$ b=ard-b-$$ agent=$(mktemp)
end() { ip netns del "$a" 2>/dev/null || true; ip netns del "$b" 2>/dev/null || true; rm -f "$agent"; }
trap end EXIT
ip netns add "$a"; ip netns add "$b"
ip link add "va$id" netns "$a" type veth peer name "vb$id" netns "$b"
for host in "$a va$id 10.77.0.1" "$b vb$id 10.77.0.2"; do
    read -r name link address <<< "$host"
    ip -n "$name" addr add "$address/24" dev "$link"; ip -n "$name" link set "$link" up; ip -n "$name" link set lo up
done
for name in "$a" "$b"; do # the kernel takes a moment, and MPICH looks once
    until ip -n "$name" -br link | grep -q '^v.*LOWER_UP'; do sleep 0.1; done
    until ip -n "$name" -br link | grep -q '^v[^ ]* *UP '; do sleep 0.1; done
done
# In place of ssh: AGENT [options] HOST COMMAND
cat > "$agent" <<AGENT
#!/usr/bin/env bash
while [[ \$1 == -* ]]; do shift; done
host=\$1; shift
case \$host in 10.77.0.1) name=$a ;; 10.77.0.2) name=$b ;; *) echo "host '\$host'?" >&2; exit 1 ;; esac
exec ip netns exec \$name bash -c "\$*"
AGENT
chmod +x "$agent"
ranks=${RANKS-2}
if [[ $mpi == mpich ]]; then
    export UCX_TLS=tcp,self
    launch=(mpirun.mpich -launcher ssh -launcher-exec "$agent" -hosts "10.77.0.1:$((ranks - 1)),10.77.0.2:1" -n "$ranks")
else
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
    launch=(mpirun.openmpi --mca plm_rsh_agent "$agent" --host "10.77.0.1:$((ranks - 1)),10.77.0.2:1" --oversubscribe --bind-to none
        --mca btl tcp,self --mca pml ob1 --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 -n "$ranks")
    for name in OMP_NUM_THREADS ARD_MPI_TIMEOUT; do [[ -z ${!name-} ]] || launch+=(-x "$name"); done
fi
if [[ -n ${CUT-} ]]; then (sleep "$CUT"; ip -n "$a" link set "va$id" down; echo "the link is cut" >&2) & fi
ip netns exec "$a" "${launch[@]}" "$@"
