#include "video/io/mp4_file.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <unistd.h>

#include <array>
#include <system_error>
#include <utility>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr const char* kQuality = "18";  // of x264's constant rate factor: visually near lossless

// Throws Error in libav's words unless `status` is a success; gives it back.
int checked(int status, const char* what) {
  if (status >= 0) return status;
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(status, text.data(), text.size());
  throw Error(concat("video file: ", what, ": ", text.data()));
}

template <typename Pointer>
Pointer required(Pointer pointer, const char* what) {
  if (pointer == nullptr) throw Error(concat("video file: no ", what));
  return pointer;
}

}  // namespace

struct Mp4File::Encoder {
  AVFormatContext* format = nullptr;
  AVCodecContext* codec = nullptr;
  AVStream* stream = nullptr;
  AVFrame* frame = nullptr;
  AVPacket* packet = nullptr;
  SwsContext* scaler = nullptr;
  std::filesystem::path unfinished;  // the file to remove if the video is given up

  ~Encoder() {
    sws_freeContext(scaler);
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&codec);
    if (format != nullptr) avio_closep(&format->pb);
    avformat_free_context(format);
    std::error_code ignored;
    if (!unfinished.empty()) std::filesystem::remove(unfinished, ignored);
  }

  void open_codec(const Mp4Options& options) {
    const AVCodec* found = avcodec_find_encoder_by_name("libx264");
    if (found == nullptr) found = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    codec = required(avcodec_alloc_context3(required(found, "H.264 encoder")), "encoder");
    codec->width = options.width;
    codec->height = options.height;
    codec->time_base = {1, options.fps};
    codec->framerate = {options.fps, 1};
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->color_primaries = AVCOL_PRI_BT709;
    codec->color_trc = AVCOL_TRC_BT709;
    codec->colorspace = AVCOL_SPC_BT709;
    codec->color_range = AVCOL_RANGE_MPEG;
    if (format->oformat->flags & AVFMT_GLOBALHEADER) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set(codec->priv_data, "crf", kQuality, 0);  // an encoder without it keeps its default
    checked(avcodec_open2(codec, found, nullptr), "opening the encoder");
  }

  void open_file(const std::string& path, const Mp4Options& options) {
    checked(avformat_alloc_output_context2(&format, nullptr, "mp4", path.c_str()), "mp4");
    open_codec(options);
    stream = required(avformat_new_stream(format, nullptr), "memory");
    stream->time_base = codec->time_base;
    stream->avg_frame_rate = codec->framerate;
    checked(avcodec_parameters_from_context(stream->codecpar, codec), "encoder settings");
    for (const auto& [key, value] : options.metadata) {
      av_dict_set(&format->metadata, key.c_str(), value.c_str(), 0);
    }
    checked(avio_open(&format->pb, path.c_str(), AVIO_FLAG_WRITE), path.c_str());
    unfinished = path;
    AVDictionary* settings = nullptr;
    av_dict_set(&settings, "movflags", "+faststart", 0);
    const int status = avformat_write_header(format, &settings);
    av_dict_free(&settings);
    checked(status, "writing the header");
  }

  void open_frame() {
    packet = required(av_packet_alloc(), "memory");
    frame = required(av_frame_alloc(), "memory");
    frame->format = codec->pix_fmt;
    frame->width = codec->width;
    frame->height = codec->height;
    checked(av_frame_get_buffer(frame, 0), "memory of a frame");
    scaler = required(
        sws_getContext(codec->width, codec->height, AV_PIX_FMT_RGB24, codec->width, codec->height,
                       codec->pix_fmt, SWS_BILINEAR | SWS_ACCURATE_RND, nullptr, nullptr, nullptr),
        "colour conversion");
    const int* bt709 = sws_getCoefficients(SWS_CS_ITU709);
    sws_setColorspaceDetails(scaler, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16);
    frame->pts = -1;
  }

  // A null frame ends the stream.
  void encode(const AVFrame* next) {
    checked(avcodec_send_frame(codec, next), "encoding");
    while (true) {
      const int status = avcodec_receive_packet(codec, packet);
      if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
      checked(status, "encoding");
      av_packet_rescale_ts(packet, codec->time_base, stream->time_base);
      packet->stream_index = stream->index;
      checked(av_interleaved_write_frame(format, packet), "writing");
    }
  }
};

Mp4File::Mp4File(std::filesystem::path path, const Mp4Options& options)
    : path_(std::move(path)),
      temporary_path_(path_.string() + "." + std::to_string(getpid()) + ".tmp"),
      encoder_(std::make_unique<Encoder>()) {
  RADIAL_REQUIRE(
      options.width > 0 && options.height > 0 && options.width % 2 == 0 && options.height % 2 == 0,
      "video size: expected even numbers of pixels, got ", options.width, "x", options.height);
  RADIAL_REQUIRE(options.fps >= 1 && options.fps <= 1000, "fps: expected 1 to 1000, got ",
                 options.fps);
  av_log_set_level(AV_LOG_ERROR);
  encoder_->open_file(temporary_path_.string(), options);
  encoder_->open_frame();
}

Mp4File::~Mp4File() = default;

void Mp4File::add_frame(std::span<const std::uint8_t> rgb) {
  Encoder& e = *encoder_;
  const std::size_t expected = std::size_t{3} * e.codec->width * e.codec->height;
  RADIAL_REQUIRE(rgb.size() == expected, "frame: expected ", expected, " bytes, got ", rgb.size());
  checked(av_frame_make_writable(e.frame), "memory of a frame");
  const std::array<const std::uint8_t*, 1> planes = {rgb.data()};
  const std::array<int, 1> strides = {3 * e.codec->width};
  sws_scale(e.scaler, planes.data(), strides.data(), 0, e.codec->height, e.frame->data,
            e.frame->linesize);
  ++e.frame->pts;
  e.encode(e.frame);
}

void Mp4File::commit() {
  encoder_->encode(nullptr);
  checked(av_write_trailer(encoder_->format), "writing the end");
  checked(avio_closep(&encoder_->format->pb), "closing");
  std::filesystem::rename(temporary_path_, path_);
  encoder_->unfinished.clear();
  encoder_.reset();
}

}  // namespace radial::video
