# shellcheck shell=bash
# What the tests of the pager's examples share.

# shellcheck source=tests/examples/lib.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/lib.sh"

# may_be_refused FILE: what a program said that could not have its mapping.
may_be_refused() {
	! grep -E 'pagoda_map: (Operation not permitted|Function not impl)' "$1" ||
		skip "no userfaultfd for the faults of system calls"
}
