/* Who has done it: the head of each record, and what is told of a process when it runs another program. */
#pragma once

#define PF_KTHREAD 0x00200000
enum { PIDTYPE_PGID = 2, PIDTYPE_SID = 3 };
#define RLIMIT_NOFILE 7
#define PAGE_KB 4
#define OVERLAYFS_MAGIC 0x794c7630
#define TMPFS_MAGIC 0x01021994
#define MOST_ANCESTORS 8
#define MOST_GROUPS 12
#define MOST_TEXT 4095
#define S_IWUSR 0200
#define S_IWOTH 0002

/* The number of a pid in the namespace of its level; in the first one for level 0. */
static __always_inline u32 pid_number(u64 pid, u32 level)
{
	u64 numbers = AT(pid, struct pid, numbers);
	s32 number = 0;
	level &= 31;
	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)(numbers + level * bpf_core_type_size(struct upid)));
	return number;
}

static __always_inline u64 pid_namespace(u64 pid, u32 level)
{
	u64 numbers = AT(pid, struct pid, numbers), namespace = 0;
	u64 upid = numbers + (level & 31) * bpf_core_type_size(struct upid);
	bpf_probe_read_kernel(&namespace, sizeof(namespace),
			      (void *)(upid + bpf_core_field_offset(struct upid, ns)));
	return namespace;
}

/* The control group that tells containers apart: of version 2, or of the controller of version 1 that user
 * space has found in use. */
static __always_inline u64 cgroup_of(u64 task)
{
	u64 groups = (u64)GET(task, struct task_struct, cgroups), subsystem = 0;
	if (!controller)
		return (u64)GET(groups, struct css_set, dfl_cgrp);
	u64 subsystems = AT(groups, struct css_set, subsys);
	bpf_probe_read_kernel(&subsystem, sizeof(subsystem), (void *)(subsystems + 8 * ((controller - 1) & 15)));
	return (u64)GET(subsystem, struct cgroup_subsys_state, cgroup);
}

static __always_inline u64 cgroup_id(u64 task)
{
	u64 node = (u64)GET(cgroup_of(task), struct cgroup, kn);
	return GET(node, struct kernfs_node, id);
}

PART int put_head(u32 kind, u32 nr)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct head *h = (void *)s->record;
	u64 task = s->task, leader = (u64)GET(task, struct task_struct, group_leader);
	u64 parent = (u64)GET(task, struct task_struct, real_parent);
	u64 credentials = (u64)GET(task, struct task_struct, cred);
	u64 signal = (u64)GET(task, struct task_struct, signal);
	h->kind = kind;
	h->cpu = bpf_get_smp_processor_id();
	h->time_ns = bpf_ktime_get_boot_ns();
	h->tid = GET(task, struct task_struct, pid);
	h->pid = GET(task, struct task_struct, tgid);
	h->ppid = GET(parent, struct task_struct, tgid);
	h->nr = nr;
	h->ret = s->ret;
	__builtin_memcpy(h->args, s->args, sizeof(h->args));
	h->start_ns = GET(leader, struct task_struct, start_boottime);
	h->cgroup = cgroup_id(task);
	h->uid = GET(credentials, struct cred, euid.val);
	h->gid = GET(credentials, struct cred, egid.val);
	h->loginuid = -1;
	if (bpf_core_field_exists(((struct task_struct *)0)->loginuid))
		h->loginuid = GET(task, struct task_struct, loginuid.val);
	bpf_probe_read_kernel(&h->caps_effective, sizeof(u64), (void *)AT(credentials, struct cred, cap_effective));
	bpf_probe_read_kernel(h->comm, sizeof(h->comm), (void *)AT(task, struct task_struct, comm));
	h->flags = s->is_compat ? COMPAT : 0;

	u64 pid = (u64)GET(task, struct task_struct, thread_pid);
	u32 level = GET(pid, struct pid, level);
	h->vtid = h->tid;
	h->vpid = h->pid;
	h->pidns_start_ns = 0;
	if (level) {
		u64 reaper = (u64)GET(pid_namespace(pid, level), struct pid_namespace, child_reaper);
		h->flags |= IN_PID_NAMESPACE;
		h->vtid = pid_number(pid, level);
		h->vpid = pid_number((u64)GET(leader, struct task_struct, thread_pid), level);
		h->pidns_start_ns = GET(reaper, struct task_struct, start_boottime);
	}
	h->sid = pid_number((u64)GET(signal, struct signal_struct, pids[PIDTYPE_SID]), 0);
	h->pgid = pid_number((u64)GET(signal, struct signal_struct, pids[PIDTYPE_PGID]), 0);
	s->at = sizeof(*h);
	s->dropped = 0;
	return 0;
}

static __always_inline void send(struct scratch *s)
{
	struct head *h = (void *)s->record;
	u32 size = s->at;
	if (s->dropped)
		h->flags |= TRUNCATED;
	if (size > sizeof(s->record))
		size = sizeof(s->record);
	h->size = size;
	if (bpf_ringbuf_output(&ring, h, size, 0))
		count_drop(DROP_NO_ROOM);
}

/* Layers of an overlay: its inode is followed in memory by the entry in the upper layer, NULL for none. */
static __always_inline u32 layer_of(u64 inode, u32 upper, u32 lower)
{
	u64 block = (u64)GET(inode, struct inode, i_sb), entry = 0;
	if ((u32)GET(block, struct super_block, s_magic) != OVERLAYFS_MAGIC)
		return 0;
	bpf_probe_read_kernel(&entry, sizeof(entry), (void *)(inode + bpf_core_type_size(struct inode)));
	return entry ? upper : lower;
}

static __always_inline int is_memfd(u64 dentry, u64 inode)
{
	char name[8] = {};
	u64 block = (u64)GET(inode, struct inode, i_sb);
	if ((u32)GET(block, struct super_block, s_magic) != TMPFS_MAGIC)
		return 0;
	if ((u64)GET(dentry, struct dentry, d_parent) != dentry)
		return 0;
	bpf_probe_read_kernel(name, 6, (void *)GET(dentry, struct dentry, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' && name[4] == 'd' && name[5] == ':';
}

static __always_inline void read_times(struct process_item *p, u64 inode)
{
	if (bpf_core_field_exists(((struct inode *)0)->i_ctime_sec)) {
		p->exe_ctime_ns = GET(inode, struct inode, i_ctime_sec) * 1000000000ull +
				  GET(inode, struct inode, i_ctime_nsec);
		p->exe_mtime_ns = GET(inode, struct inode, i_mtime_sec) * 1000000000ull +
				  GET(inode, struct inode, i_mtime_nsec);
		return;
	}
	struct timespec64 time = {};
	if (bpf_core_field_exists(((struct inode___ctime *)0)->__i_ctime))
		bpf_core_read(&time, sizeof(time), &((struct inode___ctime *)inode)->__i_ctime);
	else if (bpf_core_field_exists(((struct inode___times *)0)->i_ctime))
		bpf_core_read(&time, sizeof(time), &((struct inode___times *)inode)->i_ctime);
	p->exe_ctime_ns = time.tv_sec * 1000000000ull + time.tv_nsec;
	if (bpf_core_field_exists(((struct inode___both_times *)0)->__i_mtime))
		bpf_core_read(&time, sizeof(time), &((struct inode___both_times *)inode)->__i_mtime);
	else if (bpf_core_field_exists(((struct inode___times *)0)->i_mtime))
		bpf_core_read(&time, sizeof(time), &((struct inode___times *)inode)->i_mtime);
	p->exe_mtime_ns = time.tv_sec * 1000000000ull + time.tv_nsec;
}

static __always_inline u32 terminal_of(u64 signal)
{
	u64 tty = (u64)GET(signal, struct signal_struct, tty);
	if (!tty)
		return 0;
	u64 driver = (u64)GET(tty, struct tty_struct, driver);
	u32 minor = GET(driver, struct tty_driver, minor_start) + GET(tty, struct tty_struct, index);
	return (u32)GET(driver, struct tty_driver, major) << 20 | minor;
}

PART int put_process(void)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct process_item *p = (void *)item_room(s);
	if (!p)
		return 0;
	u64 task = s->task, mm = (u64)GET(task, struct task_struct, mm);
	u64 credentials = (u64)GET(task, struct task_struct, cred);
	u64 signal = (u64)GET(task, struct task_struct, signal);
	bpf_probe_read_kernel(&p->cap_inheritable, 8, (void *)AT(credentials, struct cred, cap_inheritable));
	bpf_probe_read_kernel(&p->cap_permitted, 8, (void *)AT(credentials, struct cred, cap_permitted));
	bpf_probe_read_kernel(&p->cap_effective, 8, (void *)AT(credentials, struct cred, cap_effective));
	p->exe_ino = p->exe_ctime_ns = p->exe_mtime_ns = 0;
	p->exe_flags = 0;
	u64 exe = (u64)GET(mm, struct mm_struct, exe_file);
	if (exe) {
		u64 inode = (u64)GET(exe, struct file, f_inode);
		p->exe_ino = GET(inode, struct inode, i_ino);
		read_times(p, inode);
		u32 mode = GET(inode, struct inode, i_mode), owner = GET(inode, struct inode, i_uid.val);
		u32 uid = GET(credentials, struct cred, euid.val);
		if (uid == 0 || mode & S_IWOTH || (owner == uid && mode & S_IWUSR))
			p->exe_flags |= EXE_WRITABLE;
		p->exe_flags |= layer_of(inode, EXE_UPPER_LAYER, EXE_LOWER_LAYER);
		if (is_memfd((u64)GET(exe, struct file, f_path.dentry), inode))
			p->exe_flags |= EXE_MEMFD;
	}
	s->exe_flags = p->exe_flags;
	p->tty = terminal_of(signal);
	u64 pid = (u64)GET(task, struct task_struct, thread_pid);
	u32 level = GET(pid, struct pid, level);
	p->vpgid = pid_number((u64)GET(signal, struct signal_struct, pids[PIDTYPE_PGID]), level);
	p->vsid = pid_number((u64)GET(signal, struct signal_struct, pids[PIDTYPE_SID]), level);
	p->pfmajor = GET(task, struct task_struct, maj_flt);
	p->pfminor = GET(task, struct task_struct, min_flt);
	p->fdlimit = GET(signal, struct signal_struct, rlim[RLIMIT_NOFILE].rlim_cur);
	p->vmsize_kb = GET(mm, struct mm_struct, total_vm) * PAGE_KB;
	p->vmrss_kb = p->vmswap_kb = p->pad = 0;
	item_done(s, PROCESS, NO_ARGUMENT, 0, sizeof(*p));
	return 0;
}

static __always_inline u64 parent_node(u64 node)
{
	/* Renamed in 6.15. */
	if (bpf_core_field_exists(((struct kernfs_node *)0)->__parent))
		return (u64)GET(node, struct kernfs_node, __parent);
	return (u64)GET(node, struct kernfs_node___older, parent);
}

/* Names of a control group and those above it. */
PART int put_cgroup(void)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u8 *room = item_room(s);
	if (!room)
		return 0;
	u64 node = (u64)GET(cgroup_of(s->task), struct cgroup, kn);
	u32 at = 0;
	for (int level = 0; level < MOST_GROUPS && node; level++) {
		u64 above = parent_node(node);
		if (!above)
			break;
		long length = bpf_probe_read_kernel_str(room + (at & 0xfff), 256, (void *)GET(node, struct kernfs_node, name));
		if (length > 0)
			at += length;
		node = above;
	}
	item_done(s, CGROUP, NO_ARGUMENT, 0, at & 0xfff);
	return 0;
}

PART int put_ancestors(void)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct ancestor_item *a = (void *)item_room(s);
	if (!a)
		return 0;
	u64 task = s->task;
	u32 size = 0;
	for (int level = 0; level < MOST_ANCESTORS; level++, a++) {
		u64 parent = (u64)GET(task, struct task_struct, real_parent);
		u32 pid = GET(parent, struct task_struct, tgid);
		if (!pid || parent == task)
			break;
		task = (u64)GET(parent, struct task_struct, group_leader);
		u64 credentials = (u64)GET(task, struct task_struct, cred);
		a->pid = pid;
		a->uid = GET(credentials, struct cred, euid.val);
		a->start_ns = GET(task, struct task_struct, start_boottime);
		bpf_probe_read_kernel(a->comm, sizeof(a->comm), (void *)AT(task, struct task_struct, comm));
		size += sizeof(*a);
	}
	item_done(s, ANCESTORS, NO_ARGUMENT, 0, size);
	return 0;
}

/* Memory between two addresses of the process, `mask` + 1 bytes at most. */
static __always_inline void put_user_range(struct scratch *s, u16 kind, u64 start, u64 end, u32 mask)
{
	u8 *room = item_room(s);
	if (!room)
		return;
	u64 size = end - start;
	u8 flags = 0;
	if (size > mask) {
		size = mask;
		flags = CUT;
	}
	u64 length = size;
	BOUND(length, mask);
	if (bpf_probe_read_user(room, length, (void *)start)) {
		flags |= UNREADABLE;
		length = 0;
	}
	item_done(s, kind, NO_ARGUMENT, flags, length);
}
