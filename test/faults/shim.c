// Preloaded into a process, makes the addon's system calls fail on command. Only calls that the addon itself makes are
// counted and hit, and of those about sockets only netlink's. The commands come through a shared file: see control.ts,
// which has the same numbers.
#define _GNU_SOURCE
#include "damage.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct control idle, *control = &idle;
static uintptr_t addonStart, addonEnd;

#define REAL(name)                                                                                                     \
  static __typeof__(&name) real;                                                                                       \
  if (real == NULL)                                                                                                    \
  real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define CALLER ((uintptr_t)__builtin_return_address(0))

__attribute__((constructor)) static void attach(void) {
  const char* path = getenv("FAULTS_CONTROL");
  const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return;
  void* shared = mmap(NULL, sizeof idle, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (shared != MAP_FAILED)
    control = shared;
}

static int findAddon(struct dl_phdr_info* object, size_t size, void* unused) {
  (void)size;
  (void)unused;
  const size_t length = strlen(object->dlpi_name);
  if (length < 5 || strcmp(object->dlpi_name + length - 5, ".node") != 0)
    return 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)* part = &object->dlpi_phdr[i];
    if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
      addonStart = object->dlpi_addr + part->p_vaddr;
      addonEnd = addonStart + part->p_memsz;
    }
  }
  return 1;
}

static int fromAddon(uintptr_t caller) {
  if (!control->armed)
    return 0;
  if (addonEnd == 0)
    dl_iterate_phdr(findAddon, NULL);
  return caller >= addonStart && caller < addonEnd;
}

static int isNetlink(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  const int before = errno;
  static int (*real)(int, int, int, void*, socklen_t*);
  if (real == NULL)
    real = (__typeof__(real))dlsym(RTLD_NEXT, "getsockopt");
  const int found = real(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_NETLINK;
  errno = before;
  return found;
}

// Counts the call, and returns the fault that is to happen to it.
static struct fault* hit(enum call call) {
  const int32_t n = __atomic_add_fetch(&control->counted[call], 1, __ATOMIC_RELAXED);
  struct fault* fault = &control->fault;
  if (fault->kind == NOTHING || fault->call != (int32_t)call || n < fault->nth)
    return NULL;
  if (fault->times != 0 && n >= fault->nth + fault->times)
    return NULL;
  __atomic_add_fetch(&fault->injected, 1, __ATOMIC_RELAXED);
  return fault;
}

// The faults that any call may have: -1 for a failure, 0 to go on.
static int ordinary(const struct fault* fault) {
  if (fault == NULL)
    return 0;
  if (fault->kind == DELAY)
    nap(fault->argument);
  if (fault->kind != ERRNO)
    return 0;
  errno = fault->argument;
  return -1;
}

#define HOOK(call, name, condition, ...)                                                                               \
  REAL(name);                                                                                                          \
  if (fromAddon(CALLER) && (condition) && ordinary(hit(call)) != 0)                                                    \
    return -1;                                                                                                         \
  return real(__VA_ARGS__)

int socket(int domain, int type, int protocol) { HOOK(SOCKET, socket, domain == AF_NETLINK, domain, type, protocol); }
int bind(int fd, const struct sockaddr* address, socklen_t size) { HOOK(BIND, bind, isNetlink(fd), fd, address, size); }
int connect(int fd, const struct sockaddr* to, socklen_t size) { HOOK(CONNECT, connect, isNetlink(fd), fd, to, size); }
int getsockname(int fd, struct sockaddr* name, socklen_t* size) {
  HOOK(GETSOCKNAME, getsockname, isNetlink(fd), fd, name, size);
}
int setsockopt(int fd, int level, int option, const void* value, socklen_t size) {
  HOOK(SETSOCKOPT, setsockopt, isNetlink(fd), fd, level, option, value, size);
}
int getsockopt(int fd, int level, int option, void* value, socklen_t* size) {
  HOOK(GETSOCKOPT, getsockopt, isNetlink(fd), fd, level, option, value, size);
}
int eventfd(unsigned value, int flags) { HOOK(EVENTFD, eventfd, 1, value, flags); }
int setns(int fd, int type) { HOOK(SETNS, setns, 1, fd, type); }
ssize_t write(int fd, const void* bytes, size_t size) { HOOK(WRITE, write, 1, fd, bytes, size); }

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const int mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, int) : 0;
  va_end(more);
  HOOK(OPEN, open64, 1, path, flags, mode);
}

ssize_t read(int fd, void* bytes, size_t size) {
  REAL(read);
  if (!fromAddon(CALLER))
    return real(fd, bytes, size);
  const struct fault* fault = hit(READ);
  if (ordinary(fault) != 0)
    return -1;
  if (fault != NULL && fault->kind == SHORT && size > 100)
    size = 100;
  return real(fd, bytes, size);
}

int poll(struct pollfd* fds, nfds_t count, int timeout) {
  REAL(poll);
  if (!fromAddon(CALLER) || count != 2 || !isNetlink(fds[0].fd))
    return real(fds, count, timeout);
  const struct fault* fault = hit(POLL);
  if (ordinary(fault) != 0)
    return -1;
  if (fault == NULL || fault->kind != SPURIOUS)
    return real(fds, count, timeout);
  fds[0].revents = fds[1].revents = 0;
  return 0;
}

// The C++ library starts the addon's threads.
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  REAL(pthread_create);
  Dl_info caller;
  if (!control->armed || dladdr((void*)CALLER, &caller) == 0 || strstr(caller.dli_fname, "libstdc++") == NULL) {
    return real(thread, attributes, start, argument);
  }
  if (ordinary(hit(THREAD)) != 0)
    return errno;
  return real(thread, attributes, start, argument);
}

// The child's child sleeps, so that node has no child it does not know of.
static void split(int milliseconds) {
  const pid_t child = fork();
  if (child == 0) {
    if (fork() == 0)
      nap(milliseconds);
    _exit(0);
  }
  if (child > 0)
    waitpid(child, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  REAL(sendmsg);
  const struct fault* fault = fromAddon(CALLER) && isNetlink(fd) ? hit(SENDMSG) : NULL;
  if (fault == NULL)
    return real(fd, message, flags);
  if (ordinary(fault) != 0)
    return -1;
  if (fault->kind == SWALLOW)
    return (ssize_t)message->msg_iov->iov_len;
  if (fault->kind == KILL_BEFORE)
    kill(getpid(), SIGKILL);
  if (fault->kind == FORK)
    split(fault->argument);
  const ssize_t sent = real(fd, message, flags);
  if (fault->kind == KILL_AFTER)
    kill(getpid(), SIGKILL);
  return fault->kind == SHORT && sent > 1 ? sent - 1 : sent;
}

// Not of each thread: a thread's stack has no room for it, and one session at a time receives.
static struct {
  int fd; // from which the datagram is to come once more, plus 1
  ssize_t size;
  char bytes[65536];
} again;

ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  REAL(recvmsg);
  if (!fromAddon(CALLER) || !isNetlink(fd))
    return real(fd, message, flags);
  if (ordinary(hit(RECVMSG)) != 0)
    return -1;
  if (again.fd == fd + 1) {
    again.fd = 0;
    memcpy(message->msg_iov->iov_base, again.bytes, (size_t)again.size);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (message->msg_name != NULL)
      memcpy(message->msg_name, &kernel, message->msg_namelen = sizeof kernel);
    message->msg_flags = 0;
    return again.size;
  }
  for (;;) {
    ssize_t size = real(fd, message, flags);
    if (size < (ssize_t)sizeof(struct nlmsghdr))
      return size;
    const struct fault* fault = hit(DATAGRAM);
    if (fault == NULL)
      return size;
    if (fault->kind == DROP)
      continue;
    if (fault->kind == OVERRUN) { // as the kernel does it: the datagram is lost, and who receives next is told
      errno = ENOBUFS;
      return -1;
    }
    if (fault->kind == TWICE || fault->kind == BAD_SEQUENCE || fault->kind == BAD_PORT || fault->kind == FORGED) {
      again.fd = fd + 1;
      again.size = size;
      memcpy(again.bytes, message->msg_iov->iov_base, (size_t)size);
    }
    mutate(fault, message, &size);
    return size;
  }
}
