/*
 * starter PLAN APART COMMAND ARGS...: becomes COMMAND. Where the file PLAN stands, it is taken away, and the calls that it names are watched in COMMAND, in all of
 * its threads and children: one line `CALL[,CALL...] WHEN FATE`. The first WHENth call of a thread is not done: FATE `kill` kills the process in its place, `EIO` and
 * `ENOSPC` let it fail. WHEN 0: calls are only written down. PLAN.log tells what happened, and to which file. Calls of files below the folder APART are neither counted nor struck.
 *
 * By seccomp's user notification: only these calls stop, which a tracer that kills cannot have.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* `argument`: which one says what file it is, a path or a descriptor. */
struct call {
  const char *name;
  int number, argument, path;
};

static const struct call calls[] = {
    {"write", SYS_write, 0, 0},           {"writev", SYS_writev, 0, 0},
    {"pwrite64", SYS_pwrite64, 0, 0},     {"pwritev", SYS_pwritev, 0, 0},
    {"pwritev2", SYS_pwritev2, 0, 0},     {"fsync", SYS_fsync, 0, 0},
    {"fdatasync", SYS_fdatasync, 0, 0},   {"sync_file_range", SYS_sync_file_range, 0, 0},
    {"syncfs", SYS_syncfs, 0, 0},         {"renameat2", SYS_renameat2, 1, 1},
    {"openat", SYS_openat, 1, 1},         {"openat2", SYS_openat2, 1, 1},
    {"unlinkat", SYS_unlinkat, 1, 1},     {"mkdirat", SYS_mkdirat, 1, 1},
    {"truncate", SYS_truncate, 0, 1},     {"ftruncate", SYS_ftruncate, 0, 0},
    {"fallocate", SYS_fallocate, 0, 0},
#ifdef SYS_renameat
    {"renameat", SYS_renameat, 1, 1},
#endif
#ifdef SYS_open
    {"rename", SYS_rename, 0, 1},         {"open", SYS_open, 0, 1},
    {"creat", SYS_creat, 0, 1},           {"unlink", SYS_unlink, 0, 1},
    {"rmdir", SYS_rmdir, 0, 1},           {"mkdir", SYS_mkdir, 0, 1},
#endif
};
enum { known = sizeof calls / sizeof *calls, threads = 4096 };

static struct {
  int id, times;
} seen[threads];
static volatile int *shared; /* the listener, once it is there; -1 where there is none */

static const struct call *callOf(int number) {
  for (int at = 0; at < known; at++)
    if (calls[at].number == number) return &calls[at];
  return NULL;
}

/* The file that the call is of, into `path`; empty where that cannot be read. */
static void fileOf(const struct seccomp_notif *asked, char path[4096]) {
  const struct call *call = callOf(asked->data.nr);
  char link[64];
  unsigned long long value = asked->data.args[call->argument];
  memset(path, 0, 4096);
  if (call->path) {
    /* Whole paths may end short of the next page. */
    struct iovec own = {path, 4095}, its = {(void *)value, 4095};
    size_t page = 4096 - value % 4096;
    if (process_vm_readv(asked->pid, &own, 1, &its, 1, 0) < 0) {
      own.iov_len = its.iov_len = page < 4095 ? page : 4095;
      if (process_vm_readv(asked->pid, &own, 1, &its, 1, 0) < 0) path[0] = 0;
    }
  } else {
    snprintf(link, sizeof link, "/proc/%d/fd/%d", asked->pid, (int)value);
    if (readlink(link, path, 4095) < 0) path[0] = 0;
  }
}

static int isBelow(const char *path, const char *apart) {
  size_t length = strlen(apart);
  return length > 0 && strncmp(path, apart, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int countOf(int id) {
  for (int at = 0; at < threads; at++) {
    if (seen[at].id != id && seen[at].id != 0) continue;
    seen[at].id = id;
    return ++seen[at].times;
  }
  abort();
}

/* Answers every notification until nobody is left who could ask. */
static void watch(int listener, FILE *log, int when, const char *fate, const char *apart) {
  int struck = 0;
  for (;;) {
    struct pollfd ready = {listener, POLLIN, 0};
    if (poll(&ready, 1, -1) < 0 && errno == EINTR) continue;
    if (!(ready.revents & POLLIN)) break;
    struct seccomp_notif asked;
    memset(&asked, 0, sizeof asked);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
    struct seccomp_notif_resp answer = {asked.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    char path[4096];
    fileOf(&asked, path);
    if (!isBelow(path, apart)) {
      int times = countOf((int)asked.pid);
      if (when == 0) fprintf(log, "%d %s(%s\n", asked.pid, callOf(asked.data.nr)->name, path);
      else if (times == when && !struck) {
        struck = 1;
        fprintf(log, "struck %d %s\n", asked.pid, path);
        if (strcmp(fate, "kill") == 0) {
          syscall(SYS_tkill, asked.pid, SIGKILL);
          continue;
        }
        answer.flags = 0;
        answer.error = strcmp(fate, "ENOSPC") == 0 ? -ENOSPC : -EIO;
      } else if (times < when) fprintf(log, "%d\n", times);
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  fprintf(log, "ended\n");
}

/* From here on the named calls of this process wait for the listener's word. */
static int listen_(char *names) {
  struct sock_filter filter[known * 2 + 2];
  unsigned short length = 0;
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
    int at = 0;
    while (at < known && strcmp(calls[at].name, name) != 0) at++;
    if (at == known || length + 3 > known * 2 + 2) return -1;
    filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[at].number, 0, 1);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  }
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {length, filter};
  if (geteuid() != 0) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static char *logPath, *fateText, *apartPath;
static int whenNumber;

/* The watcher shares descriptors with the process until that becomes COMMAND; it is its grandchild, so that nobody finds an unknown child. */
static int watcher(void *nothing) {
  (void)nothing;
  if (syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0) != 0) _exit(0);
  setsid();
  while (*shared == 0) usleep(200);
  int own = *shared;
  /* Only then may it become COMMAND. */
  if (unshare(CLONE_FILES) != 0 || own < 0) _exit(1);
  shared[1] = 1;
  FILE *log = fopen(logPath, "ae");
  if (!log) _exit(1);
  setlinebuf(log);
  for (int at = 0; at < 64; at++)
    if (at != own && at != fileno(log)) close(at);
  fprintf(log, "started\n");
  watch(own, log, whenNumber, fateText, apartPath);
  _exit(0);
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  char *plan = arguments[1], names[512], fate[16], log[4096];
  FILE *file = fopen(plan, "re");
  if (file) {
    if (fscanf(file, "%511s %d %15s", names, &whenNumber, fate) != 3) return 2;
    fclose(file);
    unlink(plan);
    snprintf(log, sizeof log, "%s.log", plan);
    logPath = log, fateText = fate, apartPath = arguments[2];
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 2;
    int child = (int)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) watcher(NULL);
    int listener = listen_(names);
    shared[0] = listener;
    if (listener < 0) return 2;
    fcntl(listener, F_SETFD, FD_CLOEXEC);
    while (shared[1] == 0) sched_yield();
    int status;
    while (syscall(SYS_wait4, child, &status, 0, 0) < 0 && errno == EINTR)
      ;
  }
  execvp(arguments[3], arguments + 3);
  return 127;
}
