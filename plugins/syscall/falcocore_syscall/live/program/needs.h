/* Whether a call is wanted: which groups of rules are left of those of its class, and what they need beside. */
#pragma once

#define PORT_AT 2            /* in addresses of both families */
#define MOST_ABOVE 12        /* with more programs above, one of them may be any */

/* What is known of the program that a process runs; NULL where that is nothing. */
static __always_inline struct program *program_of(u64 leader)
{
	u32 pid = GET(leader, struct task_struct, pid);
	struct program *p = bpf_map_lookup_elem(&programs, &pid);
	return p && p->tick == tick_of(leader) ? p : 0;
}

static __always_inline u64 leader_of_parent(u64 leader)
{
	u64 parent = (u64)GET(leader, struct task_struct, real_parent);
	return (u64)GET(parent, struct task_struct, group_leader);
}

static __always_inline void put_name_of(struct scratch *s, struct program *p)
{
	__builtin_memset(s->path + NAME_AT, 0, MOST_NAME + 8);
	__builtin_memcpy(s->path + NAME_AT, p->name, PROGRAM_BYTES);
}

/* Of `left`, the groups that the program which calls will do for. */
PART u64 match_caller(u64 left)
{
	struct scratch *s = get_scratch();
	if (!s)
		return left;
	struct program *p = program_of((u64)GET(s->task, struct task_struct, group_leader));
	if (!p)
		return left;
	for (u32 number = 0; number < MARKS; number++) {
		if (!(p->exe_flags >> number & 1))
			left &= ~marks[number];
	}
	if (left & program_groups) {
		put_name_of(s, p);
		left &= ~program_groups | (match_program(s->path, 0) ^ other_programs);
	}
	if (left & exe_groups) {
		__builtin_memset(s->path + NAME_AT, 0, MOST_NAME + 8);
		__builtin_memcpy(s->path + NAME_AT, p->exe, EXE_BYTES);
		left &= ~exe_groups | match_exe(s->path, 0);
	}
	return left;
}

/* Of `left`, the groups that the programs above will do for. */
PART u64 match_above(u64 left)
{
	struct scratch *s = get_scratch();
	if (!s)
		return left;
	u64 leader = (u64)GET(s->task, struct task_struct, group_leader);
	if (left & parent_groups) {
		struct program *p = program_of(leader_of_parent(leader));
		if (p) {
			put_name_of(s, p);
			left &= ~parent_groups | (match_parent(s->path, 0) ^ other_parents);
		}
	}
	if (!(left & ancestor_groups))
		return left;
	u64 found = 0;
	for (int level = 0; level < MOST_ABOVE; level++) {
		struct program *p = program_of(leader);
		if (!p)
			return left;
		put_name_of(s, p);
		found |= match_ancestor(s->path, 0);
		u64 above = leader_of_parent(leader);
		/* Above the first process of all there is none. */
		if (above == leader || !GET(above, struct task_struct, pid))
			return left & (~ancestor_groups | found);
		leader = above;
	}
	return left;
}

/* The groups that the working directory will do for. */
PART u64 match_cwd(void)
{
	struct scratch *s = get_scratch();
	if (!s)
		return EVERY_GROUP;
	u64 fs = (u64)GET(s->task, struct task_struct, fs);
	walk_from(s, (u64)GET(fs, struct fs_struct, pwd.dentry), (u64)GET(fs, struct fs_struct, pwd.mnt));
	build_path();
	return s->walk.is_cut ? EVERY_GROUP : match_directory(s->path, s->walk.at);
}

/* The groups that the port of the address will do for which the call was given, at most `length` bytes. */
PART u64 match_address(u64 address, u64 length)
{
	struct scratch *s = get_scratch();
	u16 port = 0;
	if (!s || !address || length < PORT_AT + sizeof(port))
		return 0;
	if (bpf_probe_read_user(&port, sizeof(port), (void *)(address + PORT_AT)))
		return EVERY_GROUP;
	return match_port(s->path, bpf_ntohs(port));
}

/* The same for a struct msghdr, which begins with the address and its length. */
PART u64 match_message(u64 message)
{
	struct scratch *s = get_scratch();
	struct user_message wide = {};
	struct user_message32 narrow = {};
	if (!s)
		return EVERY_GROUP;
	if (!s->is_compat) {
		if (bpf_probe_read_user(&wide, sizeof(wide), (void *)message))
			return EVERY_GROUP;
		return match_address(wide.name, wide.name_length);
	}
	if (bpf_probe_read_user(&narrow, sizeof(narrow), (void *)message))
		return EVERY_GROUP;
	return match_address(narrow.name, narrow.name_length);
}

/* Of `left`, the groups that a port of the socket, or of the address that was given, will do for. */
PART u64 match_ports(u64 left, u32 address_arg, u32 length_arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return left;
	u64 file = file_of(s->task, s->args[0]);
	if (!file || !is_socket(file))
		return left;
	u64 socket = (u64)GET(file, struct file, private_data), sock = (u64)GET(socket, struct socket, sk);
	if (!sock)
		return left;
	u64 found = match_port(s->path, GET(sock, struct sock, __sk_common.skc_num));
	found |= match_port(s->path, bpf_ntohs(GET(sock, struct sock, __sk_common.skc_dport)));
	if (length_arg == IN_MESSAGE)
		found |= match_message(argument(s, address_arg));
	else if (length_arg != NO_ADDRESS)
		found |= match_address(argument(s, address_arg), (u32)argument(s, length_arg));
	return left & (~port_groups | found);
}

/* Of `left`, the groups for which the number of the user and the ports will do. */
PART u64 match_numbers(u64 left, u32 address_arg, u32 length_arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return left;
	if (left & user_groups) {
		u64 credentials = (u64)GET(s->task, struct task_struct, cred);
		left &= ~user_groups | match_user(s->path, GET(credentials, struct cred, euid.val));
	}
	if (left & port_groups)
		left = match_ports(left, address_arg, length_arg);
	return left;
}

/* 0 where no rule can match the call. What is looked at first leaves the fewest calls for its cost. */
static __always_inline int may_match(struct scratch *s, struct call *c)
{
	if (c->action == EMIT)
		return 1;
	u64 left = groups_of(s, c);
	if (!left || left & ~tested_groups)
		return left != 0;
	if (left & (user_groups | port_groups))
		left = match_numbers(left, c->address_arg, c->length_arg);
	u64 of_files = left & (name_groups | path_groups), asked = argument(s, c->path_arg);
	if (of_files)
		left = (left & ~of_files) | match_file(of_files, asked);
	u64 of_callers = mark_groups | program_groups | exe_groups, above = parent_groups | ancestor_groups;
	if (!left || left & ~(climbing_groups | of_callers | above | directory_groups))
		return left != 0;
	if (left & climbing_groups && !climbs(asked))
		left &= ~climbing_groups;
	if (left & of_callers)
		left = match_caller(left);
	if (left & above)
		left = match_above(left);
	if (!left || left & ~directory_groups)
		return left != 0;
	return (left & match_cwd()) != 0;
}
