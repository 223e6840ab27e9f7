/* Opens and connects that are asked for through io_uring, which don't go through sys_exit. A request is told of
 * when it is asked for, with what it was asked for, and when it is done, with what has come of it;
 * `live/requests.py` brings both together. */
#pragma once

#define IORING_OP_CONNECT 16
#define IORING_OP_OPENAT 18
#define IORING_OP_OPENAT2 28
#define REQUEST_OF_FIXED_FILE 1
#define NR_UNKNOWN 0xffff
#define NR_OPENAT2 437
#if defined(__TARGET_ARCH_x86)
#define NR_OPENAT 257
#define NR_CONNECT 42
#else
#define NR_OPENAT 56
#define NR_CONNECT 203
#endif

/* The argument in which the request stands, the same in both records; 0 where it is not told when it is done. */
#define REQUEST 5
#define NO_FD (-1)
#define HOW_BYTES 24
#define ENTRY_BYTES 64
#define WIDE_ENTRIES 10       /* bit of a ring whose entries have twice that size */
#define SHORT_BYTES 512       /* of the record of an opened file, whose path may have 4,095 */
#define LONG_BYTES 4608
#define ATTEMPTS 3

/* Since 6.0 the kernel tells of requests, before that of rings. Each part has to ask: the verifier looks at it
 * whether it is called or not. */
#define HAS_REQUESTS bpf_core_field_exists(((struct io_kiocb *)0)->cmd)

/* The call that a request stands for; NR_UNKNOWN for another one, and where nobody wants to know of it. */
static __always_inline u32 call_of(u8 code)
{
	u32 nr = code == IORING_OP_CONNECT ? NR_CONNECT : code == IORING_OP_OPENAT2 ? NR_OPENAT2 : NR_OPENAT;
	if (code != IORING_OP_OPENAT && code != IORING_OP_OPENAT2 && code != IORING_OP_CONNECT)
		return NR_UNKNOWN;
	if (!is_current())
		return NR_UNKNOWN;
	struct call *c = bpf_map_lookup_elem(&calls, &nr);
	return c && c->action != NOTHING ? nr : NR_UNKNOWN;
}

static __always_inline u32 requested_call(u64 request)
{
	return call_of(GET(request, struct io_kiocb, opcode));
}

/* The scratch, ready for a record of a request. */
static __always_inline struct scratch *begin_request(u64 request, u64 key, s64 ret)
{
	struct scratch *s = begin_record(bpf_get_current_task());
	if (!s)
		return 0;
	s->request = request;
	s->file = 0;
	s->ret = ret;
	s->args[REQUEST] = key;
	return s;
}

/* The head of an open, and how it was asked for: in arguments, or for openat2 in a structure. */
PART int put_how(u32 kind, u32 nr, u64 flags, u64 mode, u64 resolve)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	if (nr != NR_OPENAT2) {
		s->args[2] = flags;
		s->args[3] = mode;
	}
	put_head(kind, nr);
	u64 *how = nr == NR_OPENAT2 ? (u64 *)item_room(s) : 0;
	if (how) {
		how[0] = flags;
		how[1] = mode;
		how[2] = resolve;
		item_done(s, BYTES, 2, 0, HOW_BYTES);
	}
	return 0;
}

static __always_inline void put_open(struct scratch *s, u32 kind, u32 nr)
{
	u64 request = s->request;
	s->args[0] = GET(request, struct io_open, dfd);
	put_how(kind, nr, GET(request, struct io_open, how.flags), GET(request, struct io_open, how.mode),
		GET(request, struct io_open, how.resolve));
}

/* The head of a connect, the socket if it has a descriptor, and the address. */
PART int put_connect(u64 fd, u64 address, u64 length)
{
	struct scratch *s = get_scratch();
	if (!s)
		return 0;
	s->args[0] = (s32)fd;
	put_head(CALL, NR_CONNECT);
	if ((s32)fd >= 0)
		put_fd(fd, 0);
	put_bytes(s, address, (s32)length, 128, ADDRESS, 1);
	return 0;
}

static __always_inline void send_submitted(struct scratch *s, u32 nr)
{
	if (nr != NR_CONNECT)
		put_directory(1, 0);
	if (want & WANT_CWD)
		put_cwd(s, CWD, NO_ARGUMENT);
	((struct head *)s->record)->flags |= RING;
	send(s);
}

/* The descriptor that a request is about: its file is looked up later. */
static __always_inline s64 requested_fd(u64 request)
{
	if (GET(request, struct io_kiocb, flags) & REQUEST_OF_FIXED_FILE)
		return NO_FD;
	return GET(request, struct io_kiocb, cqe.fd);
}

PART int put_submitted(u32 nr)
{
	struct scratch *s = get_scratch();
	if (!s || !HAS_REQUESTS)
		return 0;
	u64 request = s->request;
	if (nr == NR_CONNECT) {
		u64 address = 0;
		bpf_core_read(&address, sizeof(address), &((struct io_connect *)request)->addr);
		put_connect(requested_fd(request), address, GET(request, struct io_connect, addr_len));
	} else {
		put_open(s, CALL, nr);
		u64 name = (u64)GET(request, struct io_open, filename);
		put_kernel_text(s, (u64)GET(name, struct filename, name), 1);
	}
	send_submitted(s, nr);
	return 0;
}

/* A request was asked for. */
static __always_inline int submitted(u64 request)
{
	u32 nr = requested_call(request);
	if (nr != NR_UNKNOWN && begin_request(request, request, 0))
		put_submitted(nr);
	return 0;
}

/* The beginning of a struct io_uring_sqe, as it is for opens and connects. */
struct entry {
	u8 opcode, flags;
	u16 priority;
	s32 fd;
	u64 second_address, address;
	u32 length, open_flags;
};

/* The entry that a ring has taken last. It lies in memory of the program that asks, which may change it
 * meanwhile: what is told is what stands there now. */
static __always_inline int read_entry(u64 ring, struct entry *e)
{
	u32 mask = GET(ring, struct io_ring_ctx, sq_entries) - 1, place = 0;
	u32 last = (GET(ring, struct io_ring_ctx, cached_sq_head) - 1) & mask;
	u64 places = (u64)GET(ring, struct io_ring_ctx, sq_array);
	if (bpf_probe_read_kernel(&place, sizeof(place), (void *)(places + last * sizeof(place))))
		return 0;
	place = (place & mask) << (GET(ring, struct io_ring_ctx, flags) >> WIDE_ENTRIES & 1);
	u64 entries = (u64)GET(ring, struct io_ring_ctx, sq_sqes);
	return !bpf_probe_read_kernel(e, sizeof(*e), (void *)(entries + (u64)place * ENTRY_BYTES));
}

/* A ring has taken an entry: the same as a request, by what its caller has written. */
static __always_inline int taken(u64 ring)
{
	struct entry e = {};
	if (!read_entry(ring, &e))
		return 0;
	u32 nr = call_of(e.opcode);
	struct scratch *s = nr == NR_UNKNOWN ? 0 : begin_request(0, 0, 0);
	if (!s)
		return 0;
	if (nr == NR_CONNECT) {
		put_connect(e.flags & REQUEST_OF_FIXED_FILE ? NO_FD : e.fd, e.address, e.second_address);
	} else {
		u64 how[3] = {e.open_flags, e.length};
		if (nr == NR_OPENAT2)
			bpf_probe_read_user(how, sizeof(how), (void *)e.second_address);
		s->args[0] = e.fd;
		put_how(CALL, nr, how[0], how[1], how[2]);
		put_text(e.address, 1);
	}
	send_submitted(s, nr);
	return 0;
}

/* What has come of a request: the socket that it has connected, or the file that is in the scratch. */
PART int put_done(u32 nr)
{
	struct scratch *s = get_scratch();
	if (!s || !HAS_REQUESTS)
		return 0;
	u64 request = s->request;
	struct head *h = (void *)s->record;
	if (nr == NR_CONNECT) {
		put_head(DONE, nr);
		h->flags |= RING;
		s->file = (u64)GET(request, struct io_kiocb, file);
		if (is_socket(s->file))
			put_socket(NO_FD, 0);
		return 0;
	}
	put_open(s, DONE, nr);
	h->flags |= GET(request, struct io_open, file_slot) ? RING | DIRECT : RING;
	if (s->file)
		put_file(s->ret, RETURNED);
	return 0;
}

/* The file that a request has got a descriptor of, which may be that of another one by now. */
static __always_inline u64 returned_file(u64 request, s64 ret)
{
	if (ret < 0 || GET(request, struct io_open, file_slot))
		return 0;
	return file_of(bpf_get_current_task(), ret);
}

static __always_inline int completed(u64 request)
{
	u32 nr = requested_call(request);
	if (nr == NR_UNKNOWN)
		return 0;
	s64 ret = GET(request, struct io_kiocb, cqe.res);
	struct scratch *s = begin_request(request, request, ret);
	if (!s)
		return 0;
	if (looks_late && nr != NR_CONNECT)
		s->file = returned_file(request, ret);
	u32 flags = s->file ? LATE : 0;
	put_done(nr);
	((struct head *)s->record)->flags |= flags;
	send(s);
	return 0;
}

/* As send(), for a program in the midst of which another task may get the processor, and its scratch. Who takes
 * that sets its task first, so that it can be told; the record then has to be made anew, and 0 is returned.
 * `bytes` is a constant. */
static __always_inline int send_alone(struct scratch *s, u32 bytes)
{
	((struct head *)s->record)->size = s->at;
	void *sent = bpf_ringbuf_reserve(&ring, bytes, 0);
	if (!sent) {
		count_drop(DROP_NO_ROOM);
		return 1;
	}
	bpf_probe_read_kernel(sent, bytes, s->record);
	if (*(volatile u64 *)&s->task != bpf_get_current_task()) {
		bpf_ringbuf_discard(sent, 0);
		return 0;
	}
	bpf_ringbuf_submit(sent, 0);
	return 1;
}

/* Tell of a file that was opened, 0 where none was. */
static __always_inline int installed(u64 request, u64 file, s64 ret)
{
	u32 nr = requested_call(request);
	if (nr == NR_UNKNOWN || nr == NR_CONNECT)
		return 0;
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct scratch *s = begin_request(request, request, ret);
		if (!s)
			break;
		s->file = file;
		put_done(nr);
		if (s->at <= SHORT_BYTES ? send_alone(s, SHORT_BYTES) : send_alone(s, LONG_BYTES))
			break;
	}
	return 0;
}

static __always_inline int opened(u64 request)
{
	s64 ret = GET(request, struct io_kiocb, cqe.res);
	return installed(request, returned_file(request, ret), ret);
}
