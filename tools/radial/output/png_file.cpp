#include "output/png_file.h"

#include <png.h>

#include <array>
#include <cstddef>
#include <string>

#include "radial/base/error.h"

namespace radial::tools {
namespace {

[[noreturn]] void throw_png_error(png_structp, png_const_charp message) {
  throw Error(concat("writing a PNG: ", message));
}

void ignore_png_warning(png_structp, png_const_charp) {}

// Frees libpng's state on every way out.
struct PngWriter {
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, throw_png_error, ignore_png_warning);
  png_infop info = png_create_info_struct(png);
  PngWriter() = default;
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
};

}  // namespace

void write_png(OutputFile& file, const Image& image, const std::string& description) {
  PngWriter writer;
  png_init_io(writer.png, file.stream());
  png_set_IHDR(writer.png, writer.info, image.width(), image.height(), 8, PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  // Flat areas compress best unfiltered: filters are made for photographs.
  png_set_filter(writer.png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
  png_set_compression_level(writer.png, 9);
  std::string keys[] = {"Software", "Description"};
  std::string values[] = {"radial " RADIAL_VERSION, description};
  std::array<png_text, 2> texts{};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i].compression = PNG_TEXT_COMPRESSION_NONE;
    texts[i].key = keys[i].data();
    texts[i].text = values[i].data();
    texts[i].text_length = values[i].size();
  }
  png_set_text(writer.png, writer.info, texts.data(), static_cast<int>(texts.size()));
  png_write_info(writer.png, writer.info);
  for (int y = 0; y < image.height(); ++y) {
    png_write_row(writer.png, image.pixels() + std::size_t{3} * image.width() * y);
  }
  png_write_end(writer.png, writer.info);
}

}  // namespace radial::tools
