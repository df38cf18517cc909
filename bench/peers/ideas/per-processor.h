/* SPDX-License-Identifier: MIT */
/*
 * per-processor.h: a number for each processor, and a plain addition that the
 * kernel starts anew when the thread was moved meanwhile.
 *
 * The idea of librseq's rseq_load_add_store__ptr() and the kernel's restartable
 * sequences, on the area that glibc (since 2.35) registers for each thread. Only
 * for x86-64.
 */
#ifndef PORTER_PEERS_PER_PROCESSOR_H
#define PORTER_PEERS_PER_PROCESSOR_H

#include <atomic>
#include <cstdint>

#if defined(__x86_64__) && __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#include <unistd.h>
#define PORTER_PEERS_RSEQ 1

class per_processor
{
      public:
	static constexpr int64_t slack = 0;

	/* Whether the kernel and glibc have it. */
	static bool there()
	{
		return __rseq_size > 0 && configured() <= PROCESSORS_MOST;
	}

	void charge(int64_t n)
	{
		volatile struct rseq *mine = area();

		for (;;) {
			uint32_t processor = mine->cpu_id_start;

			if (add(mine, &cells_[processor].value, n, processor))
				return;
		}
	}
	void refund(int64_t n)
	{
		charge(-n);
	}
	int64_t read()
	{
		int64_t sum = 0;

		for (long i = 0; i < processors_; i++)
			sum += __atomic_load_n(&cells_[i].value,
					       __ATOMIC_RELAXED);
		return sum;
	}

      private:
	enum { PROCESSORS_MOST = 1024 };

	struct alignas(128) cell {
		int64_t value = 0;
	};

	static volatile struct rseq *area()
	{
		char *thread;

		asm("mov %%fs:0, %0" : "=r"(thread));
		return reinterpret_cast<volatile struct rseq *>(thread +
								__rseq_offset);
	}

	/*
	 * From 1 to 2 the thread runs undisturbed, or goes on at 4. The bytes
	 * before 4 are the signature by which the kernel knows that it may.
	 */
	static bool add(volatile struct rseq *mine, int64_t *value, int64_t n,
			uint32_t processor)
	{
		asm goto(
			".pushsection __rseq_cs, \"aw\"\n\t"
			".balign 32\n\t"
			"3:\n\t"
			".long 0, 0\n\t"
			".quad 1f, 2f - 1f, 4f\n\t"
			".popsection\n\t"
			"leaq 3b(%%rip), %%rax\n\t"
			"movq %%rax, %[sequence]\n\t"
			"1:\n\t"
			"cmpl %[processor], %[is_on]\n\t"
			"jnz 4f\n\t"
			"addq %[n], %[value]\n\t"
			"2:\n\t"
			".pushsection __rseq_failure, \"ax\"\n\t"
			".byte 0x0f, 0xb9, 0x3d\n\t"
			".long 0x53053053\n\t"
			"4:\n\t"
			"jmp %l[again]\n\t"
			".popsection\n\t"
			: /* an asm goto has no outputs */
			: [sequence] "m"(mine->rseq_cs),
			  [processor] "r"(processor), [is_on] "m"(mine->cpu_id),
			  [value] "m"(*value), [n] "er"(n)
			: "memory", "cc", "rax"
			: again);
		return true;
again:
		return false;
	}

	static long configured()
	{
		return sysconf(_SC_NPROCESSORS_CONF);
	}

	const long processors_ = configured();
	cell cells_[PROCESSORS_MOST];
};

#endif
#endif /* PORTER_PEERS_PER_PROCESSOR_H */
