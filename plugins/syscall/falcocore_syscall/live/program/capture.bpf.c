// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Watches system calls and processes, and sends what rules may match to user space. What is wanted of which
 * call stands in tables that user space fills. */
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "read.h"
#include "record.h"
#include "scratch.h"
#include "paths.h"
#include "process.h"
#include "programs.h"
#include "descriptors.h"
#include "arguments.h"
#include "generated.h"
#include "classes.h"
#include "files.h"
#include "needs.h"

char LICENSE[] SEC("license") = "GPL";
/* Of the files of this directory; a test compares it. */
const char DIGEST[] SEC("digest") = SOURCE_DIGEST;

#define NR_UNKNOWN 0xffff
#define X32_BIT 0x40000000
#define TS_COMPAT 2
#define TIF_32BIT 22
#define CLONE_FILES 1
#define CLONE_NEWPID 64
#define CLONE_THREAD 8192
#define IORING_OP_OPENAT 18
#define IORING_OP_OPENAT2 28
#define IORING_OP_CONNECT 16
#define REQUEST_OF_FIXED_FILE 1

#if defined(__TARGET_ARCH_x86)
#define NR_OPENAT 257
#define NR_CONNECT 42
#else
#define NR_OPENAT 56
#define NR_CONNECT 203
#define NR_CLONE 220
#define NR_CLONE3 435
#endif

static __always_inline u64 current_task(void)
{
	return bpf_get_current_task();
}

static __always_inline int is_compat(u64 task)
{
#if defined(__TARGET_ARCH_x86)
	return GET(task, struct task_struct, thread_info.status) & TS_COMPAT;
#else
	return GET(task, struct task_struct, thread_info.flags) >> TIF_32BIT & 1;
#endif
}

static __always_inline void read_arguments(struct scratch *s, struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	if (s->is_compat) {
		s->args[0] = (u32)regs->bx;
		s->args[1] = (u32)regs->cx;
		s->args[2] = (u32)regs->dx;
		s->args[3] = (u32)regs->si;
		s->args[4] = (u32)regs->di;
		s->args[5] = (u32)regs->bp;
		return;
	}
	s->args[0] = regs->di;
	s->args[1] = regs->si;
	s->args[2] = regs->dx;
	s->args[3] = regs->r10;
	s->args[4] = regs->r8;
	s->args[5] = regs->r9;
#else
	s->args[0] = regs->orig_x0;
	s->args[1] = regs->regs[1];
	s->args[2] = regs->regs[2];
	s->args[3] = regs->regs[3];
	s->args[4] = regs->regs[4];
	s->args[5] = regs->regs[5];
#endif
}

static __always_inline u32 number_of(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	u64 nr = regs->orig_ax;
#else
	u32 nr = regs->syscallno;
#endif
	if (nr & X32_BIT)
		nr = (nr & ~X32_BIT) < X32_CALLS ? nr & ~X32_BIT : CALLS;
	return nr < CALLS ? nr : CALLS;
}

PART int put_arguments(u32 count)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	for (u32 number = 0; number < OPS && number < count; number++)
		put_argument(number);
	if (want & WANT_CWD)
		put_cwd(s, CWD, NO_ARGUMENT);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_call, struct pt_regs *regs, long ret)
{
	u32 nr = number_of(regs);
	if (nr >= CALLS)
		return 0;
	u8 may_be = wanted[nr & (CALLS - 1)];
	if (!may_be)
		return 0;
	if (!is_current())
		return 0;
	u64 task = current_task();
	int compat_call = is_compat(task) != 0;
	if (!(may_be & (compat_call ? 2 : 1)))
		return 0;
	if (compat_call) {
		nr = nr < COMPAT_CALLS ? compat[nr & (COMPAT_CALLS - 1)] : NR_UNKNOWN;
		if (nr >= CALLS)
			return 0;
	}
	struct call *c = bpf_map_lookup_elem(&calls, &nr);
	struct scratch *s = get_scratch();
	if (!c || !s || c->action == NOTHING)
		return 0;
	s->task = task;
	s->ret = compat_call ? (s32)ret : ret;
	s->is_compat = compat_call;
	read_arguments(s, regs);
	if (!may_match(s, c))
		return 0;
	if (bpf_get_current_pid_tgid() >> 32 == own_pid)
		return 0;
	put_head(CALL, nr);
	__builtin_memcpy(s->ops, c->ops, sizeof(s->ops));
	put_arguments(c->ops_count);
	send(s);
	return 0;
}

static __always_inline void put_fork(struct scratch *s, u64 maker, u64 task)
{
	u64 flags = 0;
	if (GET(task, struct task_struct, tgid) != GET(task, struct task_struct, pid)) {
		if (!(want & WANT_THREADS))
			return;
		flags |= CLONE_THREAD;
	} else {
		program_forked(GET(maker, struct task_struct, tgid), GET(task, struct task_struct, tgid));
	}
	if ((u32)GET(maker, struct task_struct, tgid) == own_pid && flags & CLONE_THREAD)
		return;
	if ((u64)GET(task, struct task_struct, files) == (u64)GET(maker, struct task_struct, files))
		flags |= CLONE_FILES;
	u64 pid = (u64)GET(task, struct task_struct, thread_pid), parent_pid = (u64)GET(maker, struct task_struct, thread_pid);
	if (GET(pid, struct pid, level) != GET(parent_pid, struct pid, level))
		flags |= CLONE_NEWPID;
	s->args[0] = GET(maker, struct task_struct, pid);
	s->args[1] = flags;
	put_head(FORK, NR_UNKNOWN);
	send(s);
}

#if defined(__TARGET_ARCH_arm64)
/* On arm64 what was made does not return from clone by way of sys_exit. Its registers, which lie where its
 * stack begins, still have what its maker called with. */
PART int put_return_of_child(void)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u64 task = s->task, regs = GET(task, struct task_struct, thread.cpu_context.sp);
	u32 nr = GET(regs, struct pt_regs, syscallno);
	s->is_compat = is_compat(task) != 0;
	if (s->is_compat)
		nr = nr < COMPAT_CALLS ? compat[nr & (COMPAT_CALLS - 1)] : NR_UNKNOWN;
	/* What the kernel makes for itself has no registers of a call. */
	if ((nr != NR_CLONE && nr != NR_CLONE3) || GET(task, struct task_struct, tgid) == own_pid)
		return 0;
	struct call *c = bpf_map_lookup_elem(&calls, &nr);
	if (!c || c->action == NOTHING)
		return 0;
	s->args[0] = GET(regs, struct pt_regs, orig_x0);
	u64 others = AT(regs, struct pt_regs, regs) + sizeof(u64);
	bpf_probe_read_kernel(&s->args[1], sizeof(s->args) - sizeof(u64), (void *)others);
	if (!may_match(s, c))
		return 0;
	put_head(CALL, nr);
	__builtin_memcpy(s->ops, c->ops, sizeof(s->ops));
	put_arguments(c->ops_count);
	send(s);
	return 0;
}
#endif

/* A process or thread was made; it has not run yet. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct scratch *s = get_scratch();
	if (!s || !is_current())
		return 0;
	s->task = (u64)child;
	s->ret = 0;
	s->is_compat = 0;
	__builtin_memset(s->args, 0, sizeof(s->args));
	put_fork(s, (u64)parent, (u64)child);
#if defined(__TARGET_ARCH_arm64)
	put_return_of_child();
#endif
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid)
{
	struct scratch *s = get_scratch();
	if (!s || !is_current())
		return 0;
	s->task = (u64)task;
	s->ret = 0;
	s->is_compat = 0;
	__builtin_memset(s->args, 0, sizeof(s->args));
	s->args[0] = old_pid;
	put_head(EXEC, NR_UNKNOWN);
	s->exe_flags = 0;
	put_process();
	program_started(GET(s->task, struct task_struct, tgid));
	u64 mm = (u64)GET(s->task, struct task_struct, mm);
	u64 exe = (u64)GET(mm, struct mm_struct, exe_file);
	if (exe)
		put_path_of(s, exe, EXE, NO_ARGUMENT);
	put_cwd(s, CWD, NO_ARGUMENT);
	put_cgroup();
	put_ancestors();
	if (want & WANT_ENV)
		put_user_range(s, ENV, GET(mm, struct mm_struct, env_start), GET(mm, struct mm_struct, env_end), 4095);
	put_user_range(s, ARGV, GET(mm, struct mm_struct, arg_start), GET(mm, struct mm_struct, arg_end), MOST_ITEM - 1);
	send(s);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct scratch *s = get_scratch();
	if (!s || !is_current())
		return 0;
	s->task = (u64)task;
	u64 signal = (u64)GET(s->task, struct task_struct, signal);
	u32 is_last = GET(signal, struct signal_struct, live.counter) == 0;
	if (is_last)
		program_ended(GET(s->task, struct task_struct, tgid));
	else if (!(want & WANT_THREADS))
		return 0;
	s->ret = 0;
	s->is_compat = 0;
	__builtin_memset(s->args, 0, sizeof(s->args));
	s->args[0] = GET(s->task, struct task_struct, exit_code);
	put_head(EXIT, NR_UNKNOWN);
	if (is_last)
		((struct head *)s->record)->flags |= GROUP_DEAD;
	send(s);
	return 0;
}

/* The descriptor that a request is about: its file is looked up later. -1 for one that was registered before. */
static __always_inline s64 requested_fd(u64 request)
{
	if (!bpf_core_field_exists(((struct io_kiocb *)0)->cqe) ||
	    GET(request, struct io_kiocb, flags) & REQUEST_OF_FIXED_FILE)
		return -1;
	return (s32)GET(request, struct io_kiocb, cqe.fd);
}

/* Calls that are asked for through io_uring don't go through sys_exit. They are told of when they are asked
 * for: what comes of them is not known then. */
PART int put_submitted(void)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u64 request = s->request;
	u8 code = GET(request, struct io_kiocb, opcode);
	u32 nr = code == IORING_OP_CONNECT ? NR_CONNECT : NR_OPENAT;
	if (code != IORING_OP_OPENAT && code != IORING_OP_OPENAT2 && code != IORING_OP_CONNECT)
		return 0;
	struct call *c = bpf_map_lookup_elem(&calls, &nr);
	if (!c || c->action == NOTHING)
		return 0;
	s->task = current_task();
	s->ret = 0;
	s->is_compat = 0;
	__builtin_memset(s->args, 0, sizeof(s->args));
	if (code == IORING_OP_CONNECT) {
		s->args[0] = requested_fd(request);
		put_head(CALL, nr);
		if ((s32)s->args[0] >= 0)
			put_fd(s->args[0], 0);
		u64 address = 0;
		bpf_core_read(&address, sizeof(address), &((struct io_connect *)request)->addr);
		put_bytes(s, address, GET(request, struct io_connect, addr_len), 128, ADDRESS, 1);
	} else {
		s->args[0] = GET(request, struct io_open, dfd);
		s->args[2] = GET(request, struct io_open, how.flags);
		s->args[3] = GET(request, struct io_open, how.mode);
		put_head(CALL, nr);
		u64 name = (u64)GET(request, struct io_open, filename);
		put_kernel_text(s, (u64)GET(name, struct filename, name), 1);
		put_directory(1, 0);
	}
	if (want & WANT_CWD)
		put_cwd(s, CWD, NO_ARGUMENT);
	((struct head *)s->record)->flags |= RING;
	send(s);
	return 0;
}

static __always_inline int submitted(u64 request)
{
	struct scratch *s = get_scratch();
	if (!s || !is_current())
		return 0;
	s->request = request;
	return put_submitted();
}

/* The beginning of a struct io_uring_sqe, as it is for opens and connects. */
struct entry {
	u8 opcode, flags;
	u16 priority;
	s32 fd;
	u64 second_address, address;
	u32 length, open_flags;
};
#define ENTRY_BYTES 64
#define WIDE_ENTRIES 10       /* bit of a ring whose entries have twice that size */

/* The entry that a ring has taken last. It lies in memory of the program that asks, which may change it
 * meanwhile: what is told is what stands there now. */
static __always_inline int read_entry(u64 ring, struct entry *e)
{
	u32 mask = GET(ring, struct io_ring_ctx, sq_entries) - 1, place = 0;
	u32 taken = (GET(ring, struct io_ring_ctx, cached_sq_head) - 1) & mask;
	u64 places = (u64)GET(ring, struct io_ring_ctx, sq_array);
	if (bpf_probe_read_kernel(&place, sizeof(place), (void *)(places + taken * sizeof(place))))
		return 0;
	place = (place & mask) << (GET(ring, struct io_ring_ctx, flags) >> WIDE_ENTRIES & 1);
	u64 entries = (u64)GET(ring, struct io_ring_ctx, sq_sqes);
	return !bpf_probe_read_kernel(e, sizeof(*e), (void *)(entries + (u64)place * ENTRY_BYTES));
}

/* As put_submitted, where the kernel tells of the ring and not of the request. */
PART int put_entry(void)
{
	struct scratch *s = get_scratch();
	struct entry e = {};
	if (!s || !read_entry(s->request, &e))
		return 0;
	u32 nr = e.opcode == IORING_OP_CONNECT ? NR_CONNECT : NR_OPENAT;
	if (e.opcode != IORING_OP_OPENAT && e.opcode != IORING_OP_OPENAT2 && e.opcode != IORING_OP_CONNECT)
		return 0;
	struct call *c = bpf_map_lookup_elem(&calls, &nr);
	if (!c || c->action == NOTHING)
		return 0;
	s->task = current_task();
	s->ret = 0;
	s->is_compat = 0;
	__builtin_memset(s->args, 0, sizeof(s->args));
	s->args[0] = e.fd;
	if (e.opcode == IORING_OP_CONNECT) {
		if (e.flags & REQUEST_OF_FIXED_FILE)
			s->args[0] = -1;
		put_head(CALL, nr);
		if ((s32)s->args[0] >= 0)
			put_fd(s->args[0], 0);
		put_bytes(s, e.address, e.second_address, 128, ADDRESS, 1);
	} else {
		u64 how[2] = {e.open_flags, e.length};
		if (e.opcode == IORING_OP_OPENAT2)
			bpf_probe_read_user(how, sizeof(how), (void *)e.second_address);
		s->args[2] = how[0];
		s->args[3] = how[1];
		put_head(CALL, nr);
		put_text(e.address, 1);
		put_directory(1, 0);
	}
	if (want & WANT_CWD)
		put_cwd(s, CWD, NO_ARGUMENT);
	((struct head *)s->record)->flags |= RING;
	send(s);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_submit, struct io_kiocb *request)
{
	return submitted((u64)request);
}

/* Its name until 6.3. Before 6.0, when requests had no `cmd`, its first argument was the ring. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_submit_sqe, void *request_or_ring)
{
	if (bpf_core_field_exists(((struct io_kiocb *)0)->cmd))
		return submitted((u64)request_or_ring);
	struct scratch *s = get_scratch();
	if (!s || !is_current())
		return 0;
	s->request = (u64)request_or_ring;
	return put_entry();
}
