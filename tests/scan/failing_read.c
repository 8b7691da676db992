/* Preloaded into a scan: reading a file that begins with a marker fails as a dying disk does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char marker[] = "FAILING-DISK";

static int fails(const char *data, ssize_t count) {
  return count >= (ssize_t)sizeof marker - 1 && memcmp(data, marker, sizeof marker - 1) == 0;
}

ssize_t readv(int descriptor, const struct iovec *parts, int count) {
  static ssize_t (*real)(int, const struct iovec *, int);
  if (!real) real = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "readv");
  ssize_t done = real(descriptor, parts, count);
  if (done > 0 && fails(parts[0].iov_base, done)) {
    errno = EIO;
    return -1;
  }
  return done;
}
