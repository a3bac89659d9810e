// Stands between a program and the C library's file calls (LD_PRELOAD), for scripts/faults: at one of them, counted from 1, it kills the
// program or says that the call failed. Only files under one folder count.
//
//   FAULTS_UNDER=FOLDER     absolute
//   FAULTS_AT=NUMBER        of the call; 0: none; -1: every call fails once, and is done when it is made again
//   FAULTS_DO=before|half|after|ERRNO    kill before the call, in the middle of what it writes, after it; or fail with that number. A write
//                           that fails has written half
//   FAULTS_LOG=FILE         one line a call: its name and the path
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { most_files = 1024, most_path = 512 };
static char paths[most_files][most_path];  // of the open files that count; "" else
static int number;
static __thread int failed_once;

static int counts(const char* path) {
  const char* under = getenv("FAULTS_UNDER");
  return under && path && strncmp(path, under, strlen(under)) == 0;
}

static int counts_file(int fd) { return fd >= 0 && fd < most_files && paths[fd][0]; }

static void record(const char* call, const char* path) {
  const char* file = getenv("FAULTS_LOG");
  if (!file) return;
  char line[most_path + 32];
  const int n = snprintf(line, sizeof line, "%s %s\n", call, path);
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (syscall(SYS_write, fd, line, n) < 0) abort();
  syscall(SYS_close, fd);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  pause();
}

// What is to be done at this call: NULL, or FAULTS_DO.
static const char* now(const char* call, const char* path) {
  const char* at = getenv("FAULTS_AT");
  const int mine = __atomic_add_fetch(&number, 1, __ATOMIC_SEQ_CST), wanted = at ? atoi(at) : 0;
  record(call, path);
  if (wanted == -1) {
    failed_once = !failed_once;
    return failed_once ? getenv("FAULTS_DO") : NULL;
  }
  return mine == wanted ? getenv("FAULTS_DO") : NULL;
}

static int error_in(const char* what) { return what ? atoi(what) : 0; }

// The body of a call whose result is `type`, real(...), and −1 where it fails.
#define FAULT(type, call, path, half, ...)                             \
  static type (*real)();                                               \
  if (!real) real = (type(*)())dlsym(RTLD_NEXT, call);                 \
  const char* const what = path ? now(call, path) : NULL;              \
  if (what && strcmp(what, "before") == 0) die();                      \
  if (what && (error_in(what) || strcmp(what, "half") == 0)) { half; } \
  if (what && strcmp(what, "half") == 0) die();                        \
  if (error_in(what)) {                                                \
    errno = error_in(what);                                            \
    return -1;                                                         \
  }                                                                    \
  const type result = real(__VA_ARGS__);                               \
  if (what) die();

static int opened(int fd, const char* path) {
  if (fd >= 0 && fd < most_files && path) snprintf(paths[fd], most_path, "%s", path);
  return fd;
}

#define OPEN(name)                                        \
  int name(const char* path, int flags, ...) {            \
    va_list rest;                                         \
    va_start(rest, flags);                                \
    const int mode = va_arg(rest, int);                   \
    va_end(rest);                                         \
    const char* const ours = counts(path) ? path : NULL;  \
    FAULT(int, #name, ours, , path, flags, mode)          \
    return opened(result, ours);                          \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  char kept[most_path] = "";
  if (counts_file(fd)) memcpy(kept, paths[fd], most_path);
  const char* const ours = kept[0] ? kept : NULL;
  if (ours) paths[fd][0] = 0;
  FAULT(int, "close", ours, syscall(SYS_close, fd), fd)
  return result;
}

ssize_t write(int fd, const void* bytes, size_t size) {
  const char* const ours = counts_file(fd) ? paths[fd] : NULL;
  FAULT(ssize_t, "write", ours, if (error_in(what) != EINTR && syscall(SYS_write, fd, bytes, size / 2) < 0) abort(), fd, bytes, size)
  return result;
}

#define POSITIONED(name, pointer)                                \
  ssize_t name(int fd, pointer bytes, size_t size, off_t at) {   \
    const char* const ours = counts_file(fd) ? paths[fd] : NULL; \
    FAULT(ssize_t, #name, ours, , fd, bytes, size, at)           \
    return result;                                               \
  }
POSITIONED(pread, void*)
POSITIONED(pread64, void*)
POSITIONED(pwrite, const void*)
POSITIONED(pwrite64, const void*)

int fsync(int fd) {
  const char* const ours = counts_file(fd) ? paths[fd] : NULL;
  FAULT(int, "fsync", ours, , fd)
  return result;
}

int flock(int fd, int operation) {
  const char* const ours = counts_file(fd) ? paths[fd] : NULL;
  FAULT(int, "flock", ours, , fd, operation)
  return result;
}

int rename(const char* from, const char* to) {
  const char* const ours = counts(to) ? to : NULL;
  FAULT(int, "rename", ours, , from, to)
  return result;
}

int unlink(const char* path) {
  const char* const ours = counts(path) ? path : NULL;
  FAULT(int, "unlink", ours, , path)
  return result;
}

int mkdir(const char* path, mode_t mode) {
  const char* const ours = counts(path) ? path : NULL;
  FAULT(int, "mkdir", ours, , path, mode)
  return result;
}
