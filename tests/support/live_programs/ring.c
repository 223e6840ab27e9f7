#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
/* `open PATH` or `connect PORT`, asked for through a ring; prints what came of it, 77 is its status without rings. */
int main(int count, char **words)
{
	struct io_uring_params setup = {0};
	int ring = syscall(SYS_io_uring_setup, 2, &setup);
	if (ring < 0 || count != 3)
		return 77;
	int mode = PROT_READ | PROT_WRITE, share = MAP_SHARED | MAP_POPULATE;
	char *asked = mmap(0, setup.sq_off.array + setup.sq_entries * 4, mode, share, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entry = mmap(0, setup.sq_entries * sizeof *entry, mode, share, ring, IORING_OFF_SQES);
	char *done = mmap(0, setup.cq_off.cqes + setup.cq_entries * sizeof(struct io_uring_cqe), mode, share, ring,
			  IORING_OFF_CQ_RING);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[2]))};
	memset(entry, 0, sizeof *entry);
	if (!strcmp(words[1], "open")) {
		entry->opcode = IORING_OP_OPENAT;
		entry->fd = AT_FDCWD;
		entry->addr = (unsigned long)words[2];
		entry->open_flags = O_RDONLY;
	} else {
		inet_aton("127.0.0.1", &address.sin_addr);
		entry->opcode = IORING_OP_CONNECT;
		entry->fd = socket(AF_INET, SOCK_STREAM, 0);
		entry->addr = (unsigned long)&address;
		entry->off = sizeof address;
	}
	unsigned *tail = (unsigned *)(asked + setup.sq_off.tail);
	*(unsigned *)(asked + setup.sq_off.array) = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0)
		return 1;
	printf("%d", ((struct io_uring_cqe *)(done + setup.cq_off.cqes))->res);
	return 0;
}
