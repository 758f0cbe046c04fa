/* Attention over a short video by the C interface: layout -> mask -> plan -> forward and backward.
 * All values are 1, so every output must be 1 whatever the mask keeps. */
#include <math.h>
#include <radial/radial.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FRAMES = 9, ROWS = 12, COLUMNS = 20, TOKENS = FRAMES * ROWS * COLUMNS };
enum { BATCH = 1, HEADS = 2, HEAD_DIM = 64, ELEMENTS = BATCH * TOKENS * HEADS * HEAD_DIM };
enum { Q, K, V, OUT, LSE, DOUT, DQ, DK, DV, NUM_BUFFERS };

static int failed(radial_status status, const char* what) {
  if (status != RADIAL_OK) fprintf(stderr, "%s: %s\n", what, radial_last_error());
  return status != RADIAL_OK;
}

static radial_plan* make_plan(void) {
  radial_layout layout = radial_layout_init();
  layout.frames = FRAMES;
  layout.grid_h = ROWS;
  layout.grid_w = COLUMNS;
  radial_mask_options options = radial_mask_options_init();
  options.decay_factor = 0.5;
  radial_mask* mask = NULL;
  radial_plan* plan = NULL;
  if (failed(radial_mask_create(&layout, &options, &mask), "mask")) return NULL;
  printf("%s\n", radial_mask_description(mask));
  if (failed(radial_plan_create(mask, &plan), "plan")) plan = NULL;
  radial_mask_destroy(mask); /* the plan needs it no more */
  return plan;
}

static radial_tensor tensor(float* data) {
  return radial_contiguous(data, RADIAL_FLOAT32, BATCH, TOKENS, HEADS, HEAD_DIM);
}

static int run(const radial_plan* plan, float* buffers[NUM_BUFFERS]) {
  radial_forward_args forward = radial_forward_args_init();
  forward.q = tensor(buffers[Q]);
  forward.k = tensor(buffers[K]);
  forward.v = tensor(buffers[V]);
  forward.out = tensor(buffers[OUT]);
  forward.lse = buffers[LSE];
  if (failed(radial_forward(plan, &forward, NULL), "forward")) return 1;

  radial_backward_args backward = radial_backward_args_init();
  backward.q = forward.q;
  backward.k = forward.k;
  backward.v = forward.v;
  backward.out = forward.out;
  backward.lse = forward.lse;
  backward.dout = tensor(buffers[DOUT]);
  backward.dq = tensor(buffers[DQ]);
  backward.dk = tensor(buffers[DK]);
  backward.dv = tensor(buffers[DV]);
  if (failed(radial_backward(plan, &backward, NULL), "backward")) return 1;

  for (int i = 0; i < ELEMENTS; ++i) {
    if (!(fabsf(buffers[OUT][i] - 1) < 1e-5f)) {
      printf("output %d is %g\n", i, (double)buffers[OUT][i]);
      return 1;
    }
  }
  printf("every output is 1\n");
  return 0;
}

int main(void) {
  radial_plan* plan = make_plan();
  if (!plan) return 1;
  radial_plan_stats stats = radial_plan_stats_init();
  if (failed(radial_plan_get_stats(plan, 0, &stats), "stats")) return 1;
  printf("%lld of %lld blocks kept, density %.3f\n", (long long)stats.kept_blocks,
         (long long)stats.all_blocks, stats.density);

  float* buffers[NUM_BUFFERS];
  float* memory = malloc(sizeof(float) * ELEMENTS * NUM_BUFFERS);
  if (!memory) return 1;
  for (int i = 0; i < NUM_BUFFERS; ++i) buffers[i] = memory + (size_t)i * ELEMENTS;
  for (size_t i = 0; i < (size_t)ELEMENTS * NUM_BUFFERS; ++i) {
    memory[i] = (float)rand() / (float)RAND_MAX - 0.5f;
  }
  for (int i = 0; i < ELEMENTS; ++i) buffers[V][i] = 1;
  const int result = run(plan, buffers);
  free(memory);
  radial_plan_destroy(plan);
  return result;
}
