/*
 * A native limit as a process that stays: it prepares its input once, prints "ready", then runs once for every line on
 * standard input and answers with wall and processor milliseconds. So its memory is as warm as the product's.
 */
#ifndef LINE_H
#define LINE_H
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define THREADS 2

static double now_ms(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void fail(const char *what) {
  fprintf(stderr, "native limit: %s\n", what);
  exit(1);
}

static uint8_t *map_file(const char *path, size_t *size) {
  int file = open(path, O_RDONLY);
  struct stat about;
  if (file < 0 || fstat(file, &about) != 0) fail("input file");
  uint8_t *bytes = malloc(about.st_size + 64);
  size_t at = 0;
  while (at < (size_t)about.st_size) {
    ssize_t got = read(file, bytes + at, about.st_size - at);
    if (got <= 0) fail("input file");
    at += got;
  }
  close(file);
  *size = about.st_size;
  return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) fail("output file");
}

/* Runs `work(index)` for every index below `count`, on two threads that take the next one when they are free. */
static int slice_count, next_slice;
static void (*slice_work)(int);

static void *worker(void *unused) {
  (void)unused;
  for (;;) {
    int index = __atomic_fetch_add(&next_slice, 1, __ATOMIC_RELAXED);
    if (index >= slice_count) return NULL;
    slice_work(index);
  }
}

static void run_slices(int count, void (*work)(int)) {
  pthread_t threads[THREADS];
  slice_count = count;
  slice_work = work;
  next_slice = 0;
  for (int t = 0; t < THREADS; t++) pthread_create(&threads[t], NULL, worker, NULL);
  for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
}

static void serve(int count, void (*work)(int)) {
  char line[64];
  printf("ready\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    double wall = now_ms(CLOCK_MONOTONIC), cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);
    run_slices(count, work);
    printf("%.3f %.3f\n", now_ms(CLOCK_MONOTONIC) - wall, now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    fflush(stdout);
  }
}
#endif
