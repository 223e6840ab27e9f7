/* Absolute paths across mounts, by walking from a directory entry to the root of the task. */
#pragma once

#define MOST_LEVELS 80
#define NAME_MASK 0xff

static __always_inline void walk_from(struct scratch *s, u64 dentry, u64 vfsmount)
{
	struct walk *w = &s->walk;
	u64 fs = (u64)GET(s->task, struct task_struct, fs);
	w->dentry = dentry;
	w->vfsmount = vfsmount;
	w->mount = (u64)container_of((struct vfsmount *)vfsmount, struct mount, mnt);
	w->mount_root = (u64)GET(vfsmount, struct vfsmount, mnt_root);
	w->root_dentry = (u64)GET(fs, struct fs_struct, root.dentry);
	w->root_vfsmount = (u64)GET(fs, struct fs_struct, root.mnt);
	w->top = 0;
	w->at = PATH_END;
	w->is_cut = 0;
}

/* 1 where the walk stands at a root: of the task, or of all mounts. Crosses to the parent mount before. */
static __always_inline int is_at_root(struct walk *w)
{
	if (w->dentry == w->root_dentry && w->vfsmount == w->root_vfsmount)
		return 1;
	if (w->dentry != w->mount_root)
		return 0;
	u64 parent = (u64)GET(w->mount, struct mount, mnt_parent);
	if (parent == w->mount)
		return 1;
	w->dentry = (u64)GET(w->mount, struct mount, mnt_mountpoint);
	w->mount = parent;
	w->vfsmount = AT(parent, struct mount, mnt);
	w->mount_root = (u64)GET(w->vfsmount, struct vfsmount, mnt_root);
	return 2;
}

/* The entry below the root that a path begins with, 0 for the root itself; nothing is copied. */
PART u64 find_top(void)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct walk *w = &s->walk;
	for (int level = 0; level < MOST_LEVELS; level++) {
		int found = is_at_root(w);
		if (found == 1)
			return w->top;
		if (found == 2)
			continue;
		u64 parent = (u64)GET(w->dentry, struct dentry, d_parent);
		if (parent == w->dentry)
			return w->top;
		w->top = w->dentry;
		w->dentry = parent;
	}
	w->is_cut = 1;
	return 0;
}

/* What is in no directory, such as memory by memfd_create, has a name and no slash before it. */
static __always_inline void put_only_name(struct scratch *s)
{
	struct walk *w = &s->walk;
	u64 name = (u64)GET(w->dentry, struct dentry, d_name.name);
	u32 length = GET(w->dentry, struct dentry, d_name.len);
	char first = 0;
	bpf_probe_read_kernel(&first, 1, (void *)name);
	if (w->at != PATH_END || first == '/' || length > NAME_MASK)
		return;
	length &= NAME_MASK;
	u32 at = (PATH_END - length) & PATH_END;
	bpf_probe_read_kernel(s->path + at, length, (void *)name);
	w->at = at;
}

/* Write the path that walk_from began, so that it ends at PATH_END. Returns its length. */
PART u32 build_path(void)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct walk *w = &s->walk;
	s->path[PATH_END] = 0;
	int level;
	for (level = 0; level < MOST_LEVELS; level++) {
		int found = is_at_root(w);
		if (found == 1)
			break;
		if (found == 2)
			continue;
		u64 parent = (u64)GET(w->dentry, struct dentry, d_parent);
		if (parent == w->dentry) {
			put_only_name(s);
			break;
		}
		u32 length = GET(w->dentry, struct dentry, d_name.len), at = w->at;
		if (length > NAME_MASK || at < length + 1) {
			w->is_cut = 1;
			break;
		}
		length &= NAME_MASK;
		at = (at - length) & PATH_END;
		bpf_probe_read_kernel(s->path + at, length, (void *)GET(w->dentry, struct dentry, d_name.name));
		at = (at - 1) & PATH_END;
		s->path[at] = '/';
		w->at = at;
		w->dentry = parent;
	}
	if (level == MOST_LEVELS)
		w->is_cut = 1;
	if (w->at == PATH_END) {
		w->at = PATH_END - 1;
		s->path[PATH_END - 1] = '/';
	}
	s->path_length = PATH_END - w->at;
	return s->path_length;
}

/* Copy the path that was built to `to`, which has room for it. Returns its length. */
static __always_inline u32 copy_path(struct scratch *s, u8 *to)
{
	u32 length = s->path_length & PATH_END;
	u32 at = (PATH_END - length) & PATH_END;
	bpf_probe_read_kernel(to, length, s->path + at);
	return length;
}

PART int put_path(u32 kind, u32 arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	walk_from(s, s->dentry, s->vfsmount);
	build_path();
	u8 *room = item_room(s);
	if (!room)
		return 0;
	u32 length = copy_path(s, room);
	item_done(s, kind, arg, s->walk.is_cut ? CUT : 0, length);
	return 0;
}

/* An item with the path of a file. */
static __always_inline void put_path_of(struct scratch *s, u64 file, u32 kind, u32 arg)
{
	s->dentry = (u64)GET(file, struct file, f_path.dentry);
	s->vfsmount = (u64)GET(file, struct file, f_path.mnt);
	put_path(kind, arg);
}

static __always_inline void put_cwd(struct scratch *s, u32 kind, u32 arg)
{
	u64 fs = (u64)GET(s->task, struct task_struct, fs);
	s->dentry = (u64)GET(fs, struct fs_struct, pwd.dentry);
	s->vfsmount = (u64)GET(fs, struct fs_struct, pwd.mnt);
	put_path(kind, arg);
}
