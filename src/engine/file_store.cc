#include "engine/file_store.h"

#include <algorithm>
#include <fstream>

#include "base/hash.h"
#include "base/turns.h"

namespace tocsin::engine {

FileStore::FileStore(std::filesystem::path directory, bool stores_all, std::uint64_t most, std::uint64_t most_of_all,
                     std::shared_ptr<Numbers> numbers)
    : directory_(std::move(directory)),
      stores_all_(stores_all),
      most_(most),
      most_of_all_(most_of_all),
      numbers_(std::move(numbers)) {}

void FileStore::forget(const protocol::File& file) {
  const auto found = open_.find(file.serial);
  if (found == open_.end()) return;
  pending_bytes_ -= found->second.bytes.size();
  open_.erase(found);
}

// Those that are whole hold no bytes, and go with the rest.
void FileStore::give_up_oldest(std::uint64_t but) {
  wait_for_turn();
  for (auto one = open_.begin(); one != open_.end() && pending_bytes_ > most_of_all_;) {
    Pending& pending = one->second;
    if (one->first == but || pending.is_done) {
      ++one;
      continue;
    }
    pending_bytes_ -= pending.bytes.size();
    std::string().swap(pending.bytes);
    pending.is_done = true;
    ++numbers_->failures;
    ++one;
  }
}

std::uint64_t FileStore::take(const protocol::File& file) {
  if (!stores_all_ && !file.is_stored) return 0;
  Pending& pending = open_[file.serial];
  if (pending.is_done) return pending.stored;
  // Where the window has moved on before the file was asked for, the beginning is lost.
  const std::uint64_t end = file.offset + file.bytes.size();
  if (end > pending.end && pending.bytes.size() < most_) {
    const std::uint64_t from = std::max(pending.end, file.offset);
    const std::string_view added = std::string_view(file.bytes).substr(from - file.offset);
    const std::string_view taken = added.substr(0, most_ - pending.bytes.size());
    pending.bytes.append(taken);
    pending.end = end;
    pending_bytes_ += taken.size();
    if (pending_bytes_ > most_of_all_) give_up_oldest(file.serial);
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
  pending_bytes_ -= pending.bytes.size();
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
