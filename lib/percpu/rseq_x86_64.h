/* SPDX-License-Identifier: MIT */
/*
 * rseq_x86_64.h - the restartable sequences on x86-64.
 *
 * Idea: Documentation/admin-guide and tools/testing/selftests/rseq of Linux,
 * per-CPU caches as in tcmalloc. A sequence publishes a descriptor {start,
 * length, abort address} in the thread's rseq area, loads the CPU slot, works
 * on that slot's region and ends with one store. If the thread is preempted,
 * migrated or signalled before the store, the kernel resumes it at the abort
 * address; the four bytes before that address are the signature glibc
 * registered with.
 *
 * Registers inside a sequence: rcx the region, r10 the class's header, rdx its
 * cur.
 *
 * malloc and free each wait for the other's `cur`. Current CPUs forward a store to
 * the next load of the same address without delay, but only one of 32 bits (of 16
 * bits after 7 cycles), and Intel's only where both say the address by a register
 * alone (with an index after 5 cycles: a pair took 1.6 times as long).
 */
#ifndef PAGODA_PERCPU_RSEQ_X86_64_H
#define PAGODA_PERCPU_RSEQ_X86_64_H

#include "percpu/percpu.h"

#define RSEQ_SIGNATURE "0x53053053"

/* The descriptor, the abort trampoline and the store that arms the sequence. */
#define RSEQ_ARM(abort_label)                                             \
	".pushsection __rseq_cs, \"aw\"\n\t"                              \
	".balign 32\n"                                                    \
	"3:\n\t"                                                          \
	".long 0, 0\n\t"                                                  \
	".quad 1f, 2f - 1f, 4f\n\t"                                       \
	".popsection\n\t"                                                 \
	".pushsection .text.rseq_abort, \"ax\"\n\t"                       \
	".byte 0x0f, 0xb9, 0x3d\n\t" /* ud1 with the signature as operand */ \
	".long " RSEQ_SIGNATURE "\n"                                      \
	"4:\n\t"                                                          \
	"jmp %l[" #abort_label "]\n\t"                                    \
	".popsection\n\t"                                                 \
	"leaq 3b(%%rip), %%rcx\n\t"                                       \
	"movq %%rcx, %%fs:(%[cs])\n"                                      \
	"1:\n\t"

/* ... and the region of the CPU slot it finds itself on, with @class's header. */
#define RSEQ_BEGIN(abort_label)           \
	RSEQ_ARM(abort_label)             \
	"movl %%fs:(%[cid]), %%ecx\n\t"   \
	"shlq %[shift], %%rcx\n\t"        \
	"addq %[base], %%rcx\n\t"         \
	"leaq (%%rcx, %[class], 8), %%r10\n\t"

/*
 * First behind a label that a sequence with an output may jump to: gcc 12.2 puts
 * what belongs on that edge, such as loading the result, on the other one if the
 * label's block is empty.
 */
#define RSEQ_EDGE __asm__ volatile("")

#define RSEQ_INPUTS                                                     \
	[cs] "r"(percpu.cs_offset), [cid] "r"(percpu.cid_offset),        \
		[base] "m"(percpu.base), [shift] "i"(PERCPU_SHIFT)

/*
 * rseq_pop() - the object on top of the current CPU's sheaf of @class, or NULL
 * (empty, or aborted). Five loads, two stores, one branch: what tells an empty
 * sheaf is not its header but the guard, the only negative pointer. A load less, and
 * a pair took a tenth less.
 */
static ALWAYS_INLINE void *rseq_pop(uintptr_t class)
{
	void *obj;

	__asm__ goto volatile(
		RSEQ_BEGIN(empty)
		"movl (%%r10), %%edx\n\t"
		"movq -8(%%rcx, %%rdx, 8), %[obj]\n\t"
		"testq %[obj], %[obj]\n\t" /* the guard? */
		"jle %l[empty]\n\t"
		"movq -16(%%rcx, %%rdx, 8), %%rcx\n\t"
		"decl %%edx\n\t"
		"prefetchw (%%rcx)\n\t"
		"movl %%edx, (%%r10)\n"
		"2:\n\t"
		: [obj] "=&a"(obj)
		: RSEQ_INPUTS, [class] "r"(class)
		: "rcx", "rdx", "r10", "memory", "cc"
		: empty);
	/* A sheaf holds no null pointers: callers test only for `empty`. */
	if (!obj)
		__builtin_unreachable();
	return obj;
empty:
	RSEQ_EDGE;
	return NULL;
}

/*
 * rseq_push() - put @obj on top of the current CPU's sheaf of @class.
 * Return: false if it is full, was aborted, or if @obj is on top already,
 * which the caller must find out.
 */
static ALWAYS_INLINE bool rseq_push(uintptr_t class, void *obj)
{
	__asm__ goto volatile(
		RSEQ_BEGIN(full)
		"movl (%%r10), %%edx\n\t"
		"cmpw 6(%%r10), %%dx\n\t"
		"je %l[full]\n\t"
		"cmpq %[obj], -8(%%rcx, %%rdx, 8)\n\t"
		"je %l[full]\n\t"
		"movq %[obj], (%%rcx, %%rdx, 8)\n\t"
		"incl %%edx\n\t"
		"movl %%edx, (%%r10)\n"
		"2:\n\t"
		:
		: RSEQ_INPUTS, [class] "r"(class), [obj] "r"(obj)
		: "rcx", "rdx", "r10", "memory", "cc"
		: full);
	return true;
full:
	return false;
}

/* Is @obj on top? Only meaningful on a thread's own CPU; racy elsewhere. */
static inline bool rseq_is_top(uintptr_t class, const void *obj)
{
	__asm__ goto volatile(
		RSEQ_BEGIN(aborted)
		"movl (%%r10), %%edx\n\t"
		"cmpw 4(%%r10), %%dx\n\t"
		"je %l[aborted]\n\t"
		"cmpq %[obj], -8(%%rcx, %%rdx, 8)\n\t"
		"jne %l[aborted]\n"
		"2:\n\t"
		:
		: RSEQ_INPUTS, [class] "r"(class), [obj] "r"(obj)
		: "rcx", "rdx", "r10", "memory", "cc"
		: aborted);
	return true;
aborted:
	return false;
}

/*
 * Copy eax pointers, at least one, from rsi to rdi, two at a time; rcx is lost. For
 * as few as these "rep movsq" takes longer to start than to copy.
 */
#define RSEQ_COPY                                 \
	"movl %%eax, %%r8d\n\t"                   \
	"testb $1, %%al\n\t"                      \
	"jz 5f\n\t"                               \
	"movq -8(%%rsi, %%r8, 8), %%rcx\n\t"      \
	"movq %%rcx, -8(%%rdi, %%r8, 8)\n\t"      \
	"decl %%r8d\n\t"                          \
	"jz 6f\n"                                 \
	"5:\n\t"                                  \
	"movups -16(%%rsi, %%r8, 8), %%xmm0\n\t"  \
	"movups %%xmm0, -16(%%rdi, %%r8, 8)\n\t"  \
	"subl $2, %%r8d\n\t"                      \
	"jnz 5b\n"                                \
	"6:\n\t"

#define RSEQ_COPY_CLOBBERS \
	"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r10", "xmm0", "memory", "cc"

/*
 * rseq_popn() - move up to @n objects to @objs, oldest first.
 * Return: how many, or -1 if aborted.
 */
static inline int rseq_popn(uintptr_t class, void **objs, size_t n)
{
	uint64_t moved;

	__asm__ goto volatile(
		RSEQ_BEGIN(aborted)
		"movl (%%r10), %%edx\n\t"
		"movzwl 4(%%r10), %%eax\n\t"
		"subl %%edx, %%eax\n\t"
		"negl %%eax\n\t" /* cur - begin */
		"cmpq %[n], %%rax\n\t"
		"cmovaq %[n], %%rax\n\t"
		"testl %%eax, %%eax\n\t"
		"jz 2f\n\t" /* empty, or the zeros of a stop: no store */
		"subl %%eax, %%edx\n\t" /* the new cur */
		"leaq (%%rcx, %%rdx, 8), %%rsi\n\t"
		"movq %[objs], %%rdi\n\t"
		RSEQ_COPY
		"movl %%edx, (%%r10)\n"
		"2:\n\t"
		"movq %%rax, %[moved]\n\t"
		: [moved] "=&r"(moved)
		: RSEQ_INPUTS, [class] "r"(class), [objs] "r"(objs),
		  [n] "r"(n)
		: RSEQ_COPY_CLOBBERS
		: aborted);
	/* What fits a header. */
	if (moved > UINT16_MAX)
		__builtin_unreachable();
	return (int)moved;
aborted:
	RSEQ_EDGE;
	return -1;
}

/* rseq_pushn() - the opposite; takes the first objects of @objs. */
static inline int rseq_pushn(uintptr_t class, void *const *objs, size_t n)
{
	uint64_t moved;

	__asm__ goto volatile(
		RSEQ_BEGIN(aborted)
		"movl (%%r10), %%edx\n\t"
		"movzwl 6(%%r10), %%eax\n\t"
		"subl %%edx, %%eax\n\t" /* end - cur */
		"cmpq %[n], %%rax\n\t"
		"cmovaq %[n], %%rax\n\t"
		"testl %%eax, %%eax\n\t"
		"jz 2f\n\t" /* full, or the zeros of a stop: no store */
		"leaq (%%rcx, %%rdx, 8), %%rdi\n\t"
		"addl %%eax, %%edx\n\t" /* the new cur */
		"movq %[objs], %%rsi\n\t"
		RSEQ_COPY
		"movl %%edx, (%%r10)\n"
		"2:\n\t"
		"movq %%rax, %[moved]\n\t"
		: [moved] "=&r"(moved)
		: RSEQ_INPUTS, [class] "r"(class), [objs] "r"(objs),
		  [n] "r"(n)
		: RSEQ_COPY_CLOBBERS
		: aborted);
	/* What fits a header. */
	if (moved > UINT16_MAX)
		__builtin_unreachable();
	return (int)moved;
aborted:
	RSEQ_EDGE;
	return -1;
}

/*
 * rseq_resize() - if the header is still @old: copy its objects to new.begin
 * on, with a guard before them, and make the header @new.
 * Return: 1 done, 0 the header differs, the region is not online or the regions
 * are stopped, -1 aborted.
 */
static inline int rseq_resize(uintptr_t class, union sheaf_header old,
			      union sheaf_header new)
{
	uint64_t count = (uint64_t)(old.cur - old.begin);
	uint64_t from = old.begin, to = new.begin;

	__asm__ goto volatile(
		RSEQ_ARM(aborted)
		/* Not into the zeros: is this the real base? */
		"movq %[base], %%rax\n\t"
		"cmpq %[real], %%rax\n\t"
		"jne %l[differs]\n\t"
		"movl %%fs:(%[cid]), %%ecx\n\t"
		"shlq %[shift], %%rcx\n\t"
		"addq %%rax, %%rcx\n\t"
		"cmpq $0, (%%rcx)\n\t"
		"je %l[differs]\n\t"
		"movq %[old], %%rax\n\t"
		"cmpq %%rax, (%%rcx, %[class], 8)\n\t"
		"jne %l[differs]\n\t"
		"movq %[from], %%rsi\n\t"
		"leaq (%%rcx, %%rsi, 8), %%rsi\n\t"
		"movq %[to], %%rdi\n\t"
		"leaq (%%rcx, %%rdi, 8), %%rdi\n\t"
		"movq %[guard], -8(%%rdi)\n\t"
		"movq %%rcx, %%rdx\n\t"
		"movq %[count], %%rcx\n\t"
		"rep movsq\n\t"
		"movq %[new], %%rax\n\t"
		"movq %%rax, (%%rdx, %[class], 8)\n"
		"2:\n\t"
		:
		: RSEQ_INPUTS, [class] "r"(class), [old] "m"(old.word),
		  [new] "m"(new.word), [from] "m"(from), [to] "m"(to),
		  [count] "m"(count), [guard] "r"(PERCPU_GUARD),
		  [real] "m"(percpu.real_base)
		: "rax", "rcx", "rdx", "rsi", "rdi", "memory", "cc"
		: aborted, differs);
	return 1;
differs:
	return 0;
aborted:
	return -1;
}

/* Number of the CPU slot the thread is on: a hint. */
static inline unsigned int rseq_slot(void)
{
	unsigned int slot;

	__asm__ volatile("movl %%fs:(%[cid]), %[slot]"
			 : [slot] "=r"(slot)
			 : [cid] "r"(percpu.cid_offset));
	return slot;
}

#endif
