/* SPDX-License-Identifier: MIT */
/*
 * vfork_x86_64.S - vfork() for a process that uses restartable sequences.
 *
 * The child of a vfork runs in its parent's memory, thread area included, but
 * the kernel does not register the area for it: the CPU slot number there is
 * the parent's and would never be corrected, and no sequence of the child would
 * be restarted. So the child changes it to a slot of its own, percpu_vfork_slot,
 * which has no sheaves: all its calls take the slow path. The parent puts the
 * old number back unless the kernel has written a newer one.
 *
 * The return address is kept in a register, for the child's calls overwrite the
 * stack below.
 */
	.text
	.globl	vfork
	.type	vfork, @function
vfork:
	.cfi_startproc
	endbr64
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rdi
	movq	percpu_vfork_cid(%rip), %r8
	movl	percpu_vfork_slot(%rip), %r9d
	movq	saved_cid@gottpoff(%rip), %r10
	movl	$58, %eax		/* SYS_vfork */
	syscall
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rip, 0
	cmpq	$-4095, %rax
	jae	.Lerror
	testq	%r8, %r8		/* percpu=lock, or no mm_cid */
	jz	.Ldone
	testl	%eax, %eax
	jnz	.Lparent
	movl	%fs:(%r8), %ecx
	movl	%ecx, %fs:(%r10)
	movl	%r9d, %fs:(%r8)
.Ldone:
	ret
.Lparent:
	movl	%eax, %edx
	movl	%fs:(%r10), %esi
	movl	%r9d, %eax
	cmpxchgl %esi, %fs:(%r8)
	movl	%edx, %eax
	ret
.Lerror:
	negl	%eax
	pushq	%rax
	.cfi_adjust_cfa_offset 8
	call	__errno_location@PLT
	popq	%rdx
	.cfi_adjust_cfa_offset -8
	movl	%edx, (%rax)
	movl	$-1, %eax
	ret
	.cfi_endproc
	.size	vfork, . - vfork

	.section .tbss,"awT",@nobits
	.balign	4
saved_cid:
	.zero	4
	.section .note.GNU-stack,"",@progbits
