// Preloaded into a process: counts its system calls that have an effect outside the process (files, netlink, names of
// Unix sockets), and kills it with SIGKILL before or behind one of them.
//   EFFECTS_LOG=FILE            a line for each call: its name, and the path
//   EFFECTS_KILL=before:N       or behind:N, N from 1
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int counted, before, behind, journal = -1;

__attribute__((constructor)) static void attach(void) {
  const char* log = getenv("EFFECTS_LOG");
  if (log != NULL)
    journal = (int)syscall(SYS_open, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const char* at = getenv("EFFECTS_KILL");
  if (at != NULL && sscanf(at, "before:%d", &before) != 1)
    sscanf(at, "behind:%d", &behind);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;)
    pause();
}

static int family(int fd) {
  int domain = -1;
  socklen_t length = sizeof domain;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 ? domain : -1;
}

// The path of an open file; empty for what is none, such as pipes and the descriptors that wake a thread.
static void pathOf(int fd, char* path, size_t size) {
  char link[64];
  struct stat what;
  path[0] = '\0';
  if (fstat(fd, &what) != 0 || (!S_ISREG(what.st_mode) && !S_ISDIR(what.st_mode)))
    return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, size - 1);
  path[length < 0 ? 0 : length] = '\0';
}

// Before the call. Returns its number.
static int enter(const char* name, const char* path) {
  const int n = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
  if (journal >= 0) {
    char line[4200];
    const int length = snprintf(line, sizeof line, "%s %s\n", name, path);
    syscall(SYS_write, journal, line, (size_t)length);
  }
  if (n == before)
    die();
  return n;
}

static void leave(int n) {
  const int error = errno;
  if (n != 0 && n == behind)
    die();
  errno = error;
}

static int enterFile(const char* name, int fd) {
  char path[4096];
  const int error = errno;
  pathOf(fd, path, sizeof path);
  const int n = path[0] == '\0' ? 0 : enter(name, path);
  errno = error;
  return n;
}

// Listings change nothing: a kill beside them leaves what one beside the call before leaves.
static int isListing(const struct msghdr* message) {
  struct nlmsghdr header;
  if (message->msg_iovlen == 0 || message->msg_iov[0].iov_len < sizeof header)
    return 0;
  memcpy(&header, message->msg_iov[0].iov_base, sizeof header);
  return (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

static int enterSend(int fd, const struct msghdr* message) {
  const int error = errno;
  const int n = family(fd) == AF_NETLINK && !isListing(message) ? enter("sendmsg", "netlink") : 0;
  errno = error;
  return n;
}

static int enterBind(int fd) {
  const int error = errno;
  const int n = family(fd) == AF_UNIX ? enter("bind", "unix") : 0;
  errno = error;
  return n;
}

#define CALL(type, name, entered, ...)                                                                                 \
  static __typeof__(&name) real;                                                                                       \
  if (real == NULL)                                                                                                    \
    real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                                                 \
  const int n = entered;                                                                                               \
  const type result = real(__VA_ARGS__);                                                                               \
  leave(n);                                                                                                            \
  return result

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  CALL(ssize_t, sendmsg, enterSend(fd, message), fd, message, flags);
}
int bind(int fd, const struct sockaddr* address, socklen_t size) { CALL(int, bind, enterBind(fd), fd, address, size); }
ssize_t write(int fd, const void* bytes, size_t size) { CALL(ssize_t, write, enterFile("write", fd), fd, bytes, size); }
ssize_t writev(int fd, const struct iovec* parts, int count) {
  CALL(ssize_t, writev, enterFile("writev", fd), fd, parts, count);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  CALL(ssize_t, pwrite64, enterFile("pwrite", fd), fd, bytes, size, at);
}
int fsync(int fd) { CALL(int, fsync, enterFile("fsync", fd), fd); }
int fdatasync(int fd) { CALL(int, fdatasync, enterFile("fdatasync", fd), fd); }
int ftruncate64(int fd, off64_t length) { CALL(int, ftruncate64, enterFile("ftruncate", fd), fd, length); }
int fchmod(int fd, mode_t mode) { CALL(int, fchmod, enterFile("fchmod", fd), fd, mode); }
int chmod(const char* path, mode_t mode) { CALL(int, chmod, enter("chmod", path), path, mode); }
int mkdir(const char* path, mode_t mode) { CALL(int, mkdir, enter("mkdir", path), path, mode); }
int unlink(const char* path) { CALL(int, unlink, enter("unlink", path), path); }
int rename(const char* from, const char* to) { CALL(int, rename, enter("rename", to), from, to); }

#define MODE(flags)                                                                                                    \
  mode_t mode = 0;                                                                                                     \
  if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                                        \
    va_list more;                                                                                                      \
    va_start(more, flags);                                                                                             \
    mode = va_arg(more, mode_t);                                                                                       \
    va_end(more);                                                                                                      \
  }
#define CHANGES(flags) (((flags) & (O_CREAT | O_TRUNC)) != 0)

int open(const char* path, int flags, ...) {
  MODE(flags)
  CALL(int, open, CHANGES(flags) ? enter("open", path) : 0, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE(flags)
  CALL(int, open64, CHANGES(flags) ? enter("open", path) : 0, path, flags, mode);
}
