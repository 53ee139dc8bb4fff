#!/bin/sh
# Set up Slurm with this machine as its only node, for tests: run as root on a bare Debian or Ubuntu.
# Everything listens on the loopback. Run it again to start the daemons again, for instance after a reboot.
set -eu

mark="# Made by msd-gui's packaging/slurm.sh"
conf=/etc/slurm/slurm.conf

fail() {
    echo "slurm.sh: $1" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || fail "run it as root."
if [ -e "$conf" ] && ! grep -q "$mark" "$conf"; then
    fail "$conf belongs to another Slurm; this one would replace it."
fi
if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm munge
fi

node=$(hostname -s)
mkdir -p /etc/slurm /var/lib/slurm-msd/ctld /var/lib/slurm-msd/d /run/munge
chown munge: /run/munge
cat >"$conf" <<EOF
$mark
ClusterName=msd
SlurmctldHost=$node(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
CredType=cred/munge
SlurmUser=root
StateSaveLocation=/var/lib/slurm-msd/ctld
SlurmdSpoolDir=/var/lib/slurm-msd/d
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/lib/slurm-msd/ctld.log
SlurmdLogFile=/var/lib/slurm-msd/d.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
JobRequeue=1
ReturnToService=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP
EOF

pgrep -x munged >/dev/null || runuser -u munge -- munged
pgrep -x slurmctld >/dev/null || slurmctld
pgrep -x slurmd >/dev/null || slurmd
for _ in $(seq 60); do
    sinfo --noheader --format=%T 2>/dev/null | grep -qE "idle|mixed|allocated" && break
    sleep 1
done
sinfo
sinfo --noheader --format=%T | grep -qE "idle|mixed|allocated" || fail "the node did not start: see /var/lib/slurm-msd."
