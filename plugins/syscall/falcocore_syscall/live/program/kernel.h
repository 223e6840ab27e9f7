/* The parts of the kernel's types that are read. Offsets come from the running kernel (CO-RE), so order and
 * size don't matter here; `___old` and the like are names that a type had, or has, on other kernels. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;

enum { BPF_ANY = 0 };
enum bpf_map_type {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10, r9, r8, bp, bx, cx, dx, si, di, orig_ax;
};
struct thread_info {
	unsigned long flags;
	u32 status;
};
#else
struct pt_regs {
	u64 regs[31];
	u64 orig_x0;
	s32 syscallno;
};
struct thread_info {
	unsigned long flags;
};
struct cpu_context {
	unsigned long sp;
};
struct thread_struct {
	struct cpu_context cpu_context;
};
#endif

struct qstr {
	u32 len;
	const unsigned char *name;
};
struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};
struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};
struct inode {
	u16 i_mode;
	struct {
		u32 val;
	} i_uid;
	struct super_block *i_sb;
	unsigned long i_ino;
	s64 i_mtime_sec, i_ctime_sec;
	u32 i_mtime_nsec, i_ctime_nsec;
};
struct inode___times {
	struct timespec64 i_mtime, i_ctime;
};
struct inode___ctime {
	struct timespec64 __i_ctime;
};
struct inode___both_times {
	struct timespec64 __i_mtime;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};
struct vfsmount {
	struct dentry *mnt_root;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	u32 f_flags, f_mode;
	void *private_data;
};
struct fdtable {
	u32 max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct fs_struct {
	struct path root, pwd;
};
struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end, total_vm;
	struct file *exe_file;
};
struct cred {
	struct {
		u32 val;
	} euid, egid;
	struct {
		u64 val;
	} cap_inheritable, cap_permitted, cap_effective;
};

struct kernfs_node {
	const char *name;
	u64 id;
	struct kernfs_node *__parent;
};
struct kernfs_node___older {
	struct kernfs_node *parent;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};
struct task_struct;
struct pid_namespace {
	struct task_struct *child_reaper;
	u32 level;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	u32 level;
	struct upid numbers[1];
};
struct tty_struct {
	int index;
	struct tty_driver *driver;
};
struct tty_driver {
	int major, minor_start;
};
struct rlimit {
	unsigned long rlim_cur;
};
struct signal_struct {
	struct {
		int counter;
	} live;
	struct pid *pids[4];
	struct tty_struct *tty;
	struct rlimit rlim[16];
};
struct task_struct {
	struct thread_info thread_info;
	u32 flags;
	int pid, tgid, exit_code;
	struct task_struct *real_parent, *group_leader;
	u64 start_boottime;
	char comm[16];
	const struct cred *cred;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct {
		u32 val;
	} loginuid;
	struct signal_struct *signal;
	struct pid *thread_pid;
	struct css_set *cgroups;
	unsigned long min_flt, maj_flt;
#if defined(__TARGET_ARCH_arm64)
	struct thread_struct thread;
#endif
};

/* Lists of the kernel begin with pointers: they serve to load words from any address. */
struct hlist_head {
	struct hlist_node *first;
};
struct list_head {
	struct list_head *next, *prev;
};

struct in6_addr {
	u8 bytes[16];
};
struct sock_common {
	u16 skc_family;
	u8 skc_state;
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
};
struct socket {
	short type;
	struct sock *sk;
};
struct sockaddr_un {
	u16 sun_family;
};
struct unix_address {
	int len;
	struct sockaddr_un name[1];
};
struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct filename {
	const char *name;
};
struct open_how {
	u64 flags, mode, resolve;
};
struct io_open {
	int dfd;
	u32 file_slot;
	struct filename *filename;
	struct open_how how;
};
struct io_connect {
	struct sockaddr *addr;
	int addr_len;
};
struct io_cmd_data {
	struct file *file;
};
struct io_cqe {
	int res, fd;
};
struct io_kiocb {
	u8 opcode;
	struct file *file;
	struct io_cmd_data cmd;
	struct io_cqe cqe;
	u64 flags;
};
struct io_ring_ctx {
	u32 flags;
	u32 *sq_array;
	u32 cached_sq_head, sq_entries;
	struct io_uring_sqe *sq_sqes;
};
#pragma clang attribute pop
