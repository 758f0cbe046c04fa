/* The C interface of libradial: masks, block plans and block-sparse attention for video.
 *
 * Calls return RADIAL_OK or another status; after a failure radial_last_error() says in one line
 * what was wrong, for the calling thread. Handles are opaque, immutable and safe to share by
 * threads; destroy functions take NULL. Nothing is written through an output pointer when a call
 * fails.
 *
 * Structs begin with their size as the caller was compiled, so that later versions can append
 * fields: make them with their radial_..._init function and change what should differ. */
#ifndef RADIAL_RADIAL_H
#define RADIAL_RADIAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define RADIAL_C_API extern "C" __attribute__((visibility("default")))
#else
#define RADIAL_C_API __attribute__((visibility("default")))
#endif

/* Grows when a function or a field is added, never otherwise: nothing is removed or changed. A
 * program runs with a library whose radial_abi_version() is at least the one it was compiled with.
 */
#define RADIAL_ABI_VERSION 1
RADIAL_C_API uint32_t radial_abi_version(void);
RADIAL_C_API const char* radial_version(void); /* "0.1.0" */

typedef int32_t radial_status;
enum {
  RADIAL_OK = 0,
  RADIAL_INVALID_ARGUMENT = 1, /* names the argument, what was expected and what came */
  RADIAL_UNSUPPORTED = 2,      /* a valid request that no implementation can serve */
  RADIAL_FORMAT_ERROR = 3,
  RADIAL_CUDA_ERROR = 4,
  RADIAL_OUT_OF_MEMORY = 5,
  RADIAL_INTERNAL_ERROR = 6
};
/* What the last failed call of this thread said; empty before any. Valid until the thread's next
 * failed call. */
RADIAL_C_API const char* radial_last_error(void);

/* Optional integer that is not set: the rule's own default holds. */
#define RADIAL_UNSET (-1)

#define RADIAL_DEFINE_INIT(type)         \
  static inline type type##_init(void) { \
    type value;                          \
    memset(&value, 0, sizeof(value));    \
    value.struct_size = sizeof(value);   \
    return value;                        \
  }

/* ---- Layout and mask ------------------------------------------------------------------------ */

/* The sequence: [reference tokens | frames x grid_h x grid_w video tokens | text tokens]. */
typedef struct radial_layout {
  size_t struct_size;
  int32_t frames;           /* latent frames */
  int32_t grid_h, grid_w;   /* token rows and columns of a frame */
  int32_t reference_tokens; /* global tokens before the video */
  int32_t text_tokens;      /* global tokens after the video, padding included */
  int32_t tile_h, tile_w;   /* token order: tiles of that size; 0 and 0: raster */
  int32_t reserved;         /* 0 */
} radial_layout;
RADIAL_DEFINE_INIT(radial_layout)

/* Writes for each place of the sequence in the layout's order its place in raster order, and the
 * inverse; each [tokens of the sequence], either may be NULL. */
RADIAL_C_API radial_status radial_layout_permutation(const radial_layout* layout,
                                                     int64_t* permutation, int64_t* inverse);

enum { /* radial_mask_options.distance_one: how a query sees the frames next to its own */
       RADIAL_DISTANCE_ONE_RULE = 0,
       RADIAL_DISTANCE_ONE_WHOLE = 1,
       RADIAL_DISTANCE_ONE_HALF = 2,
       RADIAL_DISTANCE_ONE_BAND = 3
};

/* A rule and its parameters; one that the rule does not have is refused when set. */
typedef struct radial_mask_options {
  size_t struct_size;
  const char* rule;    /* NULL: "radial" */
  double decay_factor; /* scales every band width, > 0 */
  int32_t block_size;  /* 64 or 128 */
  int32_t sink;        /* RADIAL_UNSET, 0 or 1 */
  int32_t sink_frames;
  int32_t distance_one;
  int32_t thinning;           /* RADIAL_UNSET, 0 or 1 */
  int32_t thinning_threshold; /* this and all below: RADIAL_UNSET or a value */
  int32_t span;
  int32_t window_frames, window_tiles_h, window_tiles_w;
  int64_t width;
} radial_mask_options;

static inline radial_mask_options radial_mask_options_init(void) {
  radial_mask_options value;
  memset(&value, 0, sizeof(value));
  value.struct_size = sizeof(value);
  value.decay_factor = 1.0;
  value.block_size = 128;
  value.sink = value.thinning = value.thinning_threshold = value.span = RADIAL_UNSET;
  value.sink_frames = 1;
  value.window_frames = value.window_tiles_h = value.window_tiles_w = RADIAL_UNSET;
  value.width = RADIAL_UNSET;
  return value;
}

/* The options with the rule's density parameter turned until the plan's density (kept blocks over
 * all blocks) comes as near to `density` as it can. `chosen` may be `options`. */
RADIAL_C_API radial_status radial_options_for_density(const radial_layout* layout,
                                                      const radial_mask_options* options,
                                                      double density, radial_mask_options* chosen);

typedef struct radial_mask radial_mask;
/* `options` NULL: the defaults. */
RADIAL_C_API radial_status radial_mask_create(const radial_layout* layout,
                                              const radial_mask_options* options,
                                              radial_mask** mask);
RADIAL_C_API void radial_mask_destroy(radial_mask* mask);
/* *attends = 1 if the rule lets the query at place `query` of the sequence see the key at `key`. */
RADIAL_C_API radial_status radial_mask_attends(const radial_mask* mask, int64_t query, int64_t key,
                                               int32_t* attends);
/* Rule, version, parameters and layout in one line; lives as long as the mask. */
RADIAL_C_API const char* radial_mask_description(const radial_mask* mask);

typedef struct radial_rule_info {
  size_t struct_size;
  const char *name, *version, *summary;
  const char* density_parameter; /* "" if a density request turns nothing */
} radial_rule_info;
RADIAL_DEFINE_INIT(radial_rule_info)
RADIAL_C_API int32_t radial_num_rules(void);
RADIAL_C_API radial_status radial_rule(int32_t index, radial_rule_info* info);

/* ---- Plan ----------------------------------------------------------------------------------- */

/* Which key blocks each query block computes. Built once, shared by heads, layers and steps. */
typedef struct radial_plan radial_plan;
RADIAL_C_API radial_status radial_plan_create(const radial_mask* mask, radial_plan** plan);
RADIAL_C_API void radial_plan_destroy(radial_plan* plan);

/* A block mask of one's own. QB, KB: blocks of the query and key tokens, the last may be ragged. */
typedef struct radial_pattern radial_pattern;
/* blocks [QB, KB], kept where not 0. */
RADIAL_C_API radial_status radial_pattern_from_dense(const uint8_t* blocks,
                                                     int32_t num_query_blocks,
                                                     int32_t num_key_blocks,
                                                     radial_pattern** pattern);
/* indptr [QB + 1], indices [num_indices], ascending in each row. */
RADIAL_C_API radial_status radial_pattern_from_csr(const int32_t* indptr, int32_t num_query_blocks,
                                                   const int32_t* indices, int64_t num_indices,
                                                   int32_t num_key_blocks,
                                                   radial_pattern** pattern);
/* FlexAttention's lists: kv_num_blocks [QB], kv_indices [QB, KB], ascending in each row. */
RADIAL_C_API radial_status radial_pattern_from_flex(const int32_t* kv_num_blocks,
                                                    const int32_t* kv_indices,
                                                    int32_t num_query_blocks,
                                                    int32_t num_key_blocks,
                                                    radial_pattern** pattern);
RADIAL_C_API void radial_pattern_destroy(radial_pattern* pattern);

typedef struct radial_plan_shape {
  size_t struct_size;
  int64_t query_tokens, key_tokens;
  int64_t text_tokens;          /* the last of the key tokens that are text */
  int32_t block_size;           /* 64 or 128 */
  int32_t num_heads;            /* length of head_patterns */
  const int32_t* head_patterns; /* [num_heads] pattern of each head; NULL: all use the first */
} radial_plan_shape;
RADIAL_DEFINE_INIT(radial_plan_shape)
/* Copies the patterns; the handles stay the caller's. */
RADIAL_C_API radial_status radial_plan_from_patterns(const radial_pattern* const* patterns,
                                                     int32_t num_patterns,
                                                     const radial_plan_shape* shape,
                                                     radial_plan** plan);

typedef struct radial_plan_info {
  size_t struct_size;
  int64_t query_tokens, key_tokens, text_tokens;
  int32_t block_size, num_query_blocks, num_key_blocks, num_patterns, num_warnings;
} radial_plan_info;
RADIAL_DEFINE_INIT(radial_plan_info)
RADIAL_C_API radial_status radial_plan_get_info(const radial_plan* plan, radial_plan_info* info);
/* What the plan was made from, in one line; lives as long as the plan. */
RADIAL_C_API const char* radial_plan_description(const radial_plan* plan);
/* Defects that the rule has by definition, such as rows that see nothing; index < num_warnings. */
RADIAL_C_API const char* radial_plan_warning(const radial_plan* plan, int32_t index);

typedef struct radial_plan_stats {
  size_t struct_size;
  int64_t kept_blocks, all_blocks;
  double density;                                         /* kept / all */
  double runs_per_row;                                    /* groups of neighbouring key blocks */
  int32_t shortest_row, median_row, longest_row;          /* key blocks */
  int32_t shortest_column, median_column, longest_column; /* query blocks */
  int32_t empty_rows;
} radial_plan_stats;
RADIAL_DEFINE_INIT(radial_plan_stats)
RADIAL_C_API radial_status radial_plan_get_stats(const radial_plan* plan, int32_t pattern,
                                                 radial_plan_stats* stats);
/* Pairs (query token, key token) that `head` computes. */
RADIAL_C_API radial_status radial_plan_kept_pairs(const radial_plan* plan, int32_t head,
                                                  int64_t* pairs);

/* Exports of one pattern; the sizes follow from radial_plan_info and kept_blocks of its stats. */
RADIAL_C_API radial_status radial_plan_to_dense(const radial_plan* plan, int32_t pattern,
                                                uint8_t* blocks /* [QB, KB] */);
RADIAL_C_API radial_status radial_plan_to_csr(const radial_plan* plan, int32_t pattern,
                                              int32_t* indptr /* [QB + 1] */,
                                              int32_t* indices /* [kept_blocks] */);
RADIAL_C_API radial_status radial_plan_to_flex(const radial_plan* plan, int32_t pattern,
                                               int32_t* kv_num_blocks /* [QB] */,
                                               int32_t* kv_indices /* [QB, KB] */);

/* A plan's arrays in the memory of one GPU, needed by every call on CUDA tensors. */
typedef struct radial_device_plan radial_device_plan;
RADIAL_C_API radial_status radial_device_plan_create(const radial_plan* plan, int32_t device_index,
                                                     radial_device_plan** device_plan);
RADIAL_C_API void radial_device_plan_destroy(radial_device_plan* device_plan);
RADIAL_C_API size_t radial_device_plan_bytes(const radial_device_plan* device_plan);

/* ---- Attention ------------------------------------------------------------------------------ */

enum { RADIAL_FLOAT32 = 0, RADIAL_BFLOAT16 = 1, RADIAL_FLOAT16 = 2, RADIAL_FLOAT64 = 3 };
enum { RADIAL_CPU = 0, RADIAL_CUDA = 1 };

/* A tensor [B, S, H, D] in the caller's memory: batch, tokens, heads, head dim. Strides count
 * elements, the last is 1. Held by value in other structs, so this one never grows. */
typedef struct radial_tensor {
  void* data;
  int32_t dtype;
  int32_t device;       /* RADIAL_CPU or RADIAL_CUDA */
  int32_t device_index; /* of the GPU */
  int32_t reserved;     /* 0 */
  int64_t sizes[4];
  int64_t strides[4];
} radial_tensor;

/* Contiguous [batch, tokens, heads, head_dim] on the CPU. */
static inline radial_tensor radial_contiguous(void* data, int32_t dtype, int64_t batch,
                                              int64_t tokens, int64_t heads, int64_t head_dim) {
  radial_tensor tensor;
  memset(&tensor, 0, sizeof(tensor));
  tensor.data = data;
  tensor.dtype = dtype;
  tensor.sizes[0] = batch;
  tensor.sizes[1] = tokens;
  tensor.sizes[2] = heads;
  tensor.sizes[3] = head_dim;
  tensor.strides[3] = 1;
  tensor.strides[2] = head_dim;
  tensor.strides[1] = heads * head_dim;
  tensor.strides[0] = tokens * heads * head_dim;
  return tensor;
}

typedef struct radial_run_options {
  size_t struct_size;
  const char* implementation;            /* NULL: RADIAL_IMPLEMENTATION, else the first that can */
  void* stream;                          /* cudaStream_t; NULL: the default stream */
  const radial_device_plan* device_plan; /* required for CUDA tensors */
  void* workspace; /* 256-byte aligned, on the tensors' device; NULL: the CPU takes its own */
  size_t workspace_bytes;
  int32_t num_threads; /* CPU; 0: OMP_NUM_THREADS, else all processors */
  int32_t reserved;    /* 0 */
} radial_run_options;
RADIAL_DEFINE_INIT(radial_run_options)

/* softmax(scale * Q K^T) V over the pairs of the plan's kept blocks, except keys at or beyond Sk
 * and text keys at or beyond the sample's length. A query that sees no key gets out = 0, lse =
 * -inf. Sizes: B batch, Sq / Sk tokens, H heads, D head dim; Hkv divides H. */
typedef struct radial_forward_args {
  size_t struct_size;
  radial_tensor q, k, v;       /* [B, Sq, H, D], [B, Sk, Hkv, D], [B, Sk, Hkv, D]; only read */
  radial_tensor out;           /* [B, Sq, H, D] */
  void* lse;                   /* NULL or [B, H, Sq] float32 (float64 for float64): natural log */
  const int32_t* text_lengths; /* NULL or [B] valid text tokens, on the tensors' device */
  double scale;                /* 0: 1 / sqrt(D) */
} radial_forward_args;
RADIAL_DEFINE_INIT(radial_forward_args)

/* Gradients from that of the output; out and lse are the forward's. */
typedef struct radial_backward_args {
  size_t struct_size;
  radial_tensor q, k, v, out; /* only read, as in radial_forward_args */
  radial_tensor dout;         /* [B, Sq, H, D], only read */
  radial_tensor dq, dk, dv;   /* as q, k and v */
  const void* lse;            /* [B, H, Sq] */
  const int32_t* text_lengths;
  double scale;
} radial_backward_args;
RADIAL_DEFINE_INIT(radial_backward_args)

/* Two results over disjoint sets of keys, joined into that over their union. out and lse may be the
 * memory of the first. */
typedef struct radial_merge_args {
  size_t struct_size;
  radial_tensor out_a, out_b; /* [B, Sq, H, D], only read */
  radial_tensor out;          /* [B, Sq, H, D] */
  const void *lse_a, *lse_b;  /* [B, H, Sq] */
  void* lse;                  /* [B, H, Sq] */
} radial_merge_args;
RADIAL_DEFINE_INIT(radial_merge_args)

/* `options` may be NULL in each. On CUDA the work is queued on the stream and the call returns. */
RADIAL_C_API radial_status radial_forward(const radial_plan* plan, const radial_forward_args* args,
                                          const radial_run_options* options);
RADIAL_C_API radial_status radial_backward(const radial_plan* plan,
                                           const radial_backward_args* args,
                                           const radial_run_options* options);
RADIAL_C_API radial_status radial_merge(const radial_merge_args* args,
                                        const radial_run_options* options);

/* Scratch bytes that the same call needs. */
RADIAL_C_API radial_status radial_forward_workspace(const radial_plan* plan,
                                                    const radial_forward_args* args,
                                                    const radial_run_options* options,
                                                    size_t* bytes);
RADIAL_C_API radial_status radial_backward_workspace(const radial_plan* plan,
                                                     const radial_backward_args* args,
                                                     const radial_run_options* options,
                                                     size_t* bytes);

typedef struct radial_implementation_info {
  size_t struct_size;
  const char *name, *description;
  const char* unavailable; /* why this machine cannot run it; "" if it can */
  int32_t device;          /* RADIAL_CPU or RADIAL_CUDA */
  int32_t available;       /* 0 or 1 */
} radial_implementation_info;
RADIAL_DEFINE_INIT(radial_implementation_info)
/* All that the library was built with, in order of preference. */
RADIAL_C_API int32_t radial_num_implementations(void);
RADIAL_C_API radial_status radial_implementation(int32_t index, radial_implementation_info* info);
/* Index of the one that radial_forward would run with these arguments. */
RADIAL_C_API radial_status radial_chosen_implementation(const radial_plan* plan,
                                                        const radial_forward_args* args,
                                                        const radial_run_options* options,
                                                        int32_t* index);

#undef RADIAL_DEFINE_INIT

#endif /* RADIAL_RADIAL_H */
