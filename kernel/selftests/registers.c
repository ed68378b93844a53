// SPDX-License-Identifier: Apache-2.0
/* Registers, the vector unit and thread-local storage. */
/* covers: Tasks | general, x87, SSE and AVX registers | supported */
#include <fenv.h>
#include <stdint.h>
#include <string.h>

#include "subject.h"
#include "tap.h"

static __thread uint64_t tls_value;

/*
 * Wait in a loop that calls nothing, with known values in all registers that
 * can be spared. The flag is set by a signal handler, so nothing else moves.
 */
#include <signal.h>
static volatile int go;

static void on_usr1(int sig)
{
	(void)sig;
	go = 1;
}

static void spin_with_registers(uint64_t out[8], unsigned char xmm_out[256], const unsigned char xmm_in[256])
{
	asm volatile(
		"movdqu 0(%2), %%xmm0\n\t" "movdqu 16(%2), %%xmm1\n\t" "movdqu 112(%2), %%xmm7\n\t" "movdqu 240(%2), %%xmm15\n\t"
		"movq $0x1111111111111111, %%r8\n\t" "movq $0x2222222222222222, %%r9\n\t"
		"movq $0x3333333333333333, %%r12\n\t" "movq $0x4444444444444444, %%r13\n\t"
		"movq $0x5555555555555555, %%r14\n\t" "movq $0x6666666666666666, %%r15\n\t"
		"1: pause\n\t" "cmpl $0, %3\n\t" "je 1b\n\t"
		"movq %%r8, 0(%0)\n\t" "movq %%r9, 8(%0)\n\t" "movq %%r12, 16(%0)\n\t" "movq %%r13, 24(%0)\n\t"
		"movq %%r14, 32(%0)\n\t" "movq %%r15, 40(%0)\n\t"
		"movdqu %%xmm0, 0(%1)\n\t" "movdqu %%xmm1, 16(%1)\n\t" "movdqu %%xmm7, 112(%1)\n\t" "movdqu %%xmm15, 240(%1)\n\t"
		: : "r"(out), "r"(xmm_out), "r"(xmm_in), "m"(go)
		: "r8", "r9", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm7", "xmm15", "memory", "cc");
}

#include <sys/wait.h>
#include <unistd.h>

/* The child spins in user mode; the parent sleeps, so that the subject counts as ready. */
static void in_user_mode(void)
{
	pid_t child;
	int status;

	signal(SIGUSR1, on_usr1);
	child = fork();
	if (child == 0) {
		unsigned char in[256], out[256] = { };
		uint64_t regs[8] = { };
		bool same = true;

		for (int i = 0; i < 256; i++)
			in[i] = i * 7 + 3;
		spin_with_registers(regs, out, in);
		for (int i = 0; i < 6; i++)
			same &= regs[i] == 0x1111111111111111ULL * (i + 1);
		verify(same, "general registers of a task in user mode");
		verify(!memcmp(in, out, 32) && !memcmp(in + 112, out + 112, 16) && !memcmp(in + 240, out + 240, 16),
		       "xmm registers of a task in user mode");
		_exit(0);
	}
	pause_here();
	kill(child, SIGUSR1);
	verify(waitpid(child, &status, 0) == child && status == 0, "the child ends well (status 0x%x)", status);
}

static void unit(void)
{
	volatile double d = 1.0;
	unsigned int mxcsr = 0;
	unsigned short control = 0;

	tls_value = 0xfeedfacecafebeefULL;
	fesetround(FE_UPWARD);
	for (int i = 0; i < 100; i++)
		d *= 1.0000001;
	double expected = d;
	pause_here();
	asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
	verify(d == expected, "a double");
	verify(fegetround() == FE_UPWARD && (mxcsr & 0x6000) == 0x4000 && (control & 0xc00) == 0x800, "rounding modes");
	verify(tls_value == 0xfeedfacecafebeefULL, "thread-local storage");
}

static bool has_avx(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx");
}

/* Upper halves live only in the extended part of the state. */
static void avx(void)
{
	unsigned char in[32], out[32] = { };

	for (int i = 0; i < 32; i++)
		in[i] = 255 - i;
	go = 0;
	signal(SIGUSR1, on_usr1);
	pid_t child = fork();
	int status;

	if (child == 0) {
		asm volatile("vmovdqu (%1), %%ymm9\n\t" "1: pause\n\t" "cmpl $0, %2\n\t" "je 1b\n\t" "vmovdqu %%ymm9, (%0)\n\t"
			     "vzeroupper" : : "r"(out), "r"(in), "m"(go) : "xmm9", "memory", "cc");
		verify(!memcmp(in, out, 32), "a ymm register");
		_exit(0);
	}
	pause_here();
	kill(child, SIGUSR1);
	waitpid(child, &status, 0);
	verify(status == 0, "the child ends well (status 0x%x)", status);
}

int main(void)
{
	need_checkpoint();
	subject_round("unit", unit);
	subject_round("user mode", in_user_mode);
	if (has_avx())
		subject_round("avx", avx);
	else
		tap_diag("this CPU has no AVX");
	return tap_done();
}
