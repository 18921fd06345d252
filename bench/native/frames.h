/*
 * Encoded frames from a file: for each its length (uint32, little endian) and its bytes. Decoded frames go to one volume
 * of 16-bit values. Usage of a program on this: NAME FRAMES ROWS COLUMNS RESULT
 */
#ifndef FRAMES_H
#define FRAMES_H
#include "line.h"

static int rows, columns, frame_count;
static uint8_t **frames;
static uint32_t *lengths;
static uint16_t *volume;

static void decode(int index);

static uint16_t *target_of(int index) { return volume + (size_t)index * rows * columns; }

static int serve_frames(int count, char **arguments) {
  if (count != 5) fail("usage");
  size_t size;
  uint8_t *bytes = map_file(arguments[1], &size);
  rows = atoi(arguments[2]), columns = atoi(arguments[3]);
  for (size_t at = 0; at + 4 <= size; frame_count++) {
    frames = realloc(frames, (frame_count + 1) * sizeof *frames);
    lengths = realloc(lengths, (frame_count + 1) * sizeof *lengths);
    memcpy(&lengths[frame_count], bytes + at, 4);
    frames[frame_count] = bytes + at + 4;
    at += 4 + lengths[frame_count];
  }
  size_t values = (size_t)frame_count * rows * columns;
  volume = malloc(values * 2);
  run_slices(frame_count, decode);
  write_file(arguments[4], volume, values * 2);
  serve(frame_count, decode);
  return 0;
}
#endif
