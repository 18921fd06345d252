/*
 * The limit of the resampling kernel: the same loop in C with 128-bit vectors (SSE4.2), two threads. Four source rows are
 * blended into one row of FP32, which is then interpolated along the row, windowed and scaled; no float volume is made.
 * Usage: resample VOXELS SLICES ROWS COLUMNS SHAPE[3] START[3] STEP[3] INTERCEPT LOW HIGH FILL RESULT
 * Start and step are in voxels of the volume. Writes the result of a first run to RESULT, then serves.
 */
#include "line.h"
#include <math.h>
#include <smmintrin.h>

struct axis {
  int first, last;
  int *lower, *upper;
  float *weight;
};

static const int16_t *voxels;
static int slices, rows, columns, shape[3];
static struct axis axes[3];
static float intercept, low, high, fill, *result;

static struct axis axis_of(int source, int count, double start, double step) {
  struct axis axis = {count, -1, calloc(count, sizeof(int)), calloc(count, sizeof(int)), calloc(count, sizeof(float))};
  for (int i = 0; i < count; i++) {
    double at = start + i * step;
    if (at < -0.5 || at > source - 0.5) continue;
    if (i < axis.first) axis.first = i;
    axis.last = i;
    double clamped = at < 0 ? 0 : at > source - 1 ? source - 1 : at;
    int lower = (int)clamped;
    if (lower > source - 2) lower = source - 2;
    axis.lower[i] = lower;
    axis.upper[i] = lower + 1;
    axis.weight[i] = (float)(clamped - lower);
  }
  return axis;
}

static float windowed(float value) { return ((value < low ? low : value > high ? high : value) - low) / (high - low); }

static inline __m128 lower4(__m128i stored) { return _mm_cvtepi32_ps(_mm_cvtepi16_epi32(stored)); }
static inline __m128 upper4(__m128i stored) { return lower4(_mm_srli_si128(stored, 8)); }

static void blend(float *row, const int16_t *a, const int16_t *b, const int16_t *c, const int16_t *d, const float w[4]) {
  __m128 wa = _mm_set1_ps(w[0]), wb = _mm_set1_ps(w[1]), wc = _mm_set1_ps(w[2]), wd = _mm_set1_ps(w[3]);
  __m128 constant = _mm_set1_ps(intercept);
  int x = 0;
  for (; x + 8 <= columns; x += 8) {
    __m128i p = _mm_loadu_si128((const __m128i *)(a + x)), q = _mm_loadu_si128((const __m128i *)(b + x));
    __m128i r = _mm_loadu_si128((const __m128i *)(c + x)), s = _mm_loadu_si128((const __m128i *)(d + x));
    __m128 ab = _mm_add_ps(_mm_mul_ps(lower4(p), wa), _mm_mul_ps(lower4(q), wb));
    __m128 cd = _mm_add_ps(_mm_mul_ps(lower4(r), wc), _mm_add_ps(_mm_mul_ps(lower4(s), wd), constant));
    _mm_storeu_ps(row + x, _mm_add_ps(ab, cd));
    ab = _mm_add_ps(_mm_mul_ps(upper4(p), wa), _mm_mul_ps(upper4(q), wb));
    cd = _mm_add_ps(_mm_mul_ps(upper4(r), wc), _mm_add_ps(_mm_mul_ps(upper4(s), wd), constant));
    _mm_storeu_ps(row + x + 4, _mm_add_ps(ab, cd));
  }
  for (; x < columns; x++) row[x] = a[x] * w[0] + b[x] * w[1] + c[x] * w[2] + d[x] * w[3] + intercept;
}

static void interpolate(float *to, const float *row) {
  const struct axis *x = &axes[2];
  __m128 lowest = _mm_set1_ps(low), highest = _mm_set1_ps(high), scale = _mm_set1_ps(1 / (high - low));
  int i = x->first;
  for (; i + 4 <= x->last + 1; i += 4) {
    const int *at = x->lower + i;
    __m128 p = _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(row + at[0])));
    p = _mm_loadh_pi(p, (const __m64 *)(row + at[1]));
    __m128 q = _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(row + at[2])));
    q = _mm_loadh_pi(q, (const __m64 *)(row + at[3]));
    __m128 even = _mm_shuffle_ps(p, q, _MM_SHUFFLE(2, 0, 2, 0)), odd = _mm_shuffle_ps(p, q, _MM_SHUFFLE(3, 1, 3, 1));
    __m128 value = _mm_add_ps(even, _mm_mul_ps(_mm_sub_ps(odd, even), _mm_loadu_ps(x->weight + i)));
    value = _mm_min_ps(highest, _mm_max_ps(lowest, value));
    _mm_storeu_ps(to + i, _mm_mul_ps(_mm_sub_ps(value, lowest), scale));
  }
  for (; i <= x->last; i++) to[i] = windowed(row[x->lower[i]] + (row[x->upper[i]] - row[x->lower[i]]) * x->weight[i]);
}

static void slice(int k) {
  float *out = result + (size_t)k * shape[1] * shape[2], outside = windowed(fill);
  float row[columns + 8];
  size_t plane = (size_t)rows * columns;
  for (int j = 0; j < shape[1]; j++, out += shape[2]) {
    int inside = k >= axes[0].first && k <= axes[0].last && j >= axes[1].first && j <= axes[1].last;
    int first = inside ? axes[2].first : shape[2], last = inside ? axes[2].last : shape[2] - 1;
    for (int i = 0; i < first; i++) out[i] = outside;
    for (int i = last + 1; i < shape[2]; i++) out[i] = outside;
    if (!inside) continue;
    float z = axes[0].weight[k], y = axes[1].weight[j];
    const int16_t *a = voxels + axes[0].lower[k] * plane, *b = voxels + axes[0].upper[k] * plane;
    size_t above = (size_t)axes[1].lower[j] * columns, below = (size_t)axes[1].upper[j] * columns;
    const float weights[4] = {(1 - z) * (1 - y), (1 - z) * y, z * (1 - y), z * y};
    blend(row, a + above, a + below, b + above, b + below, weights);
    interpolate(out, row);
  }
}

int main(int count, char **arguments) {
  if (count != 19) fail("usage");
  size_t size;
  voxels = (const int16_t *)map_file(arguments[1], &size);
  slices = atoi(arguments[2]), rows = atoi(arguments[3]), columns = atoi(arguments[4]);
  if (size != (size_t)slices * rows * columns * 2) fail("size of the volume");
  const int source[3] = {slices, rows, columns};
  for (int a = 0; a < 3; a++) {
    shape[a] = atoi(arguments[5 + a]);
    axes[a] = axis_of(source[a], shape[a], atof(arguments[8 + a]), atof(arguments[11 + a]));
  }
  intercept = atof(arguments[14]), low = atof(arguments[15]), high = atof(arguments[16]), fill = atof(arguments[17]);
  size_t values = (size_t)shape[0] * shape[1] * shape[2];
  result = malloc(values * sizeof(float));
  run_slices(shape[0], slice);
  write_file(arguments[18], result, values * sizeof(float));
  serve(shape[0], slice);
  return 0;
}
