/* Reading the kernel's memory. Where the kernel has bpf_rdonly_cast (6.2 and later) a member is loaded
 * directly, which costs next to nothing; elsewhere by a helper call of 30 ns. The branch that is not taken is
 * found dead by the verifier: the loader makes the symbol's address 0 where the kernel lacks it. */
#pragma once

extern void *bpf_rdonly_cast(void *object, u32 btf_id) __ksym __weak;

#define IS_DIRECT (bpf_rdonly_cast != 0)

#define GET(pointer, type, member)                                                                      \
	({                                                                                              \
		typeof(((type *)0)->member) value_;                                                     \
		type *from_ = (type *)(pointer);                                                        \
		if (IS_DIRECT)                                                                          \
			value_ = ((type *)bpf_rdonly_cast(from_, bpf_core_type_id_kernel(type)))->member; \
		else                                                                                    \
			bpf_core_read(&value_, sizeof(value_), &from_->member);                         \
		value_;                                                                                 \
	})

/* The address of a member that is a structure. */
#define AT(pointer, type, member)                                                                       \
	({                                                                                              \
		type *from_ = (type *)(pointer);                                                        \
		(u64)__builtin_preserve_access_index(&from_->member);                                   \
	})

/* Mask a number where the compiler, which knows that it is small enough, would leave that out; the verifier
 * doesn't know it. */
#define BOUND(number, mask) asm volatile("%0 &= %1" : "+r"(number) : "i"(mask))

/* A function that the verifier looks at once, by itself, and not again at each place that calls it. It takes
 * and gives numbers only, which every kernel since 5.6 supports. */
#define PART __attribute__((noinline))
