/* The maps, and the record that is being put together. */
#pragma once

#define RECORD_START_MASK 0x3fff   /* where the last item of a record may begin */
#define MOST_ITEM 8192
#define RECORD_BYTES (RECORD_START_MASK + 1 + sizeof(struct item) + MOST_ITEM)

#define PATH_END 4095
#define NAME_AT 4608
#define MOST_NAME 64
#define PATH_BYTES 5120

/* State of a walk over directories. It lies in a map, so that the verifier forgets it between two steps:
 * otherwise it follows each of them anew and gives up. */
struct walk {
	u64 dentry, mount, vfsmount, mount_root, root_dentry, root_vfsmount, top;
	u32 at, is_cut;
};

struct scratch {
	u8 record[RECORD_BYTES];
	/* A path ends at PATH_END, with zeros behind; the base name stands at NAME_AT. Generated code reads both. */
	u8 path[PATH_BYTES];
	struct walk walk;
	struct op ops[OPS];
	u64 args[6];
	s64 ret;
	u64 task;
	/* What a part is called with that is no number to the verifier. */
	u64 file, dentry, vfsmount, request, name;
	volatile u64 words[2];
	u32 at, dropped, is_compat, is_absolute, path_length, exe_flags;
};

#define MAP(name_, type_, key_, value_, entries_)                                                       \
	struct {                                                                                        \
		__uint(type, type_);                                                                    \
		__uint(max_entries, entries_);                                                          \
		__type(key, key_);                                                                      \
		__type(value, value_);                                                                  \
	} name_ SEC(".maps")

MAP(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct scratch, 1);
MAP(calls, BPF_MAP_TYPE_ARRAY, u32, struct call, CALLS);
MAP(cgroups, BPF_MAP_TYPE_LRU_HASH, u64, u32, 4096);
MAP(programs, BPF_MAP_TYPE_LRU_HASH, u32, struct program, 32768);
MAP(drops, BPF_MAP_TYPE_PERCPU_ARRAY, u32, u64, 4);
MAP(current, BPF_MAP_TYPE_ARRAY, u32, u32, 1);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring SEC(".maps");

enum drop { DROP_NO_ROOM };

/* Tables that are looked at first, so that a call that nobody wants costs one load. */
u8 wanted[CALLS] = {};              /* 1: a native call of this number may be wanted, 2: one of a 32-bit program */
u16 compat[COMPAT_CALLS] = {};      /* the number of 32-bit calls in the table of the architecture */
struct top tops[TOPS] = {};
u32 tops_count = 0;
/* Sets of groups, by what they need. */
u64 tested_groups = 0;              /* anything beside a class */
u64 user_groups = 0;
u64 program_groups = 0;
u64 parent_groups = 0;
u64 ancestor_groups = 0;            /* a program above, or that itself */
u64 mark_groups = 0;                /* what a program's file is like */
u64 exe_groups = 0;                 /* what a program was started as */
u64 directory_groups = 0;           /* a working directory */
u64 port_groups = 0;
u64 climbing_groups = 0;            /* a file that was asked for with ../ */
u64 name_groups = 0;                /* a base name */
u64 path_groups = 0;                /* a whole path */
u64 other_programs = 0;             /* any program but some */
u64 other_parents = 0;
u64 marks[MARKS] = {};              /* by the bits of exe_flag */
u64 other_tops = 0;                 /* paths in top-level directories that are not in the table */
u32 controller = 0;                 /* 1 + the number of a controller of version 1; 0: version 2 */
u32 generation = 0;                 /* of these tables; the programs rest while another one is current */
u32 own_pid = 0;
u32 want = 0;
u32 looks_late = 0;                 /* the kernel doesn't let us see when a request opens a file */

static __always_inline void count_drop(u32 reason)
{
	u64 *count = bpf_map_lookup_elem(&drops, &reason);
	if (count)
		*count += 1;
}

static __always_inline int is_current(void)
{
	u32 zero = 0, *number = bpf_map_lookup_elem(&current, &zero);
	return number && *number == generation;
}

static __always_inline struct scratch *get_scratch(void)
{
	u32 zero = 0;
	return bpf_map_lookup_elem(&scratch, &zero);
}

/* The scratch, ready for a record about a task that is not of a call. */
static __always_inline struct scratch *begin_record(u64 task)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	s->task = task;
	s->ret = 0;
	s->is_compat = 0;
	__builtin_memset(s->args, 0, sizeof(s->args));
	return s;
}

/* Room for an item whose data is written to the returned place; NULL where the record is full. */
static __always_inline u8 *item_room(struct scratch *s)
{
	u32 at = s->at;
	if (at > RECORD_START_MASK) {
		s->dropped = 1;
		return 0;
	}
	return s->record + (at & RECORD_START_MASK) + sizeof(struct item);
}

/* The item whose data was written to item_room becomes part of the record. */
static __always_inline void item_done(struct scratch *s, u16 kind, u8 arg, u8 flags, u32 size)
{
	struct item *it = (void *)(s->record + (s->at & RECORD_START_MASK));
	it->kind = kind;
	it->arg = arg;
	it->flags = flags;
	it->size = size;
	s->at = (s->at & RECORD_START_MASK) + sizeof(struct item) + ((size + 7) & ~7u);
}
