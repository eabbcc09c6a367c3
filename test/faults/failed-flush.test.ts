import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startServerChild } from '../../scripts/faults/server-child.ts'
import { databases } from '../support/databases.ts'
import { needs } from '../support/left-out.ts'
import { getProgram } from '../support/programs.ts'
import { insertIntegration, sendWebhook } from '../support/receiver.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../support/server-database.ts'

/** Lets the next flush of a log fail while the file of $FLUSH_FAILS is there, and writes down which descriptor did what. */
const shim = `
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void note(const char *what, int of) {
  char line[64];
  snprintf(line, sizeof line, "%s %d\\n", what, of);
  int fd = (int)((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open"))(getenv("FLUSH_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (fd >= 0) { ssize_t n = write(fd, line, strlen(line)); (void)n; close(fd); }
}
static int is_log(const char *path) {
  size_t length = strlen(path);
  return length > 4 && strcmp(path + length - 4, "-wal") == 0;
}
static int flush(int fd, const char *name) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  if (is_log(path)) {
    if (unlink(getenv("FLUSH_FAILS")) == 0) { note("failed", fd); errno = EIO; return -1; }
    note("flushed", fd);
  }
  return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}
extern "C" int fdatasync(int fd) { return flush(fd, "fdatasync"); }
extern "C" int fsync(int fd) { return flush(fd, "fsync"); }
static int open_as(const char *name, const char *path, int flags, mode_t mode) {
  int fd = ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name))(path, flags, mode);
  if (fd >= 0 && is_log(path)) note("opened", fd);
  return fd;
}
extern "C" int open(const char *path, int flags, ...) {
  va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, int); va_end(rest);
  return open_as("open", path, flags, mode);
}
extern "C" int open64(const char *path, int flags, ...) {
  va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, int); va_end(rest);
  return open_as("open64", path, flags, mode);
}
`

needs('c++')('a flush that fails', () => {
  test('F5 is not tried again on the same connection: the log is opened anew, and the delivery stored once', {
    timeout: 60_000,
  }, async () => {
    const [sqlite] = databases
    if (sqlite === undefined) throw new Error('no database')
    const folder = mkdtempSync(join(tmpdir(), 'mooring-flush-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [source, library] = [join(folder, 'shim.cpp'), join(folder, 'shim.so')]
    writeFileSync(source, shim)
    const built = spawnSync(getProgram('c++'), ['-shared', '-fPIC', '-o', library, source, '-ldl'], {
      encoding: 'utf8',
    })
    expect(built.stderr).toBe('')
    const [fails, log] = [join(folder, 'fails'), join(folder, 'log')]
    const url = await openTestDatabaseUrl(sqlite)
    const db = connectTestDatabase(url)
    const integration = await insertIntegration(db, 'acme')
    const server = await startServerChild(url, [
      ...['env', `LD_PRELOAD=${library}`, `FLUSH_FAILS=${fails}`, `FLUSH_LOG=${log}`],
    ])
    onTestFinished(async () => {
      await server.end('SIGKILL')
    })
    expect((await sendWebhook(server.url, integration, '{"number":1}')).status).toBe(202)
    // Until it is decided other connections write, too, and the flush that fails could be one of theirs.
    await vi.waitFor(async () => {
      const { state } = await db.selectFrom('delivery').select('state').executeTakeFirstOrThrow()
      expect(state).toBe('processed')
    }, 10_000)

    writeFileSync(fails, '')
    const answer = await sendWebhook(server.url, integration, '{"number":2}')

    expect(existsSync(fails)).toBe(false)
    expect(answer.status).toBe(202)
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    const failed = lines.findIndex((line) => line.startsWith('failed '))
    expect(failed).toBeGreaterThan(0)
    const [, descriptor] = lines[failed]?.split(' ') ?? []
    const after = lines.slice(failed + 1)
    // Nothing more is flushed through it: where its number comes again, it is of a log that was opened anew.
    expect(after.find((line) => line.endsWith(` ${descriptor}`)) ?? `opened ${descriptor}`).toBe(`opened ${descriptor}`)
    expect(after.some((line) => line.startsWith('opened '))).toBe(true)
    expect(server.log()).toContain('deliveries could not be stored')
    const rows = await db.selectFrom('delivery').select('body').execute()
    expect(rows.map(({ body }) => Buffer.from(body).toString()).sort()).toEqual(['{"number":1}', '{"number":2}'])
  })
})
