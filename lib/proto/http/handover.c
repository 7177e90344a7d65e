#include "proto/http/handover.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Room for one descriptor, aligned as a control message must be. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

bool
hq_handover_give(int pool, int fd)
{
	char one = 1;
	struct iovec iov = { &one, 1 };
	union control u = { 0 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.bytes,
		.msg_controllen = sizeof(u.bytes) };

	u.head.cmsg_level = SOL_SOCKET;
	u.head.cmsg_type = SCM_RIGHTS;
	u.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&u.head), &fd, sizeof(fd));
	return sendmsg(pool, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

int
hq_handover_take(int pool)
{
	char one;
	struct iovec iov = { &one, 1 };
	union control u = { 0 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.bytes,
		.msg_controllen = sizeof(u.bytes) };
	int fd;

	if (recvmsg(pool, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1 ||
	    m.msg_controllen < sizeof(u.head) || u.head.cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(&u.head), sizeof(fd));
	return fd;
}
