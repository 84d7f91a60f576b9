// Preloaded library: runs BEFORE_DUMP before the first DUMPS dump requests of the process, and AFTER_DUMP between each of
// them and its first receive, like a concurrent writer with this exact timing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

static int left;

__attribute__((constructor)) static void begin(void) {
  const char *dumps = getenv("DUMPS");
  left = dumps == NULL ? 0 : atoi(dumps);
  unsetenv("LD_PRELOAD"); // not for the commands themselves
}

static void run(const char *name) {
  const char *command = getenv(name);
  if (command != NULL && system(command) != 0) {
    abort();
  }
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  ssize_t (*next)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
  int domain = 0;
  socklen_t length = sizeof domain;
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
  const struct nlmsghdr *request = message->msg_iov[0].iov_base;
  if (left == 0 || domain != AF_NETLINK || (request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) {
    return next(fd, message, flags);
  }
  --left;
  run("BEFORE_DUMP");
  const ssize_t sent = next(fd, message, flags);
  run("AFTER_DUMP");
  return sent;
}
