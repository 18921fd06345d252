/* The limit of JPEG 2000: OpenJPEG itself, two threads, one frame each. */
#include "frames.h"
#include <openjpeg-2.5/openjpeg.h>

struct source {
  const uint8_t *bytes;
  size_t length, at;
};

static OPJ_SIZE_T read_source(void *buffer, OPJ_SIZE_T wanted, void *data) {
  struct source *source = data;
  size_t left = source->length - source->at, size = wanted < left ? wanted : left;
  if (size == 0) return (OPJ_SIZE_T)-1;
  memcpy(buffer, source->bytes + source->at, size);
  source->at += size;
  return size;
}

static OPJ_OFF_T skip_source(OPJ_OFF_T count, void *data) {
  ((struct source *)data)->at += count;
  return count;
}

static OPJ_BOOL seek_source(OPJ_OFF_T at, void *data) {
  ((struct source *)data)->at = at;
  return OPJ_TRUE;
}

static void decode(int index) {
  struct source source = {frames[index], lengths[index], 0};
  opj_stream_t *stream = opj_stream_create(lengths[index], OPJ_TRUE);
  opj_stream_set_user_data(stream, &source, NULL);
  opj_stream_set_user_data_length(stream, lengths[index]);
  opj_stream_set_read_function(stream, read_source);
  opj_stream_set_skip_function(stream, skip_source);
  opj_stream_set_seek_function(stream, seek_source);
  opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_J2K);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t *image = NULL;
  if (!opj_setup_decoder(codec, &parameters) || !opj_read_header(stream, codec, &image)) fail("OpenJPEG header");
  if (!opj_decode(codec, stream, image)) fail("OpenJPEG frame");
  uint16_t *to = target_of(index);
  for (int i = 0; i < rows * columns; i++) to[i] = image->comps[0].data[i];
  opj_image_destroy(image);
  opj_destroy_codec(codec);
  opj_stream_destroy(stream);
}

int main(int count, char **arguments) { return serve_frames(count, arguments); }
