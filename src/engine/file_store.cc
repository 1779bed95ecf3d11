#include "engine/file_store.h"

#include <algorithm>
#include <fstream>

#include "base/hash.h"
#include "base/turns.h"

namespace tocsin::engine {

FileStore::FileStore(std::filesystem::path directory, bool stores_all, std::uint64_t most,
                     std::shared_ptr<Numbers> numbers)
    : directory_(std::move(directory)), stores_all_(stores_all), most_(most), numbers_(std::move(numbers)) {}

std::uint64_t FileStore::take(const protocol::File& file) {
  if (!stores_all_ && !file.is_stored) return 0;
  Pending& pending = open_[file.serial];
  if (pending.is_done) return pending.stored;
  // Where the window has moved on before the file was asked for, the beginning is lost.
  const std::uint64_t end = file.offset + file.bytes.size();
  if (end > pending.end && pending.bytes.size() < most_) {
    const std::uint64_t from = std::max(pending.end, file.offset);
    const std::string_view added = std::string_view(file.bytes).substr(from - file.offset);
    pending.bytes.append(added.substr(0, most_ - pending.bytes.size()));
    pending.end = end;
  }
  if (file.state == protocol::File::State::kOpen) return 0;
  pending.is_done = true;
  const Digest digest = sha256(pending.bytes);
  const std::string name = hex(digest);
  wait_for_turn();  // for the number, and because another may store the same file
  const std::filesystem::path folder = directory_ / name.substr(0, 2);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  // Under another name first, so that a file which is there is whole.
  const std::filesystem::path path = folder / name, temporary = folder / (name + ".part");
  std::ofstream out(temporary, std::ios::binary);
  out.write(pending.bytes.data(), static_cast<std::streamsize>(pending.bytes.size()));
  out.close();
  std::string().swap(pending.bytes);
  if (out) std::filesystem::rename(temporary, path, error);
  if (!out || error) {
    ++numbers_->failures;
    return 0;
  }
  pending.stored = numbers_->next++;
  return pending.stored;
}

}  // namespace tocsin::engine
