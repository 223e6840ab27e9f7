/* Of groups of rules, those that a file will do for: by its name, its path, and how it was asked for. */
#pragma once

#define MOST_CLIMB 256

/* The groups that files in this top-level directory may do for. */
PART u64 match_top(u64 top)
{
	struct scratch *s = get_scratch();
	if (!s)
		return EVERY_GROUP;
	if (!top)
		return EVERY_GROUP;
	u32 length = GET(top, struct dentry, d_name.len);
	if (length > 15)
		return EVERY_GROUP;
	u64 at = (u64)GET(top, struct dentry, d_name.name);
	/* By way of the map pointers become numbers. */
	s->words[0] = (u64)GET(at, struct list_head, next);
	s->words[1] = (u64)GET(at, struct list_head, prev);
	u64 name[2] = {s->words[0], s->words[1]};
	u64 groups = other_tops;
	if (length <= 8) {
		name[0] &= ~0ull >> (8 * (8 - length));
		name[1] = 0;
	} else {
		name[1] &= ~0ull >> (8 * (16 - length));
	}
	for (u32 number = 0; number < TOPS && number < tops_count; number++) {
		u64 *known = (u64 *)tops[number].name;
		if (known[0] == name[0] && known[1] == name[1])
			return tops[number].groups;
	}
	return groups;
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

/* The groups that the base name of `length` bytes at `name` of the scratch will do for. */
PART u64 match_base_name(u32 length)
{
	struct scratch *s = get_scratch();
	if (!s || length > MOST_NAME)
		return EVERY_GROUP;
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

/* Of `left`, the groups that a file will do for which could not be opened: by the path that was asked for. */
PART u64 match_asked(u64 left, u64 asked)
{
	struct scratch *s = get_scratch();
	if (!s)
		return EVERY_GROUP;
	u8 *text = s->record;
	long got = bpf_probe_read_user_str(text, MOST_CLIMB, (void *)asked);
	if (got <= 2 || got >= MOST_CLIMB || text[0] != '/')
		return left;
	u64 length = got - 1, groups = 0;
	int slash = last_slash(length);
	if (slash < 0)
		return left;
	if (left & name_groups) {
		s->name = (u64)(text + (slash & (MOST_CLIMB - 1)) + 1);
		groups = match_base_name(length - slash - 1);
	}
	if (left & path_groups & ~groups) {
		BOUND(length, MOST_CLIMB - 1);
		u32 at = (PATH_END - length) & PATH_END;
		s->path[PATH_END] = 0;
		bpf_probe_read_kernel(s->path + at, length, text);
		groups |= match_path(s->path, at);
	}
	return groups & left;
}

static __always_inline int is_directory(u64 file)
{
	u64 inode = (u64)GET(file, struct file, f_inode);
	return (GET(inode, struct inode, i_mode) & S_IFMT) == S_IFDIR;
}

/* Of `left`, the groups that a file will do for, by its name and its path. */
PART u64 match_file(u64 left, u64 asked)
{
	struct scratch *s = get_scratch();
	if (!s)
		return EVERY_GROUP;
	if (s->ret < 0)
		return match_asked(left, asked);
	u64 file = file_of(s->task, s->ret), groups = 0;
	if (!file)
		return left;
	u64 dentry = (u64)GET(file, struct file, f_path.dentry), mount = (u64)GET(file, struct file, f_path.mnt);
	/* In no directory, as what a link in /proc/PID/ns leads to: it goes by the path that was asked for. */
	if ((u64)GET(dentry, struct dentry, d_parent) == dentry && !is_directory(file))
		return left;
	if (left & name_groups) {
		/* What is mounted has the name of the place where it is. */
		if (dentry == (u64)GET(mount, struct vfsmount, mnt_root))
			return left;
		s->name = (u64)GET(dentry, struct dentry, d_name.name);
		groups = match_base_name(GET(dentry, struct dentry, d_name.len)) & left;
	}
	u64 by_path = left & path_groups & ~groups;
	if (!by_path)
		return groups;
	walk_from(s, dentry, mount);
	if (IS_DIRECT) {
		/* Steps cost next to nothing here: most files are told apart by where their path begins. */
		u64 top = find_top();
		if (!(match_top(top) & by_path))
			return groups;
		walk_from(s, dentry, mount);
	}
	build_path();
	if (s->walk.is_cut)
		return left;
	return groups | (match_path(s->path, s->walk.at) & by_path);
}

