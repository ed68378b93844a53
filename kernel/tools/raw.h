/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls with nothing of libc around them, for tasks that share this program's
 * memory and thread pointer. They return what the kernel returns: an error is negative.
 */
#ifndef CRLAB_RAW_H
#define CRLAB_RAW_H

static inline long raw2(long nr, long a, long b)
{
	register long ret asm("rax") = nr;

	asm volatile("syscall" : "+a"(ret) : "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

static inline long raw3(long nr, long a, long b, long c)
{
	register long ret asm("rax") = nr;

	asm volatile("syscall" : "+a"(ret) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}

static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long ret asm("rax") = nr;
	register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;

	asm volatile("syscall" : "+a"(ret) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return ret;
}

#endif
