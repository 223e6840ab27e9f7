/* The class of a call, as `live/pushdown/classes.py` counts them, and the groups of rules that may match it, as
 * `live/pushdown/groups.py` makes them. */
#pragma once

enum class_bit { FAILED = 4, IN_CONTAINER = 8, BY_ROOT = 16, A_DIRECTORY = 32 };
enum { FAMILY_OTHER, FAMILY_UNIX, FAMILY_INET, FAMILY_INET6 };
enum place { HOST = 1, CONTAINER, EITHER };
#define EVERY_GROUP (~0ull)
#define O_ACCMODE 3
#if defined(__TARGET_ARCH_x86)
#define O_DIRECTORY 0200000
#else
#define O_DIRECTORY 040000
#endif

static __always_inline int open_flags(struct scratch *s, struct call *c, u64 *flags)
{
	if (c->flags_arg < 6) {
		*flags = argument(s, c->flags_arg);
		return 1;
	}
	if (c->flags_arg != FLAGS_IN_OPEN_HOW)
		return 0;
	return bpf_probe_read_user(flags, sizeof(*flags), (void *)s->args[2]) == 0;
}

static __always_inline u32 family_class(u16 family)
{
	switch (family) {
	case AF_UNIX:
		return FAMILY_UNIX;
	case AF_INET:
		return FAMILY_INET;
	case AF_INET6:
		return FAMILY_INET6;
	}
	return FAMILY_OTHER;
}

/* The groups of the class in one place or the other. Where a container is in no other groups than the host,
 * or no call is spared by it, finding out costs more than it saves. */
static __always_inline u64 groups_here(u64 task, u64 on_host, u64 in_container)
{
	u64 differing = on_host ^ in_container;
	if (!differing || (on_host && in_container && !(differing & ~tested_groups)))
		return on_host | in_container;
	u64 id = cgroup_id(task);
	u32 *place = bpf_map_lookup_elem(&cgroups, &id);
	if (!place || *place == EITHER)
		return on_host | in_container;
	return *place == CONTAINER ? in_container : on_host;
}

/* The groups of the class that the call is of; of every class where that is not known. */
static __always_inline u64 groups_of(struct scratch *s, struct call *c)
{
	u32 found = s->ret < 0 ? FAILED : 0;
	u64 task = s->task, credentials = (u64)GET(task, struct task_struct, cred);
	if (!GET(credentials, struct cred, euid.val))
		found |= BY_ROOT;
	if (c->kind == DOMAIN) {
		found |= family_class((u16)s->args[0]);
	} else if (c->kind == OPEN) {
		u64 flags = 0;
		if (c->flags_arg != NO_FLAGS) {
			if (!open_flags(s, c, &flags) || (flags & O_ACCMODE) == O_ACCMODE)
				return c->every_group;
			found |= (flags & O_ACCMODE) + 1;
			if (flags & O_DIRECTORY)
				found |= A_DIRECTORY;
		}
	} else if (c->kind == SOCKET || (c->kind == RETURNED_FD && s->ret >= 0)) {
		u64 file = file_of(task, c->kind == SOCKET ? s->args[0] : s->ret);
		if (!file)
			return c->every_group;
		if (is_socket(file)) {
			u64 socket = (u64)GET(file, struct file, private_data);
			u64 sock = (u64)GET(socket, struct socket, sk);
			found |= family_class(GET(sock, struct sock, __sk_common.skc_family));
		} else if (c->kind == SOCKET) {
			return c->every_group;
		}
	}
	return groups_here(task, c->groups[found & (CLASSES - 1)], c->groups[(found | IN_CONTAINER) & (CLASSES - 1)]);
}
