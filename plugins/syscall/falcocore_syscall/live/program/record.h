/* What the program writes into the ring, and the tables that user space fills. `live/record.py` reads the
 * records, `live/tables.py` fills the tables: keep all three alike. */
#pragma once

enum kind { CALL = 1, FORK, EXEC, EXIT, DONE };

enum head_flag {
	COMPAT = 1,          /* a call of a 32-bit program */
	DIRECT = 2,          /* the file has no descriptor, but a place in a table of a ring */
	RING = 4,            /* of a request of io_uring; of a call: what came of it is not known */
	TRUNCATED = 8,       /* some item did not fit */
	IN_PID_NAMESPACE = 16,
	GROUP_DEAD = 32,     /* the last thread of its process */
	LATE = 64,           /* looked at some time after it was opened: it may be another file by now */
};

struct head {
	u32 size;
	u16 kind, cpu;
	u64 time_ns;
	u32 tid, pid, ppid, nr;
	s64 ret;
	u64 args[6];
	u64 start_ns;
	u64 cgroup;
	u32 uid, gid, loginuid, flags;
	u32 vtid, vpid, sid, pgid;
	char comm[16];
	u64 caps_effective;
	u64 pidns_start_ns;
};

enum item_kind {
	TEXT = 1,
	DIRECTORY,
	FILE_FD,
	SOCKET_FD,
	BYTES,
	ADDRESS,
	ARGV,
	ENV,
	EXE,
	CWD,
	CGROUP,
	PROCESS,
	ANCESTORS,
};

enum item_flag { UNREADABLE = 1, CUT = 2 };
enum { RETURNED = 6, NO_ARGUMENT = 7 };

struct item {
	u16 kind;
	u8 arg, flags;
	u32 size;
};

enum mark { UPPER_LAYER = 1, LOWER_LAYER = 2, MEMFD = 4, PATH_CUT = 8, CREATED = 16 };

struct file_item {
	s32 fd;
	u32 mode, flags, dev;
	u64 ino;
	u32 marks, anonymous;
};

struct socket_item {
	s32 fd;
	u16 family, type, protocol, state, lport, rport;
	u8 local[16], remote[16];
	u64 ino, sock, peer;
};

enum exe_flag { EXE_WRITABLE = 1, EXE_UPPER_LAYER = 2, EXE_MEMFD = 4, EXE_LOWER_LAYER = 8 };

struct process_item {
	u64 cap_inheritable, cap_permitted, cap_effective;
	u64 exe_ino, exe_ctime_ns, exe_mtime_ns;
	u32 exe_flags, tty, vpgid, vsid;
	u64 pfmajor, pfminor;
	s64 fdlimit;
	u32 vmsize_kb, vmrss_kb, vmswap_kb, pad;
};

struct ancestor_item {
	u32 pid, uid;
	u64 start_ns;
	char comm[16];
};

enum action { NOTHING, EMIT, TEST };
enum call_kind { PLAIN, OPEN, SOCKET, DOMAIN, RETURNED_FD };
enum { FLAGS_IN_OPEN_HOW = 254, NO_FLAGS = 255, WORKING_DIRECTORY = 255 };
/* For the argument that has the length of an address: it stands in a struct msghdr; there is no address. */
enum { IN_MESSAGE = 254, NO_ADDRESS = 255 };

enum op_code {
	OP_TEXT = 1,
	OP_PATH,
	OP_FD,
	OP_ADDRESS,
	OP_ADDRESS_OUT,
	OP_BYTES,
	OP_MEMORY,
	OP_IOVEC,
	OP_MESSAGE,
	OP_VECTOR,
	OP_CWD,
	OP_PROCESS,
};

struct op {
	u8 code, arg, arg2, pad;
	u16 size, pad2;
};

#define OPS 8

#define CLASSES 64

struct call {
	u8 action, kind, flags_arg, ops_count;
	u8 path_arg, address_arg, length_arg, pad;
	u64 groups[CLASSES]; /* of which one has to find in a call of the class what it needs */
	u64 every_group;     /* of any class */
	struct op ops[OPS];
};

struct top {
	char name[16];
	u64 groups;
};

/* What a program was called when it was started, its first argument, and its file; `tick` tells processes with the same
 * number apart. */
#define TICK_NS 10000000
#define PROGRAM_BYTES 16
#define EXE_BYTES 64

struct program {
	u64 tick;
	char name[PROGRAM_BYTES], exe[EXE_BYTES];
	u32 exe_flags, pad;
};
#define MARKS 4              /* of exe_flag */

#define CALLS 1024
#define X32_CALLS 512
#define COMPAT_CALLS 512
#define TOPS 64

/* What each record has, or which records there are, beyond what is always needed. */
enum want { WANT_CWD = 1, WANT_ENV = 2, WANT_THREADS = 4 };
