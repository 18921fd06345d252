/* The limit of JPEG-LS: CharLS itself, two threads. */
#include "frames.h"
#include <charls/charls.h>

static void decode(int index) {
  charls_jpegls_decoder *decoder = charls_jpegls_decoder_create();
  if (charls_jpegls_decoder_set_source_buffer(decoder, frames[index], lengths[index]) != 0) fail("CharLS source");
  if (charls_jpegls_decoder_read_header(decoder) != 0) fail("CharLS header");
  size_t size = (size_t)rows * columns * 2;
  if (charls_jpegls_decoder_decode_to_buffer(decoder, target_of(index), size, 0) != 0) fail("CharLS frame");
  charls_jpegls_decoder_destroy(decoder);
}

int main(int count, char **arguments) { return serve_frames(count, arguments); }
