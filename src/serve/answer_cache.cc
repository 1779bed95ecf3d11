#include "serve/answer_cache.h"

namespace tocsin::serve {

std::size_t bytes_of(const std::string& text) { return text.size(); }

std::size_t bytes_of(const Table& table) {
  std::size_t bytes = 0;
  for (const auto& row : table.rows) {
    bytes += row.size() * sizeof(Cell);
    for (const Cell& cell : row) {
      if (const auto* text = std::get_if<std::string>(&cell)) bytes += text->size();
    }
  }
  return bytes;
}

}  // namespace tocsin::serve
