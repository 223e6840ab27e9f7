/* Whether any rule may match: by the class of a call, then by its path. `live/pushdown/classes.py` counts
 * classes alike. */
#pragma once

enum class_bit { FAILED = 4, IN_CONTAINER = 8, BY_ROOT = 16, A_DIRECTORY = 32 };
enum { FAMILY_OTHER, FAMILY_UNIX, FAMILY_INET, FAMILY_INET6 };
enum place { HOST = 1, CONTAINER, EITHER };
#define EVERY_CLASS (~0ull)
#define O_ACCMODE 3
#define MOST_CLIMB 256
#if defined(__TARGET_ARCH_x86)
#define O_DIRECTORY 0200000
#else
#define O_DIRECTORY 040000
#endif

/* Generated code is linked in the place of these two; alone they let everything pass. */
static __noinline u64 match_path(u8 *path, u64 start)
{
	u64 classes = EVERY_CLASS;
	asm volatile("" : "+r"(classes) : "r"(path), "r"(start) : "memory");
	return classes;
}

static __noinline u64 match_name(u8 *path, u64 length)
{
	u64 classes = EVERY_CLASS;
	asm volatile("" : "+r"(classes) : "r"(path), "r"(length) : "memory");
	return classes;
}

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

/* The set of classes that the call may be of; more than one where something is not known. */
static __always_inline u64 classes_of(struct scratch *s, struct call *c)
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
				return EVERY_CLASS;
			found |= (flags & O_ACCMODE) + 1;
			if (flags & O_DIRECTORY)
				found |= A_DIRECTORY;
		}
	} else if (c->kind == SOCKET || (c->kind == RETURNED_FD && s->ret >= 0)) {
		u64 file = file_of(task, c->kind == SOCKET ? s->args[0] : s->ret);
		if (!file)
			return EVERY_CLASS;
		u64 inode = (u64)GET(file, struct file, f_inode);
		if ((GET(inode, struct inode, i_mode) & S_IFMT) == S_IFSOCK) {
			u64 socket = (u64)GET(file, struct file, private_data);
			u64 sock = (u64)GET(socket, struct socket, sk);
			found |= family_class(GET(sock, struct sock, __sk_common.skc_family));
		} else if (c->kind == SOCKET) {
			return EVERY_CLASS;
		}
	}
	u64 on_host = 1ull << found, in_container = 1ull << (found | IN_CONTAINER);
	/* Where the call is wanted in both places or in none, finding out costs more than it saves. */
	if (!places_matter || !(c->classes & on_host) == !(c->classes & in_container))
		return on_host | in_container;
	u64 id = cgroup_id(task);
	u32 *place = bpf_map_lookup_elem(&cgroups, &id);
	if (!place || *place == EITHER)
		return on_host | in_container;
	return *place == CONTAINER ? in_container : on_host;
}

/* The classes in which a rule may match a file that begins with this top-level directory. */
PART u64 match_top(u64 top)
{
	struct scratch *s = get_scratch();
	if (!s)
		return EVERY_CLASS;
	if (!top)
		return EVERY_CLASS;
	u32 length = GET(top, struct dentry, d_name.len);
	if (length > 15)
		return EVERY_CLASS;
	u64 at = (u64)GET(top, struct dentry, d_name.name);
	/* By way of the map pointers become numbers. */
	s->words[0] = (u64)GET(at, struct list_head, next);
	s->words[1] = (u64)GET(at, struct list_head, prev);
	u64 name[2] = {s->words[0], s->words[1]};
	u64 classes = other_tops;
	if (length <= 8) {
		name[0] &= ~0ull >> (8 * (8 - length));
		name[1] = 0;
	} else {
		name[1] &= ~0ull >> (8 * (16 - length));
	}
	for (u32 number = 0; number < TOPS && number < tops_count; number++) {
		u64 *known = (u64 *)tops[number].name;
		if (known[0] == name[0] && known[1] == name[1])
			return tops[number].classes;
	}
	return classes;
}

/* 1 where both bytes are equal, without a branch: the verifier follows a loop with branches in vain. */
static __always_inline u32 is_byte(u8 byte, u8 wanted)
{
	return ((u32)(byte ^ wanted) - 1) >> 31;
}

#define EACH(byte) (0x0101010101010101ull * (byte))

/* Eight bytes at a time, whether two dots may stand in a row; it may be wrong where they don't. */
static __always_inline int has_two_dots(u64 *words, long length)
{
	u64 before = 0, found = 0;
	for (u32 number = 0; number < MOST_CLIMB / 8 && number * 8 < length; number++) {
		u64 others = words[number] ^ EACH('.');
		u64 dots = (others - EACH(1)) & ~others & EACH(0x80);
		found |= dots & (dots << 8 | before >> 56);
		before = dots;
	}
	return found != 0;
}

/* 1 where the path that was asked for goes up a directory, or can't be read whole. Nothing is written into
 * the record yet: its room serves. */
PART int climbs(u64 path)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 1;
	u8 *text = s->record;
	long got = bpf_probe_read_user_str(text, MOST_CLIMB, (void *)path);
	if (got < 0 || got == MOST_CLIMB)
		return 1;
	if (!has_two_dots((u64 *)text, got))
		return 0;
	u32 found = 0;
	for (u32 at = 0; at < MOST_CLIMB - 3 && at + 3 < got; at++)
		found |= is_byte(text[at], '.') & is_byte(text[at + 1], '.') & is_byte(text[at + 2], '/');
	return found;
}

/* The classes in which a rule may match by the base name of `length` bytes at `name` of the scratch. */
PART u64 match_base_name(u32 length)
{
	struct scratch *s = get_scratch();
	if (!s || length > MOST_NAME)
		return EVERY_CLASS;
	__builtin_memset(s->path + NAME_AT, 0, MOST_NAME + 8);
	bpf_probe_read_kernel(s->path + NAME_AT, length & 0x7f, (void *)s->name);
	return match_name(s->path, length);
}

static __always_inline u32 is_end(u8 byte)
{
	return is_byte(byte, '/') | is_byte(byte, 0);
}

/* Behind the first dot of a name. */
static __always_inline u32 is_end_of_dots(u8 *text)
{
	return is_end(text[0]) | (is_byte(text[0], '.') & is_end(text[1]));
}

/* Where the last slash of a path is that needs no walk to be understood; -1 for others: those with an empty
 * name, `.` or `..` in them. It stands where the record will be. */
PART int last_slash(u32 length)
{
	struct scratch *s = get_scratch();
	if (!s)
		return -1;
	u8 *text = s->record;
	u32 slash = 0, is_odd = 0;
	for (u32 at = 0; at < MOST_CLIMB && at < length; at++) {
		u32 found = is_byte(text[at], '/');
		is_odd |= found & (is_end(text[at + 1]) | (is_byte(text[at + 1], '.') & is_end_of_dots(text + at + 2)));
		slash = (slash & (found - 1)) | (at & -found);
	}
	return is_odd ? -1 : (int)(slash & (MOST_CLIMB - 1));
}

/* Of `left`, the classes in which a rule may match a file that could not be opened: by the path that was asked
 * for. */
PART u64 match_asked(u64 left, u64 asked)
{
	struct scratch *s = get_scratch();
	if (!s)
		return EVERY_CLASS;
	u8 *text = s->record;
	long got = bpf_probe_read_user_str(text, MOST_CLIMB, (void *)asked);
	if (got <= 2 || got >= MOST_CLIMB || text[0] != '/')
		return left;
	u64 length = got - 1, classes = 0;
	int slash = last_slash(length);
	if (slash < 0)
		return left;
	if (left & name_classes) {
		s->name = (u64)(text + (slash & (MOST_CLIMB - 1)) + 1);
		classes = match_base_name(length - slash - 1);
	}
	if (!(classes & left) && left & path_classes) {
		BOUND(length, MOST_CLIMB - 1);
		u32 at = (PATH_END - length) & PATH_END;
		s->path[PATH_END] = 0;
		bpf_probe_read_kernel(s->path + at, length, text);
		classes = match_path(s->path, at);
	}
	return classes & left;
}

/* Of `left`, the classes in which a rule may match the file that was opened, by its name and its path. */
PART u64 match_file(u64 left, u64 asked)
{
	struct scratch *s = get_scratch();
	if (!s)
		return EVERY_CLASS;
	if (left & climbing_classes && climbs(asked))
		return left & climbing_classes;
	if (s->ret < 0)
		return match_asked(left, asked);
	u64 file = file_of(s->task, s->ret), classes = 0;
	if (!file)
		return left;
	u64 dentry = (u64)GET(file, struct file, f_path.dentry), mount = (u64)GET(file, struct file, f_path.mnt);
	if (left & name_classes) {
		/* What is mounted has the name of the place where it is. */
		if (dentry == (u64)GET(mount, struct vfsmount, mnt_root))
			return left;
		s->name = (u64)GET(dentry, struct dentry, d_name.name);
		classes = match_base_name(GET(dentry, struct dentry, d_name.len));
		if (classes & left)
			return classes & left;
	}
	if (!(left & path_classes))
		return 0;
	walk_from(s, dentry, mount);
	if (IS_DIRECT) {
		/* Steps cost next to nothing here: most files are told apart by where their path begins. */
		u64 top = find_top();
		if (!(match_top(top) & left))
			return 0;
		walk_from(s, dentry, mount);
	}
	build_path();
	if (s->walk.is_cut)
		return left;
	return match_path(s->path, s->walk.at) & left;
}

/* 0 where no rule can match the call. */
static __always_inline int may_match(struct scratch *s, struct call *c)
{
	if (c->action == EMIT)
		return 1;
	u64 left = classes_of(s, c) & c->classes;
	if (!left)
		return 0;
	if (left & c->certain || c->kind != OPEN)
		return 1;
	return match_file(left, argument(s, c->path_arg)) != 0;
}
