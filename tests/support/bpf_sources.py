"""C of eBPF objects that more than one test looks at."""

KERNEL = """
enum state { IDLE, BUSY = 12, NEW = 40 };
struct part { long before; int x; short y; };
struct task {
    u64 added[4];
    union { struct { int pid; }; u64 both; };
    u64 width;
    s32 signed_width;
    struct part parts[8], only;
    unsigned skipped : 7, flag : 2, across : 20; int minus : 3;
    struct part *link;
    char name[16];
    enum state state;
};
union either { int a; u64 b; };
typedef int (*hook)(struct task *task, int number);
struct task task; union either either; hook handler; struct part part;
"""
"""Types of a kernel that differ from those of `ASKED`."""

ASKED = """
enum state { IDLE, BUSY = 3, OLD = 4 };
enum state___other { BUSY___other = 3 };
struct part { int x; short y; int z; } CORE;
struct task {
    int pid;
    u32 width;
    s64 signed_width;
    struct part parts[16], only;
    unsigned flag : 2; unsigned across : 20; int minus : 3;
    struct part *link;
    char name[16];
    int state;
    int gone;
} CORE;
struct task___new { u64 added[4]; struct { int pid; }; } CORE;
struct absent { int a; } CORE;
union either { u64 b; } CORE;
typedef int (*hook)(struct task *task, int number);
typedef int (*hook___less)(struct task *task);
#define FIELD(name, asked, kind, expression) \\
    NOINLINE u64 name(void) { return __builtin_preserve_field_info(((kind *)0)->expression, asked); }
#define TYPE(name, asked, kind) \\
    NOINLINE u64 name(void) { return __builtin_preserve_type_info(*(kind *)0, asked); }
#define ID(name, asked, kind) NOINLINE u64 name(void) { return __builtin_btf_type_id(*(kind *)0, asked); }
#define ENUM(name, asked, kind, value) \\
    NOINLINE u64 name(void) { return __builtin_preserve_enum_value(*(typeof(kind) *)value, asked); }
FIELD(pid_offset, 0, struct task, pid)
FIELD(flavour_offset, 0, struct task___new, pid)
FIELD(element_offset, 0, struct task, parts[3].y)
FIELD(element_size, 1, struct task, parts[3])
FIELD(element_outside, 2, struct task, parts[9])
FIELD(added_offset, 0, struct task___new, added[2])
FIELD(nested_offset, 0, struct task, only.x)
FIELD(width_size, 1, struct task, width)
FIELD(signed_is, 3, struct task, signed_width)
FIELD(unsigned_is, 3, struct task, width)
FIELD(link_offset, 0, struct task, link)
FIELD(name_size, 1, struct task, name)
FIELD(pid_exists, 2, struct task, pid)
FIELD(gone_exists, 2, struct task, gone)
FIELD(gone_offset, 0, struct task, gone)
FIELD(inner_gone_offset, 0, struct task, only.z)
FIELD(other_sort_exists, 2, struct task, state)
FIELD(absent_exists, 2, struct absent, a)
FIELD(union_offset, 0, union either, b)
FIELD(flag_offset, 0, struct task, flag)
FIELD(flag_size, 1, struct task, flag)
FIELD(flag_left, 4, struct task, flag)
FIELD(flag_right, 5, struct task, flag)
FIELD(across_left, 4, struct task, across)
FIELD(minus_signed, 3, struct task, minus)
FIELD(plain_left, 4, struct task, pid)
FIELD(plain_right, 5, struct task, pid)
TYPE(task_exists, 0, struct task)
TYPE(absent_type, 0, struct absent)
TYPE(task_size, 1, struct task)
TYPE(absent_size, 1, struct absent)
TYPE(hook_exists, 0, hook)
TYPE(hook_less_exists, 0, hook___less)
ENUM(busy, 1, enum state, BUSY)
ENUM(busy_exists, 0, enum state, BUSY)
ENUM(old_exists, 0, enum state, OLD)
ENUM(old, 1, enum state, OLD)
ENUM(other, 1, enum state___other, BUSY___other)
ID(kernel_id, 1, struct task)
ID(absent_id, 1, struct absent)
NOINLINE u64 load_width(struct task *t) { return t->width; }
NOINLINE u64 load_signed(struct task *t) { return t->signed_width; }
NOINLINE u64 load_gone(struct task *t) { return t->gone; }
NOINLINE u64 load_link(struct task *t) { return t->link->x; }
NOINLINE void store_pid(struct task *t) { t->pid = 4; }
"""
"""One question about a type in each function, named by what is asked."""

LINKED = """
extern void *bpf_there(void *, u32) WEAK_KSYM;
extern void *bpf_not_there(void *) WEAK_KSYM;
u64 first_variable = 1, second_variable = 2;
struct { __uint(type, 2); __type(key, u32); __type(value, u64); __uint(max_entries, 1); } one SEC(".maps");
struct { __uint(type, 2); __type(key, u32); __type(value, u64); __uint(max_entries, 1); } two SEC(".maps");
static NOINLINE u64 inner(u64 *n) { return n[0] * n[1]; }
static NOINLINE u64 outer(u64 *n) { return inner(n) + inner(n + 2); }
NOINLINE u64 never(u64 *n) { return n[7]; }
SEC("tp_btf/own") static NOINLINE u64 beside(u64 *n) { return n[3]; }
SEC("tp_btf/own") int calling(u64 *context) { return outer(context) + beside(context); }
SEC("tp_btf/own") int sharing(u64 *context) { return inner(context); }
SEC("tp_btf/maps") int mapping(u64 *context) {
    u32 zero = 0;
    return map_lookup(&one, &zero) == map_lookup(&two, &zero);
}
SEC("tp_btf/data") int reading(u64 *context) { return second_variable + first_variable; }
SEC("?tp_btf/kernel") int asking(u64 *context) {
    if (bpf_not_there) return bpf_not_there(context) != 0;
    return bpf_there ? bpf_there(context, 7) != 0 : 3;
}
"""
"""Functions that call each other, and all that code can refer to."""
