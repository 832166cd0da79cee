/* SPDX-License-Identifier: MIT */
/*
 * filter.h - system calls of the process caught by a seccomp filter: those that a
 * sandbox does not allow, and those of memory management, refused from the N-th to
 * the M-th. x86-64 only.
 *
 * Calls are caught with SIGSYS. The handler counts, and repeats a call that it lets
 * pass from the one place that the filter does not look at.
 */
#ifndef PRELOAD_FILTER_H
#define PRELOAD_FILTER_H

#include "test.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

/* ---- calls the filter lets pass by where they come from ---------------- */

long filtered_syscall(long number, long a, long b, long c, long d, long e,
		      long f);
extern const char filtered_syscall_end[];
__asm__(".pushsection .text\n"
	".globl filtered_syscall\n"
	".type filtered_syscall, @function\n"
	"filtered_syscall:\n"
	"	movq %rdi, %rax\n"
	"	movq %rsi, %rdi\n"
	"	movq %rdx, %rsi\n"
	"	movq %rcx, %rdx\n"
	"	movq %r8, %r10\n"
	"	movq %r9, %r8\n"
	"	movq 8(%rsp), %r9\n"
	"	syscall\n"
	".globl filtered_syscall_end\n"
	"filtered_syscall_end:\n"
	"	ret\n"
	".size filtered_syscall, . - filtered_syscall\n"
	".popsection\n");

/* ---- filters ----------------------------------------------------------- */

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
/* On equality, go on to the next instruction, else skip @n. */
#define UNLESS_EQUAL_SKIP(value, n)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (n))

enum { MOST_CALLS = 32 };

/*
 * Calls in @calls get @then, all others @otherwise; calls from
 * filtered_syscall() always pass.
 */
static void install(const int *calls, size_t n, uint32_t then,
		    uint32_t otherwise, unsigned int flags)
{
	uint64_t passing = (uint64_t)(uintptr_t)filtered_syscall_end;
	struct sock_filter filter[2 * MOST_CALLS + 16] = {
		LOAD(instruction_pointer),
		UNLESS_EQUAL_SKIP(passing, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer) +
				 4),
		UNLESS_EQUAL_SKIP(passing >> 32, 1),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(arch),
		UNLESS_EQUAL_SKIP(AUDIT_ARCH_X86_64, 1),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
	};
	struct sock_fprog program = {10, filter};
	size_t i;

	CHECK(n <= MOST_CALLS);
	for (i = 0; i < n; i++) {
		filter[program.len++] =
			(struct sock_filter)UNLESS_EQUAL_SKIP(calls[i], 1);
		filter[program.len++] = (struct sock_filter)RETURN(then);
	}
	filter[program.len++] = (struct sock_filter)RETURN(otherwise);
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

static void on_sigsys(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	CHECK(!sigaction(SIGSYS, &action, NULL));
}

/* ---- refused calls ----------------------------------------------------- */

static const int memory_calls[] = {SYS_mmap,	SYS_mprotect, SYS_mremap,
				   SYS_madvise, SYS_munmap,   SYS_brk,
				   SYS_mlock2};

/* Calls number first .. last are refused; counted from 1. */
static struct {
	long first, last;
} refuse;
static atomic_long calls_seen;

static void count_call(int sig, siginfo_t *info, void *context)
{
	greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;
	long number = atomic_fetch_add(&calls_seen, 1) + 1;

	(void)sig;
	/* A refused brk() returns where the break is. */
	if (number < refuse.first || number > refuse.last)
		reg[REG_RAX] = filtered_syscall(info->si_syscall, reg[REG_RDI],
						reg[REG_RSI], reg[REG_RDX],
						reg[REG_R10], reg[REG_R8],
						reg[REG_R9]);
	else if (info->si_syscall == SYS_brk)
		reg[REG_RAX] = filtered_syscall(SYS_brk, 0, 0, 0, 0, 0, 0);
	else
		reg[REG_RAX] = -ENOMEM;
}

/*
 * From here on, of the memory calls those number @first to @last, counted from 1,
 * are refused with ENOMEM. Again and again: the filter is there once.
 */
static void refuse_memory(long first, long last)
{
	static bool installed;

	refuse.first = first;
	refuse.last = last;
	atomic_store(&calls_seen, 0);
	if (installed)
		return;
	installed = true;
	on_sigsys(count_call);
	install(memory_calls, ARRAY_SIZE(memory_calls), SECCOMP_RET_TRAP,
		SECCOMP_RET_ALLOW, 0);
}

/* As if other programs had given memory back. */
static void relent(void)
{
	refuse.first = LONG_MAX;
}

#endif
