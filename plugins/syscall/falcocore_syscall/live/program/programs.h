/* What programs were called when they were started, which prctl() does not change, and what they were started
 * as: it is what `proc.name` and `proc.exe` tell. Of what was started before only user space knows it. */
#pragma once

static __always_inline u64 tick_of(u64 leader)
{
	return GET(leader, struct task_struct, start_boottime) / TICK_NS;
}

static __always_inline void name_program(u32 pid, struct program *p)
{
	/* A wrong name is worse than none. */
	if (bpf_map_update_elem(&programs, &pid, p, BPF_ANY))
		bpf_map_delete_elem(&programs, &pid);
}

static __always_inline void program_ended(u32 pid)
{
	bpf_map_delete_elem(&programs, &pid);
}

/* A process has the name of the one that has made it. */
PART int program_forked(u32 maker_pid, u32 pid)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct program *of_maker = bpf_map_lookup_elem(&programs, &maker_pid), p = {};
	if (!of_maker) {
		bpf_map_delete_elem(&programs, &pid);
		return 0;
	}
	p = *of_maker;
	p.tick = tick_of(s->task);
	name_program(pid, &p);
	return 0;
}

/* Called when the scratch has what put_process has found. */
PART int program_started(u32 pid)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct program p = {
		.tick = tick_of((u64)GET(s->task, struct task_struct, group_leader)),
		.exe_flags = s->exe_flags,
	};
	bpf_probe_read_kernel_str(p.name, sizeof(p.name), (void *)AT(s->task, struct task_struct, comm));
	u64 mm = (u64)GET(s->task, struct task_struct, mm);
	if (bpf_probe_read_user_str(p.exe, sizeof(p.exe), (void *)GET(mm, struct mm_struct, arg_start)) < 0)
		program_ended(pid);
	else
		name_program(pid, &p);
	return 0;
}
