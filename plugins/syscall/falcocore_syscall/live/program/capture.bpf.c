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
#include "requests.h"

char LICENSE[] SEC("license") = "GPL";
/* Of the files of this directory; a test compares it. */
const char DIGEST[] SEC("digest") = SOURCE_DIGEST;

#define X32_BIT 0x40000000
#define TS_COMPAT 2
#define TIF_32BIT 22
#define CLONE_FILES 1
#define CLONE_NEWPID 64
#define CLONE_THREAD 8192

#if defined(__TARGET_ARCH_arm64)
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
	u32 pid_of_maker = GET(maker, struct task_struct, tgid);
	if (GET(task, struct task_struct, tgid) != GET(task, struct task_struct, pid)) {
		if (!(want & WANT_THREADS) || pid_of_maker == own_pid)
			return;
		flags |= CLONE_THREAD;
	} else {
		program_forked(pid_of_maker, GET(task, struct task_struct, tgid));
	}
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
	struct scratch *s = is_current() ? begin_record((u64)child) : 0;
	if (!s)
		return 0;
	put_fork(s, (u64)parent, (u64)child);
#if defined(__TARGET_ARCH_arm64)
	put_return_of_child();
#endif
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid)
{
	struct scratch *s = is_current() ? begin_record((u64)task) : 0;
	if (!s)
		return 0;
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
	struct scratch *s = is_current() ? begin_record((u64)task) : 0;
	if (!s)
		return 0;
	u64 signal = (u64)GET(s->task, struct task_struct, signal);
	u32 is_last = GET(signal, struct signal_struct, live.counter) == 0;
	u32 pid = GET(s->task, struct task_struct, tgid);
	if (is_last)
		program_ended(pid);
	else if (!(want & WANT_THREADS) || pid == own_pid)
		return 0;
	s->args[0] = GET(s->task, struct task_struct, exit_code);
	put_head(EXIT, NR_UNKNOWN);
	if (is_last)
		((struct head *)s->record)->flags |= GROUP_DEAD;
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
	return HAS_REQUESTS ? submitted((u64)request_or_ring) : taken((u64)request_or_ring);
}

/* A request is done, whatever has come of it. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_complete, void *ring, void *request)
{
	return HAS_REQUESTS && request ? completed((u64)request) : 0;
}

/* Where a request opens a file. It may be told of as completed much later, when the descriptor is closed already
 * or stands for another file, or never, as its caller likes it. */
SEC("fexit/io_openat2")
int BPF_PROG(on_opened, struct io_kiocb *request, u32 how, int answer)
{
	return HAS_REQUESTS && !answer ? opened((u64)request) : 0;
}

/* The same for a file that gets no descriptor but a place in a table of the ring. */
SEC("fexit/io_fixed_fd_install")
int BPF_PROG(on_installed, struct io_kiocb *request, u32 how, struct file *file, u32 slot, int place)
{
	return HAS_REQUESTS && place >= 0 ? installed((u64)request, (u64)file, place) : 0;
}
