/* What a descriptor stands for: a file with its path, or both ends of a socket. */
#pragma once

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFDIR 0040000
#define ANON_INODE_MAGIC 0x09041934
#define FMODE_CREATED 0x100000
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define UNIX_PATH 108

static __always_inline u64 file_of(u64 task, u32 fd)
{
	u64 files = (u64)GET(task, struct task_struct, files);
	if (!files)
		return 0;
	u64 table = (u64)GET(files, struct files_struct, fdt);
	if (fd >= GET(table, struct fdtable, max_fds))
		return 0;
	u64 entries = (u64)GET(table, struct fdtable, fd);
	return (u64)GET(entries + 8ull * fd, struct hlist_head, first);
}

static __always_inline int is_socket(u64 file)
{
	u64 inode = (u64)GET(file, struct file, f_inode);
	return (GET(inode, struct inode, i_mode) & S_IFMT) == S_IFSOCK;
}

PART int put_file(u32 fd, u32 arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u64 file = s->file;
	struct file_item *f = (void *)item_room(s);
	if (!f)
		return 0;
	u64 dentry = (u64)GET(file, struct file, f_path.dentry), inode = (u64)GET(file, struct file, f_inode);
	u64 block = (u64)GET(inode, struct inode, i_sb);
	f->fd = fd;
	f->mode = GET(inode, struct inode, i_mode);
	f->flags = GET(file, struct file, f_flags);
	f->dev = GET(block, struct super_block, s_dev);
	f->ino = GET(inode, struct inode, i_ino);
	f->marks = layer_of(inode, UPPER_LAYER, LOWER_LAYER);
	if (GET(file, struct file, f_mode) & FMODE_CREATED)
		f->marks |= CREATED;
	f->anonymous = 0;
	u8 *path = (u8 *)(f + 1);
	u32 length;
	if ((u32)GET(block, struct super_block, s_magic) == ANON_INODE_MAGIC) {
		f->anonymous = 1;
		long got = bpf_probe_read_kernel_str(path, 64, (void *)GET(dentry, struct dentry, d_name.name));
		length = got > 0 ? got - 1 : 0;
	} else {
		if (is_memfd(dentry, inode))
			f->marks |= MEMFD;
		walk_from(s, dentry, (u64)GET(file, struct file, f_path.mnt));
		build_path();
		length = copy_path(s, path);
		if (s->walk.is_cut)
			f->marks |= PATH_CUT;
	}
	item_done(s, FILE_FD, arg, 0, sizeof(*f) + (length & PATH_END));
	return 0;
}

/* The path of a unix socket is behind the family in its address; a name without a file begins with NUL. */
static __always_inline u32 unix_path(u64 sock, u8 *to)
{
	u64 address = (u64)GET(sock, struct unix_sock, addr);
	if (!address)
		return 0;
	u32 length = GET(address, struct unix_address, len);
	if (length <= 2 || length > UNIX_PATH + 2)
		return 0;
	length = (length - 2) & 0x7f;
	bpf_probe_read_kernel(to, length, (void *)(AT(address, struct unix_address, name) + 2));
	return length;
}

PART int put_socket(u32 fd, u32 arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct socket_item *k = (void *)item_room(s);
	if (!k)
		return 0;
	u64 socket = (u64)GET(s->file, struct file, private_data), inode = (u64)GET(s->file, struct file, f_inode);
	u64 sock = (u64)GET(socket, struct socket, sk);
	__builtin_memset(k, 0, sizeof(*k));
	k->fd = fd;
	k->ino = GET(inode, struct inode, i_ino);
	k->type = GET(socket, struct socket, type);
	u32 length = 0;
	if (sock) {
		k->sock = sock;
		k->family = GET(sock, struct sock, __sk_common.skc_family);
		k->state = GET(sock, struct sock, __sk_common.skc_state);
		/* 16 bits since 5.6. */
		k->protocol = GET(sock, struct sock, sk_protocol);
		if (k->family == AF_UNIX) {
			u64 peer = (u64)GET(sock, struct unix_sock, peer);
			k->peer = peer;
			length = unix_path(sock, (u8 *)(k + 1));
			if (!length && peer)
				length = unix_path(peer, (u8 *)(k + 1));
		} else if (k->family == AF_INET) {
			*(u32 *)k->local = GET(sock, struct sock, __sk_common.skc_rcv_saddr);
			*(u32 *)k->remote = GET(sock, struct sock, __sk_common.skc_daddr);
		} else if (k->family == AF_INET6) {
			bpf_core_read(k->local, 16, &((struct sock *)sock)->__sk_common.skc_v6_rcv_saddr);
			bpf_core_read(k->remote, 16, &((struct sock *)sock)->__sk_common.skc_v6_daddr);
		}
		if (k->family != AF_UNIX) {
			k->lport = GET(sock, struct sock, __sk_common.skc_num);
			k->rport = bpf_ntohs(GET(sock, struct sock, __sk_common.skc_dport));
		}
	}
	item_done(s, SOCKET_FD, arg, 0, sizeof(*k) + (length & 0x7f));
	return 0;
}

PART int put_fd(u32 fd, u32 arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u64 file = file_of(s->task, fd);
	if (!file)
		return 0;
	s->file = file;
	if (is_socket(file))
		put_socket(fd, arg);
	else
		put_file(fd, arg);
	return 0;
}
