/* SPDX-License-Identifier: MIT */
/*
 * catch_x86_64.S - call a function of the program and stop its exceptions.
 *
 * bool call_and_catch(void (*fn)(void)): whether fn threw. C has no catch, so
 * the frame names a personality routine of its own (cxx.c), which claims every
 * exception and resumes at call_and_catch_landing with the exception in rax.
 */
	.text
	.globl	call_and_catch
	.hidden	call_and_catch
	.type	call_and_catch, @function
call_and_catch:
	.cfi_startproc
	.cfi_personality 0x1b, catch_personality	/* pc-relative */
	endbr64
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	*%rdi
	xorl	%eax, %eax
	addq	$8, %rsp
	.cfi_remember_state
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_restore_state
	.globl	call_and_catch_landing
	.hidden	call_and_catch_landing
call_and_catch_landing:
	endbr64
	movq	%rax, %rdi
	call	drop_exception
	movl	$1, %eax
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size	call_and_catch, . - call_and_catch

	.section .note.GNU-stack,"",@progbits
