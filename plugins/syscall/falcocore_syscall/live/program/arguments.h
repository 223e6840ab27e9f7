/* The arguments of a call, as its entry in the table of calls asks for them. */
#pragma once

#define AT_FDCWD (-100)
#define MOST_VECTOR 48
#define VECTOR_TEXT 256
#define MOST_IOVECS 8

static __always_inline u64 argument(struct scratch *s, u32 number)
{
	return number == RETURNED ? (u64)s->ret : s->args[number & 7 & (number < 6 ? 7 : 0)];
}

PART int put_text(u64 pointer, u32 arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u8 *room = item_room(s);
	if (!room)
		return 0;
	long got = bpf_probe_read_user_str(room, MOST_TEXT + 1, (void *)pointer);
	u32 length = got > 0 ? (got - 1) & 0xfff : 0;
	s->is_absolute = got > 1 && *room == '/';
	item_done(s, TEXT, arg, got < 0 ? UNREADABLE : got == MOST_TEXT + 1 ? CUT : 0, length);
	return 0;
}

static __always_inline void put_kernel_text(struct scratch *s, u64 pointer, u32 arg)
{
	u8 *room = item_room(s);
	if (!room)
		return;
	long got = bpf_probe_read_kernel_str(room, MOST_TEXT + 1, (void *)pointer);
	u32 length = got > 0 ? (got - 1) & 0xfff : 0;
	s->is_absolute = got > 1 && *room == '/';
	item_done(s, TEXT, arg, got < 0 ? UNREADABLE : got == MOST_TEXT + 1 ? CUT : 0, length);
}

/* What the text that was put last is relative to, where it is. `directory` is the argument with the
 * descriptor of a directory. */
PART int put_directory(u32 arg, u32 directory)
{
	struct scratch *s = get_scratch();
	if (!s || s->is_absolute)
		return 0;
	s32 fd = directory == WORKING_DIRECTORY ? AT_FDCWD : (s32)argument(s, directory);
	if (fd == AT_FDCWD) {
		put_cwd(s, DIRECTORY, arg);
		return 0;
	}
	u64 file = file_of(s->task, fd);
	if (file)
		put_path_of(s, file, DIRECTORY, arg);
	return 0;
}

PART int put_memory(u64 pointer, u32 size, u32 kind_and_arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u8 *room = item_room(s);
	if (!room)
		return 0;
	size &= 0xfff;
	u8 flags = 0;
	if (!pointer || bpf_probe_read_user(room, size, (void *)pointer)) {
		flags = UNREADABLE;
		size = 0;
	}
	item_done(s, kind_and_arg >> 8, kind_and_arg & 0xff, flags, size);
	return 0;
}

static __always_inline u32 bounded(s64 size, u32 most)
{
	return size < 0 ? 0 : size > most ? most : size;
}

static __always_inline void put_bytes(struct scratch *s, u64 pointer, s64 size, u32 most, u32 kind, u32 arg)
{
	put_memory(pointer, bounded(size, most), kind << 8 | arg);
}

struct user_vector {
	u64 base, length;
};
struct user_vector32 {
	u32 base, length;
};

/* Vectors of memory, one after the other, as if they were one. */
PART int put_vectors(u64 pointer, u64 count, u32 most_and_arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u8 *room = item_room(s);
	if (!room)
		return 0;
	u32 most = most_and_arg >> 8, at = 0;
	for (u32 number = 0; number < MOST_IOVECS && number < count; number++) {
		struct user_vector vector = {};
		if (s->is_compat) {
			struct user_vector32 narrow = {};
			if (bpf_probe_read_user(&narrow, sizeof(narrow), (void *)(pointer + number * sizeof(narrow))))
				break;
			vector.base = narrow.base;
			vector.length = narrow.length;
		} else if (bpf_probe_read_user(&vector, sizeof(vector), (void *)(pointer + number * sizeof(vector)))) {
			break;
		}
		u64 left = most > at ? most - at : 0;
		u32 size = (vector.length < left ? vector.length : left) & 0x7ff;
		if (!left)
			break;
		if (bpf_probe_read_user(room + (at & 0x7ff), size, (void *)vector.base))
			break;
		at += size;
	}
	item_done(s, BYTES, most_and_arg & 0xff, 0, at & 0xfff);
	return 0;
}

struct user_message {
	u64 name;
	u32 name_length, pad;
	u64 vectors, count;
};
struct user_message32 {
	u32 name, name_length, vectors, count;
};

PART int put_message(u64 pointer, u32 most_and_arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct user_message message = {};
	if (s->is_compat) {
		struct user_message32 narrow = {};
		if (bpf_probe_read_user(&narrow, sizeof(narrow), (void *)pointer))
			return 0;
		message.name = narrow.name;
		message.name_length = narrow.name_length;
		message.vectors = narrow.vectors;
		message.count = narrow.count;
	} else if (bpf_probe_read_user(&message, sizeof(message), (void *)pointer)) {
		return 0;
	}
	u32 arg = most_and_arg & 0xff;
	if (message.name)
		put_memory(message.name, bounded(message.name_length, 128), ADDRESS << 8 | arg);
	put_vectors(message.vectors, message.count, most_and_arg);
	return 0;
}

/* Texts that a vector of pointers points to, as for a program that could not be run. */
PART int put_texts(u64 pointer, u32 kind_and_arg)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	u8 *room = item_room(s);
	if (!room)
		return 0;
	u32 at = 0, number;
	for (number = 0; number < MOST_VECTOR; number++) {
		u64 text = 0;
		u32 width = s->is_compat ? 4 : 8;
		if (bpf_probe_read_user(&text, width, (void *)(pointer + number * width)) || !text)
			break;
		long got = bpf_probe_read_user_str(room + (at & 0xfff), VECTOR_TEXT, (void *)text);
		if (got <= 0 || at + got > 0xfff)
			break;
		at += got;
	}
	item_done(s, kind_and_arg >> 8, kind_and_arg & 0xff, number == MOST_VECTOR ? CUT : 0, at & 0xfff);
	return 0;
}

static __always_inline void put_pointed_address(struct scratch *s, u64 pointer, u64 length_at, u32 arg)
{
	u32 length = 0;
	if (bpf_probe_read_user(&length, sizeof(length), (void *)length_at))
		return;
	put_bytes(s, pointer, length, 128, ADDRESS, arg);
}

PART int put_argument(u32 number)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	struct op *op = &s->ops[number & (OPS - 1)];
	u32 arg = op->arg & 7;
	u64 value = argument(s, arg);
	switch (op->code) {
	case OP_TEXT:
		put_text(value, arg);
		break;
	case OP_PATH:
		put_text(value, arg);
		put_directory(arg, op->arg2);
		break;
	case OP_FD:
		if ((s32)value >= 0)
			put_fd(value, arg);
		break;
	case OP_ADDRESS:
		put_bytes(s, value, (s32)argument(s, op->arg2), 128, ADDRESS, arg);
		break;
	case OP_ADDRESS_OUT:
		if (value)
			put_pointed_address(s, value, argument(s, op->arg2), arg);
		break;
	case OP_BYTES:
		put_bytes(s, value, (s64)argument(s, op->arg2), op->size, BYTES, arg);
		break;
	case OP_MEMORY:
		put_bytes(s, value, op->size, 0xfff, BYTES, arg);
		break;
	case OP_IOVEC:
		put_vectors(value, argument(s, op->arg2), (op->size & 0x7ff) << 8 | arg);
		break;
	case OP_MESSAGE:
		put_message(value, (op->size & 0x7ff) << 8 | arg);
		break;
	case OP_VECTOR:
		put_texts(value, (op->arg2 ? ENV : ARGV) << 8 | arg);
		break;
	case OP_CWD:
		put_cwd(s, CWD, NO_ARGUMENT);
		break;
	case OP_PROCESS:
		put_process();
		break;
	}
	return 0;
}
