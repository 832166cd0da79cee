#!/bin/sh
# SPDX-License-Identifier: MIT
# overcommit.sh LIBRARY LIMITS: proves that programs start and work with
# vm.overcommit_memory=2, where the kernel charges each writable private mapping
# in full: what is only reserved must not be charged. LIMITS is the program
# built from limits.c.
#
# The setting is the whole machine's. It is put back whatever happens, and
# nothing else of the suite runs meanwhile.
set -eu

library=$1
program=$2
setting=/proc/sys/vm/overcommit_memory

saved=$(cat $setting)
if [ ! -w $setting ] || ! echo "$saved" 2>/dev/null >$setting; then
	echo "skipped: $setting cannot be written (needs root, no container)"
	exit 77
fi

# KiB that may still be charged once the setting is strict.
limit=$(awk '/^CommitLimit:/ { print $2 }' /proc/meminfo)
charged=$(awk '/^Committed_AS:/ { print $2 }' /proc/meminfo)
if [ $((limit - charged)) -lt 524288 ]; then
	echo "skipped: only $((limit - charged)) KiB are left to be committed"
	exit 77
fi

trap 'echo "$saved" >$setting' EXIT
trap 'exit 1' HUP INT TERM
echo 2 >$setting

LD_PRELOAD=$library "$program" heavy
# The charge for a program that does next to nothing, in KiB.
LD_PRELOAD=$library "$program" charge
echo "overcommit_memory=2: ok"
